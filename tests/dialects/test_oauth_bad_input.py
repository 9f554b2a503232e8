"""What can be wrong with a request to an OAuth endpoint: RFC 6749's own words, and nothing written.

Each request is right but for one thing, so a check that is missing lets it pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from apps.core import crypto
from apps.tokens.oauth_clients import OAuthClient
from tests.dialects import bad_values
from tests.dialects.satellite_app import FORM, Satellite, another, basic, satellite
from tests.dialects.test_bad_input import everything
from tests.dialects.test_fuzz import same_every_time, values
from tests.world import client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
TOKEN, INTROSPECT, REVOKE, SEND = "oauth/v2/token", "oauth/v2/introspect", "oauth/v2/revoke", "otp/send"
ENDPOINTS = [TOKEN, INTROSPECT, REVOKE, SEND]
OF_CLIENTS = [TOKEN, INTROSPECT, REVOKE]
GRANTS: dict[str, list[str]] = {
    "client_credentials": [],
    "password": ["username", "password"],
    "refresh_token": ["refresh_token"],
}


class Target:
    """A client with all it needs; whoever writes something into its world fails."""

    def __init__(self) -> None:
        self.app = satellite()
        tokens = self.app.signed_in(ADA)
        self.refresh_token = tokens["refresh_token"]
        self.bearer = self.app.own_token()
        self.values = {"username": ADA, "password": self.app.code(ADA), "refresh_token": self.refresh_token}

    def grant(self, grant: str, **changes: str) -> dict[str, str]:
        named = {name: self.values[name] for name in GRANTS[grant]}
        return {"grant_type": grant, **named, **self.app.credentials, **changes}

    def body(self, endpoint: str) -> dict[str, str]:
        """A right one, of which nothing would come."""
        if endpoint == TOKEN:
            return self.grant("client_credentials")
        return {"email": "junk"} if endpoint == SEND else {"token": "junk", **self.app.credentials}

    def post(self, endpoint: str, body: Any, **headers: str) -> Answer:
        bearer = {"Authorization": f"Bearer {self.bearer}"} if endpoint.startswith(SEND) else {}
        return self.app.post(endpoint, body, **{**bearer, **headers})

    def form(self, endpoint: str, body: dict[str, str], **headers: str) -> Answer:
        return self.post(endpoint, urlencode(body).encode(), content_type=FORM, **headers)


@pytest.fixture(scope="module")
def target(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Target]:
    with django_db_blocker.unblock():
        yield Target()


@pytest.fixture(autouse=True)
def _nothing_is_written(request: pytest.FixtureRequest, database: None) -> Iterator[None]:
    world = request.getfixturevalue("target").app.world
    before = everything(world)
    yield
    assert everything(world) == before


def assert_refused(answer: Answer, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert list(answer.json()) == ["error", "error_description"]
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert status == 401 or "WWW-Authenticate" not in answer.headers
    assert ADA not in answer.content.decode()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_control_of_all_that_follows(target: Target, endpoint: str) -> None:
    for post in (target.post, target.form):
        assert post(endpoint, target.body(endpoint)).status_code == 200


@pytest.mark.parametrize("body", bad_values.BODIES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_a_body_that_is(target: Target, endpoint: str, body: str) -> None:
    make, status = bad_values.BODIES[body]
    answer = target.post(endpoint, make(json.dumps(target.body(endpoint))))
    if body in {"empty", "an empty object"} and endpoint != SEND:
        assert_refused(answer, 401, "invalid_client")
    else:
        assert_refused(answer, status, "invalid_request")


FORMS: dict[str, Callable[[str], bytes]] = {
    "a repeated parameter": lambda right: f"{right}&{right.split('&')[0]}".encode(),
    "a repeated parameter that nobody reads": lambda right: f"{right}&a=1&a=1".encode(),
    "a control character": lambda right: f"{right}&a=%00".encode(),
    "a line break": lambda right: f"{right}&a=%0D%0Ab".encode(),
    "invalid UTF-8": lambda right: f"{right}&a=%FF".encode(),
    "raw UTF-8": lambda right: f"{right}&a=é".encode(),
    "a lone surrogate": lambda right: f"{right}&a=%ED%A0%80".encode(),
    "a parameter without a sign": lambda right: f"{right}&a".encode(),
    "nothing between two": lambda right: f"{right}&&a=1".encode(),
    "fifty more": lambda right: (right + "".join(f"&a{number}=" for number in range(50))).encode(),
    "no name and no value": lambda _right: b"junk",
    "an array": lambda _right: b"[]",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_a_form_with(target: Target, endpoint: str, form: str) -> None:
    body = FORMS[form](urlencode(target.body(endpoint)))
    assert_refused(target.post(endpoint, body, content_type=FORM), 400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_a_form_that_is_too_long(target: Target, endpoint: str) -> None:
    body = urlencode({**target.body(endpoint), "more": "x" * bad_values.MAX_BODY}).encode()
    assert_refused(target.post(endpoint, body, content_type=FORM), 413, "invalid_request")


@pytest.mark.parametrize("content_type", ["application/json", "", "text/plain", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_a_form_that_calls_itself_something_else(target: Target, endpoint: str, content_type: str) -> None:
    body = urlencode(target.body(endpoint)).encode()
    assert_refused(target.post(endpoint, body, content_type=content_type), 400, "invalid_request")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_reads_json_whatever_it_calls_itself(target: Target, endpoint: str) -> None:
    body = json.dumps(target.body(endpoint)).encode()
    assert target.post(endpoint, body, content_type=FORM).status_code == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_anything_in_the_query(target: Target, endpoint: str) -> None:
    for query in (target.body(endpoint), {"client_secret": target.app.secret}, {"a": ""}):
        answer = target.post(f"{endpoint}?{urlencode(query)}", target.body(endpoint))
        assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("endpoint", OF_CLIENTS)
def test_it_refuses_two_ways_of_authenticating_at_once(target: Target, endpoint: str) -> None:
    body, app = target.body(endpoint), target.app
    for authorization in (app.basic, f"Bearer {target.bearer}"):
        assert_refused(target.form(endpoint, body, Authorization=authorization), 400, "invalid_request")
    alone = {name: value for name, value in body.items() if name != "client_secret"}
    assert target.form(endpoint, alone, Authorization=app.basic).status_code == 200
    named = {**alone, "client_id": crypto.new_id().hex}
    assert_refused(target.form(endpoint, named, Authorization=app.basic), 400, "invalid_request")


def bad_pairs(app: Satellite) -> dict[str, tuple[str, str]]:
    ended = {column: another(app.world) for column in ("revoked_at", "expires_at")}
    for column, client_of in ended.items():
        OAuthClient.objects.filter(id=client_of.row.id).update(**{column: timezone.now() - timedelta(seconds=1)})
    neighbour, right = satellite(), app.secret
    broken = right[:-1] + ("a" if right[-1] != "a" else "b")
    return {
        "unknown": (crypto.new_id().hex, crypto.new_client_secret()),
        "wrong": (app.client_id, crypto.new_client_secret()),
        "a broken checksum": (app.client_id, broken),
        "no secret": (app.client_id, ""),
        "no id": ("", right),
        "of another client": (app.client_id, another(app.world).secret),
        "of another environment": (neighbour.client_id, neighbour.secret),
        "revoked": (ended["revoked_at"].client_id, ended["revoked_at"].secret),
        "expired": (ended["expires_at"].client_id, ended["expires_at"].secret),
        "an API key": (app.client_id, app.world.messages_key),
        "an application key": (app.client_id, app.world.app_key),
        "in capitals": (app.client_id.upper(), right),
        "with dashes": (str(app.row.id), right),
        "with a blank": (app.client_id, f" {right}"),
        "in other digits": (app.client_id.translate(bad_values.digits("０１２３４５６７８９")), right),
        "not ASCII": ("ключ" * 8, "ключ" * 10),
        "a number": ("1", "1"),
        "too long": ("x" * 4000, "x" * 4000),
    }


@pytest.fixture(scope="module")
def pairs(target: Target, django_db_blocker: DjangoDbBlocker) -> dict[str, tuple[str, str]]:
    with django_db_blocker.unblock():
        return bad_pairs(target.app)


@pytest.mark.parametrize("endpoint", OF_CLIENTS)
def test_every_bad_client_is_refused_alike(pairs: dict[str, tuple[str, str]], target: Target, endpoint: str) -> None:
    rest = {name: value for name, value in target.body(endpoint).items() if not name.startswith("client_")}
    told = set()
    for client_id, secret in pairs.values():
        body = {**rest, "client_id": client_id, "client_secret": secret}
        for answer in (target.post(endpoint, body), target.form(endpoint, body)):
            assert_refused(answer, 401, "invalid_client")
            assert "WWW-Authenticate" not in answer
            told.add(answer.content)
        answer = target.form(endpoint, rest, Authorization=basic(client_id, secret))
        assert_refused(answer, 401, "invalid_client")
        assert answer["WWW-Authenticate"].startswith("Basic ")
        told.add(answer.content)
    told.add(target.form(endpoint, rest).content)
    assert len(told) == 1


@pytest.mark.parametrize(
    "value", ["Basic", "Basic ", "Basic !", "Basic Zm9v", "Basic 4pyT4pyT", "Basic AAA6", "Basic /w=="]
)
@pytest.mark.parametrize("endpoint", OF_CLIENTS)
def test_a_header_that_cannot_be_read_is_a_bad_request(target: Target, endpoint: str, value: str) -> None:
    rest = {name: value for name, value in target.body(endpoint).items() if not name.startswith("client_")}
    assert_refused(target.form(endpoint, rest, Authorization=value), 400, "invalid_request")


@pytest.mark.parametrize("value", ["Digest x", "junk", "Negotiate", "basicx YTpi"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_another_scheme_is_no_authentication(target: Target, endpoint: str, value: str) -> None:
    rest = {name: text for name, text in target.body(endpoint).items() if not name.startswith("client_")}
    assert_refused(target.form(endpoint, rest, Authorization=value), 401, "invalid_client")


@pytest.mark.parametrize("grant", ["", "PASSWORD", "password ", "implicit", "authorization_code", "x" * 4000])
def test_it_refuses_a_grant_that_nobody_has(target: Target, grant: str) -> None:
    error = "unsupported_grant_type" if grant else "invalid_request"
    assert_refused(target.form(TOKEN, {**target.grant("password"), "grant_type": grant}), 400, error)


@pytest.mark.parametrize("grant", GRANTS)
def test_it_refuses_a_grant_that_the_client_may_not_use(target: Target, grant: str) -> None:
    OAuthClient.objects.filter(id=target.app.row.id).update(grants=[name for name in GRANTS if name != grant])
    answer = target.form(TOKEN, target.grant(grant))
    OAuthClient.objects.filter(id=target.app.row.id).update(grants=target.app.row.grants)
    assert_refused(answer, 400, "unauthorized_client")


PARAMETERS = [(grant, name) for grant, names in GRANTS.items() for name in ["grant_type", *names]]


@pytest.mark.parametrize(("grant", "name"), PARAMETERS)
def test_it_refuses_a_grant_without(target: Target, grant: str, name: str) -> None:
    body = target.grant(grant)
    for spoilt in ({**body, name: ""}, {key: value for key, value in body.items() if key != name}):
        for post in (target.post, target.form):
            assert_refused(post(TOKEN, spoilt), 400, "invalid_request")


@pytest.mark.parametrize("value", bad_values.OF_THE_WRONG_TYPE, ids=repr)
@pytest.mark.parametrize(("grant", "name"), [*PARAMETERS, ("password", "client_id"), ("password", "client_secret")])
def test_it_refuses_a_parameter_of_the_wrong_type(target: Target, grant: str, name: str, value: Any) -> None:
    assert_refused(target.post(TOKEN, {**target.grant(grant), name: value}), 400, "invalid_request")


@pytest.mark.parametrize("value", [value for value in bad_values.OF_THE_WRONG_TYPE if value is not None], ids=repr)
def test_it_refuses_a_scope_of_the_wrong_type(target: Target, value: Any) -> None:
    answer = target.post(TOKEN, {**target.grant("client_credentials"), "scope": value})
    assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("endpoint", [INTROSPECT, REVOKE])
def test_it_refuses_no_token(target: Target, endpoint: str) -> None:
    for post in (target.post, target.form):
        for body in (target.app.credentials, {**target.app.credentials, "token": ""}):
            assert_refused(post(endpoint, body), 400, "invalid_request")


@pytest.mark.parametrize("token", bad_values.TOKENS[1:], ids=lambda token: ascii(token)[:40])
def test_a_junk_refresh_token_refreshes_nothing(target: Target, token: str) -> None:
    assert_refused(target.form(TOKEN, target.grant("refresh_token", refresh_token=token)), 400, "invalid_grant")


@pytest.mark.parametrize("spoil", ["{token}=", " {token}", "{token}\u00a0", "{short}", "{swapped}"])
def test_a_refresh_token_written_otherwise_refreshes_nothing(target: Target, spoil: str) -> None:
    token = target.refresh_token
    spoilt = spoil.format(token=token, short=token[:-1], swapped=token.swapcase())
    assert_refused(target.post(TOKEN, target.grant("refresh_token", refresh_token=spoilt)), 400, "invalid_grant")


@pytest.mark.parametrize("name", [name for name in bad_values.EMAILS if name], ids=lambda name: ascii(name)[:40])
def test_a_name_that_nobody_can_have_opens_nothing(target: Target, name: str) -> None:
    answer = target.post(TOKEN, target.grant("password", username=name))
    assert answer.json()["error"] in {"invalid_grant", "invalid_request"}, "the latter for control characters"
    assert answer.status_code == 400


@pytest.mark.parametrize("spoil", bad_values.SPOILT_CODES, ids=ascii)
def test_the_right_digits_written_otherwise_are_no_code(target: Target, spoil: str) -> None:
    right = target.values["password"]
    spoilt = right.translate(bad_values.digits(spoil)) if len(spoil) == 10 else spoil.format(code=right)
    assert_refused(target.post(TOKEN, target.grant("password", password=spoilt)), 400, "invalid_grant")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_is_only_posted_to(target: Target, endpoint: str, method: str) -> None:
    url, body = f"{target.app.world.root}/{endpoint}", json.dumps(target.body(endpoint))
    answer = client().generic(method, url, body, "application/json")
    assert_refused(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_trailing_slash_changes_nothing(target: Target, endpoint: str) -> None:
    assert target.post(f"{endpoint}/", target.body(endpoint)).status_code == 200


NAMES = ("grant_type", "client_id", "client_secret", "username", "password", "refresh_token", "scope", "token", "email")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_json_and_any_bytes_are_answered(target: Target, endpoint: str) -> None:
    bodies = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, values))
    grants = st.sampled_from([*GRANTS, "x"])

    @same_every_time
    @given(values | bodies, grants, st.booleans())
    def post(body: Any, grant: str, known: bool) -> None:
        if isinstance(body, dict) and known:
            body = {**body, **target.app.credentials, "grant_type": grant}
        if isinstance(body, dict):
            # Nothing that a code could be sent to: what is written would be right.
            body = {
                **body,
                **{name: f"no {body[name]}" for name in ("email", "phone") if isinstance(body.get(name), str)},
            }
        answer = target.post(endpoint, json.dumps(body).encode())
        assert answer.status_code < 500

    @same_every_time
    @given(st.binary() | st.text().map(str.encode), st.sampled_from(["application/json", FORM]))
    def send(body: bytes, content_type: str) -> None:
        assert target.post(endpoint, body, content_type=content_type).status_code < 500

    post()
    send()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_authorization_is_answered(target: Target, endpoint: str) -> None:
    latin = st.text(st.characters(max_codepoint=255), min_size=1)

    @same_every_time
    @given(
        latin
        | latin.map("Basic {}".format)
        | latin.map("Bearer {}".format)
        | st.tuples(latin, latin).map(lambda p: basic(*p))
    )
    def post(authorization: str) -> None:
        rest = {name: text for name, text in target.body(endpoint).items() if not name.startswith("client_")}
        assert 400 <= target.form(endpoint, rest, Authorization=authorization).status_code < 500

    post()
