"""requests-oauthlib as published on PyPI: all grants and refresh; it has no revocation, introspection or discovery."""

from __future__ import annotations

from typing import Any

import pytest
from oauthlib.oauth2 import (
    BackendApplicationClient,
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    LegacyApplicationClient,
    UnauthorizedClientError,
)
from requests_oauthlib import OAuth2Session

from tests.dialects.satellite_app import Satellite
from tests.dialects.test_satellite import ADA
from tests.sdk.conftest import NewClient


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def url(app: Satellite, path: str = "oauth/v2/token") -> str:
    return f"{app.world.environment.issuer}/{path}"


def person(app: Satellite, **options: Any) -> OAuth2Session:
    return OAuth2Session(client=LegacyApplicationClient(app.client_id, **options))


def sign_in(client: OAuth2Session, app: Satellite, password: str = "", **options: Any) -> dict[str, Any]:
    password = password or app.code(ADA)
    token: dict[str, Any] = client.fetch_token(
        url(app), username=ADA, password=password, client_secret=app.secret, **options
    )
    return token


@pytest.mark.parametrize("in_body", [True, False])
@pytest.mark.parametrize("scopes", [[], ["orders:read", "orders:write"]])
def test_it_gets_a_token_for_itself(new_client: NewClient, in_body: bool, scopes: list[str]) -> None:
    app = new_client(scopes=scopes)
    client = OAuth2Session(client=BackendApplicationClient(app.client_id), scope=scopes or None)
    token = client.fetch_token(url(app), client_secret=app.secret, include_client_id=in_body)
    assert token.get("scope") == (scopes or None)
    assert app.is_active(token["access_token"])


@pytest.mark.parametrize("in_body", [True, False])
def test_it_signs_a_person_in_and_refreshes(new_client: NewClient, in_body: bool) -> None:
    app = new_client()
    client = person(app)
    before = sign_in(client, app, include_client_id=in_body)
    assert client.get(url(app, "userinfo")).json()["email"] == ADA
    after = client.refresh_token(url(app), client_id=app.client_id, client_secret=app.secret)
    assert after["refresh_token"] != before["refresh_token"]
    assert client.get(url(app, "userinfo")).json()["email"] == ADA


def test_it_hears_what_was_wrong(new_client: NewClient) -> None:
    app = new_client(scopes=["a"])
    client = person(app)
    old = sign_in(client, app)["refresh_token"]
    secret = {"client_id": app.client_id, "client_secret": app.secret}
    client.refresh_token(url(app), refresh_token=old, **secret)
    with pytest.raises(InvalidGrantError):
        client.refresh_token(url(app), refresh_token=old, **secret)
    with pytest.raises(InvalidGrantError):
        sign_in(client, app, "wrong")
    with pytest.raises(InvalidScopeError):
        sign_in(person(app, scope=["b"]), app, "wrong")
    with pytest.raises(InvalidClientError):
        sign_in(client, Satellite(app.world, app.row, "wrong"), "wrong")
    restricted = new_client(grants=["client_credentials"])
    with pytest.raises(UnauthorizedClientError):
        sign_in(person(restricted), restricted, "wrong")
