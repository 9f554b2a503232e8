"""Every sign-in endpoint × everything that can be wrong with a request: the dialect's own error, and nothing written.

Each request is right but for one thing, the code and the token in it included, so a check that is missing lets it pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from pytest_django.plugin import DjangoDbBlocker

from apps.core import crypto
from apps.management.environments import create_application_key, revoke_application_key, rotate_application_key
from tests.dialects import bad_values
from tests.world import World, build, client, junk_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
ENDPOINTS: dict[str, tuple[str, ...]] = {
    "email-otp-signup": ("email",),
    "email-otp-login": ("email",),
    "email-otp-login?": ("email", "otp_code"),
    "email-otp-verify": ("email", "otp_code"),
    "token/refresh": ("refresh_token",),
    "token/revoke": ("refresh_token",),
}
FIELDS = [(endpoint, field) for endpoint, fields in ENDPOINTS.items() for field in fields]
WORDS = {400: "invalid_request", 401: "invalid_app_key", 405: "method_not_allowed", 413: "invalid_request"}


@dataclass(frozen=True)
class Target:
    world: World
    neighbour: World
    values: dict[str, str]
    keys: dict[str, str]

    def body(self, endpoint: str, **changes: Any) -> dict[str, Any]:
        return {**{field: self.values[field] for field in ENDPOINTS[endpoint]}, **changes}

    def post(self, endpoint: str, body: Any, **options: Any) -> Answer:
        return self.world.post(path(endpoint), body, **options)


def path(endpoint: str) -> str:
    """The second way into one endpoint has a name of its own here."""
    return endpoint.removesuffix("?")


@pytest.fixture(scope="module")
def target(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Target]:
    """One for all: whoever writes something into it fails. Ada is signed in, and the next code is on its way to her."""
    with django_db_blocker.unblock():
        world, neighbour = build(), build()
        token = world.signed_in(ADA)["refresh_token"]
        world.log_in(ADA)
        values = {"email": ADA, "otp_code": world.code(ADA), "refresh_token": token}
        yield Target(world, neighbour, values, bad_keys(world, neighbour))


def bad_keys(world: World, neighbour: World) -> dict[str, str]:
    revoked, expired = (create_application_key(world.environment, name=name) for name in ("Revoked", "Expired"))
    revoke_application_key(revoked.key)
    rotate_application_key(expired.key, overlap=timedelta(0))
    right = world.app_key
    return {
        "missing": "",
        "junk": "junk",
        "unknown": junk_key(),
        "a broken checksum": right[:-1] + ("a" if right[-1] != "a" else "b"),
        "revoked": revoked.secret,
        "expired": expired.secret,
        "of another environment": neighbour.app_key,
        "an API key": world.messages_key,
        "in other letters": right.swapcase(),
        "quoted": f'"{right}"',
        "twice": f"{right}, {right}",
        "not ASCII": "ключ" * 10,
        "too long": "x" * 5000,
    }


def everything(world: World) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables of an environment. When a key was last used is the one thing that any request may note."""
    models = [model for model in apps.get_models() if hasattr(model, "environment_id")]
    assert len(models) > 8
    rows = {model.__name__: model._base_manager.filter(environment_id=world.environment.id) for model in models}
    return {
        name: [{column: value for column, value in row.items() if column != "last_used_at"} for row in table.values()]
        for name, table in ((name, rows[name].order_by("pk")) for name in rows)
    }


@pytest.fixture(autouse=True)
def _nothing_is_written(request: pytest.FixtureRequest, database: None) -> Iterator[None]:
    if "target" not in request.fixturenames:
        yield
        return
    world: World = request.getfixturevalue("target").world
    before = everything(world)
    yield
    assert everything(world) == before


