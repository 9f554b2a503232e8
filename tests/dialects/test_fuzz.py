"""Whatever comes in, the answer is below 500: what nobody thought of for `bad_values`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from tests.dialects.endpoints import dialect
from tests.world import World, build, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
OF_ZEROMAGIC = ["email-otp-signup", "email-otp-login", "email-otp-verify", "mobile-otp-signup", "token/refresh"]
OF_PASSWORDS = ["email-password-signup", "email-password-login", "email-password-reset", "username-password-login"]
ENDPOINTS = [*OF_ZEROMAGIC, *OF_PASSWORDS, "token/revoke", "register/otp", "otp/activate", "tokens"]
ENDPOINTS += ["plugin/auth/request-otp", "plugin/auth/verify-otp"]
# The same inputs in every run, and nothing kept between runs.
same_every_time = settings(max_examples=100, derandomize=True, deadline=None, database=None)

FIELDS = (
    "password",
    "username",
    "email",
    "otp_code",
    "refresh_token",
    "country_code",
    "mobile",
    "identifier",
    "language",
    "otp",
    "otp_id",
    "code",
    "site_url",
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.emails()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
bodies = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, values))


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    with django_db_blocker.unblock():
        yield build()


def assert_decent(endpoint: str, answer: Answer) -> None:
    assert answer.status_code < 500
    assert answer.headers["Content-Type"] == "application/json"
    if answer.status_code >= 400:
        assert tuple(answer.json()) == dialect(endpoint).shape


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_json_is_answered(world: World, endpoint: str) -> None:
    @same_every_time
    @given(values | bodies)
    def post(body: Any) -> None:
        assert_decent(endpoint, world.post(endpoint, json.dumps(body).encode()))

    post()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_bytes_are_answered(world: World, endpoint: str) -> None:
    @same_every_time
    @given(st.binary() | st.text().map(str.encode) | st.text().map(lambda text: f'{{"email": "{text}"}}'.encode()))
    def post(body: bytes) -> None:
        assert_decent(endpoint, world.post(endpoint, body))

    post()


@pytest.mark.parametrize("path", ["userinfo", "dev/messages", "oauth/me", "api/v1/account/api_key"])
def test_any_bearer_is_answered(world: World, path: str) -> None:
    latin = st.text(st.characters(max_codepoint=255), min_size=1)

    @same_every_time
    @given(latin | st.tuples(latin, latin, latin).map(".".join))
    def get(bearer: str) -> None:
        assert world.get(path, bearer=bearer).status_code == 401

    get()


@pytest.mark.parametrize("root", ["auth", "v1/apps"])
def test_any_address_is_answered(world: World, root: str) -> None:
    @same_every_time
    @given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
    def ask(first: str, second: str) -> None:
        headers = {"APP-KEY": world.app_key}
        for path in (f"/{root}/{first}/{second}/email-otp-login", f"/{root}/{first}/email-otp-login"):
            answer = client().generic("POST", "/", "{}", PATH_INFO=path.encode().decode("latin-1"), headers=headers)
            assert 400 <= answer.status_code < 500

    ask()
