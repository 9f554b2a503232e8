"""What stands in an address ends up in logs: every route refuses each parameter there that its contract has not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern

from apps.dialects.base import DialectView
from apps.dialects.confirm import LinkPage
from apps.dialects.urls import DIALECTS
from apps.dialects.well_known import WellKnownView
from tests.dialects.passage_app import app
from tests.dialects.smtpd_account import account
from tests.dialects.test_isolation import route
from tests.world import World, build, client

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
METHODS = ("get", "head", "post", "put", "patch", "delete")
CODES = {"invalid_request", "validation_error", 40001}
# The contracts put these into the query, and of these tests each has one that the route takes.
OF_A_CONTRACT = {
    ("post", "oauth/token"): "grant_type",
    ("delete", "tokens"): "refresh_token",
    ("get", "dev/messages"): "recipient",
    ("head", "dev/messages"): "recipient",
    ("get", "userinfo"): "schema",
    ("head", "userinfo"): "schema",
}
SENT = ["refresh_token", "code", "password", "access_token", "token", "grant_type", "recipient", "schema", "a"]


def routes() -> Iterator[tuple[str, str]]:
    """All (method, route) but those that let pass what they do not know."""
    for pattern in (pattern for dialect in DIALECTS for pattern in dialect):
        assert isinstance(pattern, URLPattern)
        view: type[DialectView] = pattern.callback.view_class  # type: ignore[attr-defined]
        is_page = issubclass(view, LinkPage)
        for method in METHODS:
            is_answered = hasattr(view, "get" if method == "head" else method)
            if is_answered and not issubclass(view, WellKnownView) and not (is_page and method in {"get", "head"}):
                yield method, re.sub(r"\(\?P<.*?\)", "x", route(pattern))


def ask(world: World, method: str, path: str, query: str) -> Any:
    url = f"{world.root}/{path}".removesuffix("/")
    return client().generic(method.upper(), f"{url}?{query}", b"{}", "application/json")


@pytest.mark.parametrize(("method", "path"), list(routes()))
def test_it_refuses_what_is_not_in_its_contract(method: str, path: str) -> None:
    world = build()
    queries = [f"{name}=x" for name in SENT if OF_A_CONTRACT.get((method, path)) != name]
    queries += [f"{name}=x&{name}=x" for name in SENT]
    for query in [*queries, "a", "=", "%00=%ff"]:
        answer = ask(world, method, path, query)
        assert answer.status_code == 400, query
        if path in {"confirm-email", "reset-password"} or method == "head":
            continue
        assert CODES & set(answer.json().values()), query


def test_a_right_request_with_a_secret_in_its_address_does_nothing() -> None:
    world = build()
    world.sign_up(ADA)
    code = world.code(ADA)
    assert world.post(f"email-otp-verify?otp_code={code}", {"email": ADA, "otp_code": code}).status_code == 400
    token = world.verify(ADA, code).json()["refresh_token"]
    assert world.post(f"token/revoke?refresh_token={token}", {"refresh_token": token}).status_code == 400
    assert world.refresh(token).status_code == 200


def test_a_revocation_of_smtpd_does_nothing_for_a_token_in_its_address() -> None:
    here = account()
    token = here.signed_in(ADA)["refresh_token"]
    query: dict[str, Any] = {"refresh_token": token}
    answer = here.send("POST", "oauth/revoke", {"refresh_token": token}, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, 40001)
    assert here.refresh(token).status_code == 200


def test_a_token_that_passage_takes_in_one_method_is_refused_in_another() -> None:
    passage = app()
    token = passage.signed_in(ADA)["refresh_token"]
    assert passage.post(f"tokens?refresh_token={token}", {"refresh_token": token}).status_code == 400
    assert passage.post("tokens", {"refresh_token": token}).status_code == 200


def test_a_browser_may_ask_whether_it_may_delete_the_token_in_an_address() -> None:
    answer = client().options(f"{app().root}/tokens?refresh_token=x")
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, "*")


def test_userinfo_lets_the_word_of_old_clients_pass() -> None:
    world = build()
    token = world.signed_in(ADA)["access_token"]
    assert world.get("userinfo?schema=openid", bearer=token).status_code == 200


@pytest.mark.parametrize("name", ["jwks.json", "openid-configuration", "oauth-authorization-server"])
def test_public_documents_let_everything_pass(name: str) -> None:
    world = build()
    assert world.get(f".well-known/{name}?v=2", bearer="").status_code == 200


def test_a_link_opens_with_whatever_the_mail_was_carried_by_has_added() -> None:
    world = build()
    world.post("email-password-signup", {"email": ADA, "password": "correct horse battery", "is_verification": True})
    link = world.mailbox(ADA)[0]["link"]
    path = link[link.index("/auth/") :]
    assert client().get(f"{path}&utm_source=mail").status_code == 200
    place, _, token = path.partition("?token=")
    assert client().post(f"{place}?token={token}", {"token": token}).status_code == 400
