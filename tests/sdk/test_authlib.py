"""Authlib as published on PyPI: all grants, refresh, revocation, introspection, discovery, and JWTs by RFC 9068."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc6750.errors import InvalidTokenError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from tests.dialects.satellite_app import Satellite
from tests.dialects.test_satellite import ADA
from tests.sdk.conftest import NewClient

METHODS = ["client_secret_basic", "client_secret_post"]


@pytest.fixture(autouse=True)
def _plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def discovered(app: Satellite) -> AuthorizationServerMetadata:
    url = get_well_known_url(app.world.environment.issuer, external=True)
    answer = requests.get(url, timeout=10, allow_redirects=False)
    assert answer.status_code == 200
    metadata = AuthorizationServerMetadata(answer.json())
    metadata.validate()
    return metadata


def session(app: Satellite, method: str = METHODS[0], **options: Any) -> OAuth2Session:
    metadata = discovered(app)
    return OAuth2Session(
        app.client_id,
        options.pop("secret", app.secret),
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        token_endpoint=metadata["token_endpoint"],
        **options,
    )


class Validator(JWTBearerTokenValidator):  # type: ignore[misc]
    """A customer's server, by the documentation: the key set is the one thing left to it."""

    def __init__(self, metadata: AuthorizationServerMetadata) -> None:
        super().__init__(issuer=metadata["issuer"], resource_server=metadata["issuer"])
        self.jwks_uri = metadata["jwks_uri"]

    def get_jwks(self) -> Any:
        return requests.get(self.jwks_uri, timeout=10).json()

    def accepts(self, token: str, scope: str = "") -> bool:
        try:
            self.validate_token(self.authenticate_token(token), [scope] if scope else None, None)
        except InvalidTokenError:
            return False
        return True


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scopes", [[], ["orders:read", "orders:write"]])
def test_it_does_all_three_grants(new_client: NewClient, method: str, scopes: list[str]) -> None:
    app = new_client(scopes=scopes)
    client = session(app, method)
    own = client.fetch_token(grant_type="client_credentials")
    assert own.get("scope") == (" ".join(scopes) or None)
    assert "refresh_token" not in own

    signed_in = client.fetch_token(grant_type="password", username=ADA, password=app.code(ADA))
    assert client.get(discovered(app)["userinfo_endpoint"]).json()["email"] == ADA
    refreshed = client.refresh_token()
    assert refreshed["refresh_token"] != signed_in["refresh_token"]
    assert refreshed["expires_in"] == 3600

    validator = Validator(discovered(app))
    for token in (own, signed_in, refreshed):
        assert validator.accepts(token["access_token"], *scopes[:1])
    assert not validator.accepts(new_client().own_token())
    assert not validator.accepts(own["access_token"][:-4] + "AAAA")


@pytest.mark.parametrize("method", METHODS)
def test_it_introspects_and_revokes(new_client: NewClient, method: str) -> None:
    app = new_client()
    client, metadata = session(app, method), discovered(app)

    def is_active(token: str) -> bool:
        answer = client.introspect_token(metadata["introspection_endpoint"], token=token)
        assert answer.status_code == 200
        return bool(answer.json()["active"])

    token = client.fetch_token(grant_type="password", username=ADA, password=app.code(ADA))
    assert [is_active(token[name]) for name in ("access_token", "refresh_token")] == [True, True]
    for _ in range(2):
        revoked = client.revoke_token(metadata["revocation_endpoint"], token=token["refresh_token"])
        assert (revoked.status_code, revoked.json()) == (200, {})
    assert [is_active(token[name]) for name in ("access_token", "refresh_token")] == [False, False]


def test_it_hears_what_was_wrong(new_client: NewClient) -> None:
    app = new_client(scopes=["a"])
    heard = []
    client = session(app)
    old = client.fetch_token(grant_type="password", username=ADA, password=app.code(ADA))["refresh_token"]
    client.refresh_token()
    steps: list[Callable[[], object]] = [
        lambda: client.fetch_token(grant_type="password", username=ADA, password="wrong"),
        lambda: client.refresh_token(refresh_token=old),
        lambda: client.fetch_token(grant_type="nonsense"),
        lambda: client.fetch_token(grant_type="client_credentials", scope="b"),
        lambda: session(app, secret="wrong").fetch_token(grant_type="client_credentials"),
    ]
    for step in steps:
        with pytest.raises(OAuthError) as refused:
            step()
        heard.append(refused.value.error)
    assert heard == ["invalid_grant", "invalid_grant", "unsupported_grant_type", "invalid_scope", "invalid_client"]


def test_a_product_whose_token_runs_out_gets_another_by_itself(new_client: NewClient) -> None:
    app = new_client()
    client, kept = session(app), []
    client.update_token = lambda token, **_old: kept.append(token["refresh_token"])
    token = client.fetch_token(grant_type="password", username=ADA, password=app.code(ADA))
    client.token = {**token, "expires_at": 1}
    assert client.get(discovered(app)["userinfo_endpoint"]).json()["email"] == ADA
    assert kept == [client.token["refresh_token"]] != [token["refresh_token"]]