def assert_refused(answer: Answer, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert list(body) == ["error", "message"]
    assert body["error"] == WORDS[status]
    assert body["message"]
    assert ADA not in body["message"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_every_bad_application_key_alike(target: Target, endpoint: str) -> None:
    body = target.body(endpoint)
    answers = {name: target.post(endpoint, body, app_key=key) for name, key in target.keys.items()}
    assert [name for name, answer in answers.items() if answer.status_code != 401] == []
    assert len({answer.content for answer in answers.values()}) == 1
    assert_refused(answers["missing"], 401)


@pytest.mark.parametrize("place", [*bad_values.PLACES, "auth/{neighbour}/development"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_an_address_that_names_nothing(target: Target, endpoint: str, place: str) -> None:
    project, neighbour = (world.environment.project_id.hex for world in (target.world, target.neighbour))
    root = place.format(project=project, neighbour=neighbour, nothing=crypto.new_id().hex)
    headers = {"APP-KEY": target.world.app_key}
    body = json.dumps(target.body(endpoint))
    answer = client().post(f"/{root}/{path(endpoint)}", body, content_type="application/json", headers=headers)
    assert_refused(answer, 401)


@pytest.mark.parametrize("body", bad_values.BODIES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_a_body_that_is(target: Target, endpoint: str, body: str) -> None:
    make, status = bad_values.BODIES[body]
    assert_refused(target.post(endpoint, make(json.dumps(target.body(endpoint)))), status)


@pytest.mark.parametrize("value", bad_values.OF_THE_WRONG_TYPE, ids=repr)
@pytest.mark.parametrize(("endpoint", "field"), FIELDS)
def test_it_refuses_a_field_of_the_wrong_type(target: Target, endpoint: str, field: str, value: Any) -> None:
    assert_refused(target.post(endpoint, target.body(endpoint, **{field: value})), 400)


@pytest.mark.parametrize(("endpoint", "field"), FIELDS)
def test_it_refuses_a_body_without_the_field(target: Target, endpoint: str, field: str) -> None:
    """But for the code of a login: without it the request is another one."""
    body = target.body(endpoint)
    del body[field]
    if (endpoint, field) != ("email-otp-login?", "otp_code"):
        assert_refused(target.post(endpoint, body), 400)


@pytest.mark.parametrize("email", bad_values.EMAILS, ids=lambda email: ascii(email)[:40])
@pytest.mark.parametrize("endpoint", [endpoint for endpoint, field in FIELDS if field == "email"])
def test_it_refuses_what_is_more_or_less_than_one_address(target: Target, endpoint: str, email: str) -> None:
    assert_refused(target.post(endpoint, target.body(endpoint, email=email)), 400)


@pytest.mark.parametrize("code", bad_values.CODES, ids=lambda code: ascii(code)[:40])
@pytest.mark.parametrize("endpoint", [endpoint for endpoint, field in FIELDS if field == "otp_code"])
def test_it_refuses_what_is_no_code(target: Target, endpoint: str, code: Any) -> None:
    assert_refused(target.post(endpoint, target.body(endpoint, otp_code=code)), 400)


@pytest.mark.parametrize("spoil", bad_values.SPOILT_CODES, ids=ascii)
@pytest.mark.parametrize("endpoint", [endpoint for endpoint, field in FIELDS if field == "otp_code"])
def test_it_refuses_the_right_digits_written_otherwise(target: Target, endpoint: str, spoil: str) -> None:
    """Full-width and Arabic digits are digits to Python's \\d and int()."""
    right = target.values["otp_code"]
    spoilt = right.translate(bad_values.digits(spoil)) if len(spoil) == 10 else spoil.format(code=right)
    assert_refused(target.post(endpoint, target.body(endpoint, otp_code=spoilt)), 400)


@pytest.mark.parametrize("token", bad_values.TOKENS, ids=lambda token: ascii(token)[:40])
def test_a_junk_refresh_token_refreshes_nothing_and_its_revocation_is_no_error(target: Target, token: str) -> None:
    answer = target.post("token/refresh", {"refresh_token": token})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_refresh_token")
    revoked = target.post("token/revoke", {"refresh_token": token})
    assert (revoked.status_code, revoked.json()) == (200, {})


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_is_only_posted_to(target: Target, endpoint: str, method: str) -> None:
    headers = {"APP-KEY": target.world.app_key}
    url, body = f"{target.world.root}/{path(endpoint)}", json.dumps(target.body(endpoint))
    answer = client().generic(method, url, body, "application/json", headers=headers)
    assert_refused(answer, 405)
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_takes_no_form_and_no_query(target: Target, endpoint: str) -> None:
    headers, values = {"APP-KEY": target.world.app_key}, target.body(endpoint)
    url = f"{target.world.root}/{path(endpoint)}"
    assert_refused(client().post(url, values, headers=headers), 400)
    assert_refused(client().post(url, headers=headers, query_params=values), 400)
    form = "&".join(f"{name}={value}" for name, value in values.items())
    assert_refused(client().post(url, form, "application/x-www-form-urlencoded", headers=headers), 400)


@pytest.mark.parametrize("endpoint", ["email-otp-signup", "email-otp-login"])
@pytest.mark.parametrize("body", bad_values.GOOD_BODIES)
def test_it_takes_a_body_just_within_the_limits(endpoint: str, body: str) -> None:
    answer = build().post(endpoint, bad_values.GOOD_BODIES[body](json.dumps({"email": ADA})))
    assert answer.status_code in {200, 201}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_it_reads_json_whatever_the_content_type_says(content_type: str) -> None:
    world = build()
    headers = {"APP-KEY": world.app_key}
    url, body = f"{world.root}/email-otp-signup", json.dumps({"email": ADA})
    assert client().generic("POST", url, body, content_type, headers=headers).status_code == 201
