"""Every sign-in endpoint × everything that can be wrong with a request: the dialect's own error, and nothing written.

Each request is right but for one thing, the code and the token in it included, so a check that is missing lets it pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from apps.core import crypto
from tests.dialects import bad_values
from tests.dialects.endpoints import (
    ADA,
    ENDPOINTS,
    FIELDS,
    MOBILE,
    NULLABLE,
    OPTIONAL,
    Target,
    allowed,
    dialect,
    having,
    make_target,
    path,
)
from tests.world import World, build, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
# What a body as a whole may be is decided before a dialect's own views, but each answers in its own words.
TAKING_ANY_BODY = [endpoint for endpoint in ENDPOINTS if not endpoint.startswith("mobile")]


@pytest.fixture(scope="module")
def target(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Target]:
    """One for all: whoever writes something into it fails."""
    with django_db_blocker.unblock():
        yield make_target()


def everything(world: World) -> list[tuple[str, str]]:
    """All rows of all tables of an environment. When a key was last used is the one thing that any request may note."""
    tables = [model._meta.db_table for model in apps.get_models() if hasattr(model, "environment_id")]
    assert len(tables) > 8
    rows = "SELECT '{0}', (to_jsonb(row) - 'last_used_at')::text FROM {0} AS row WHERE environment_id = %s"
    with connection.cursor() as cursor:
        # One statement, because this is asked twice in each of two thousand tests.
        cursor.execute(" UNION ALL ".join(map(rows.format, tables)), [world.environment.id] * len(tables))
        return sorted(cursor.fetchall())


@pytest.fixture(autouse=True)
def _nothing_is_written(request: pytest.FixtureRequest, database: None) -> Iterator[None]:
    if "target" not in request.fixturenames:
        yield
        return
    world: World = request.getfixturevalue("target").world
    before = everything(world)
    yield
    assert everything(world) == before


def assert_refused(endpoint: str, answer: Answer, status: int) -> None:
    spoken, body = dialect(endpoint), answer.json()
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert tuple(body) == spoken.shape
    assert body[spoken.code] == spoken.words[status]
    assert all(body.values())
    assert not [held for held in (ADA, MOBILE) if held in answer.content.decode()]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_every_bad_application_key_alike(target: Target, endpoint: str) -> None:
    body = target.body(endpoint)
    answers = {name: target.post(endpoint, body, app_key=key) for name, key in target.keys.items()}
    assert [name for name, answer in answers.items() if answer.status_code != 401] == []
    assert len({answer.content for answer in answers.values()}) == 1
    assert_refused(endpoint, answers["missing"], 401)


@pytest.mark.parametrize("place", [*bad_values.PLACES, "auth/{neighbour}/development"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_refuses_an_address_that_names_nothing(target: Target, endpoint: str, place: str) -> None:
    project, neighbour = (world.environment.project_id.hex for world in (target.world, target.neighbour))
    root = place.format(project=project, neighbour=neighbour, nothing=crypto.new_id().hex)
    headers = {"APP-KEY": target.world.app_key}
    body = json.dumps(target.body(endpoint))
    answer = client().post(f"/{root}/{path(endpoint)}", body, content_type="application/json", headers=headers)
    assert_refused(endpoint, answer, 401)


@pytest.mark.parametrize("body", bad_values.BODIES)
@pytest.mark.parametrize("endpoint", TAKING_ANY_BODY)
def test_it_refuses_a_body_that_is(target: Target, endpoint: str, body: str) -> None:
    make, status = bad_values.BODIES[body]
    assert_refused(endpoint, target.post(endpoint, make(json.dumps(target.body(endpoint)))), status)


@pytest.mark.parametrize("value", bad_values.OF_THE_WRONG_TYPE, ids=repr)
@pytest.mark.parametrize(("endpoint", "field"), FIELDS)
def test_it_refuses_a_field_of_the_wrong_type(target: Target, endpoint: str, field: str, value: Any) -> None:
    if value is not None or (endpoint, field) not in NULLABLE:
        assert_refused(endpoint, target.post(endpoint, target.body(endpoint, **{field: value})), 400)


@pytest.mark.parametrize(("endpoint", "field"), FIELDS)
def test_it_refuses_a_body_without_the_field(target: Target, endpoint: str, field: str) -> None:
    body = target.body(endpoint)
    del body[field]
    if (endpoint, field) not in OPTIONAL:
        assert_refused(endpoint, target.post(endpoint, body), 400)


@pytest.mark.parametrize("email", bad_values.EMAILS, ids=lambda email: ascii(email)[:40])
@pytest.mark.parametrize(("endpoint", "field"), having("email", "identifier"))
def test_it_refuses_what_is_more_or_less_than_one_address(
    target: Target, endpoint: str, field: str, email: str
) -> None:
    assert_refused(endpoint, target.post(endpoint, target.body(endpoint, **{field: email})), 400)


@pytest.mark.parametrize("phone", bad_values.PHONES, ids=lambda phone: ascii(phone)[:40])
@pytest.mark.parametrize(("endpoint", "field"), having("mobile", "identifier"))
def test_it_refuses_what_is_more_or_less_than_one_number(target: Target, endpoint: str, field: str, phone: str) -> None:
    assert_refused(endpoint, target.post(endpoint, target.body(endpoint, **{field: phone})), 400)


@pytest.mark.parametrize("code", bad_values.CODES, ids=lambda code: ascii(code)[:40])
@pytest.mark.parametrize(("endpoint", "field"), having("otp_code", "otp", "code"))
def test_it_refuses_what_is_no_code(target: Target, endpoint: str, field: str, code: Any) -> None:
    assert_refused(endpoint, target.post(endpoint, target.body(endpoint, **{field: code})), 400)


@pytest.mark.parametrize("spoil", bad_values.SPOILT_CODES, ids=ascii)
@pytest.mark.parametrize(("endpoint", "field"), having("otp_code", "otp", "code"))
def test_it_refuses_the_right_digits_written_otherwise(target: Target, endpoint: str, field: str, spoil: str) -> None:
    """Full-width and Arabic digits are digits to Python's \\d and int()."""
    right = target.body(endpoint)[field]
    spoilt = right.translate(bad_values.digits(spoil)) if len(spoil) == 10 else spoil.format(code=right)
    assert_refused(endpoint, target.post(endpoint, target.body(endpoint, **{field: spoilt})), 400)


@pytest.mark.parametrize("otp_id", bad_values.TOKENS, ids=lambda otp_id: ascii(otp_id)[:40])
def test_a_junk_otp_id_activates_nothing_with_the_right_code(target: Target, otp_id: str) -> None:
    answer = target.post("otp/activate", target.body("otp/activate", otp_id=otp_id))
    assert_refused("otp/activate", answer, 400)


@pytest.mark.parametrize("spoil", ["{otp_id}=", "{otp_id} ", "{otp_id}\u00a0", "A{otp_id}", "{swapped}", "{short}"])
def test_an_otp_id_written_otherwise_activates_nothing(target: Target, spoil: str) -> None:
    otp_id = target.values["otp_id"]
    spoilt = spoil.format(otp_id=otp_id, swapped=otp_id.swapcase(), short=otp_id[:-1])
    answer = target.post("otp/activate", target.body("otp/activate", otp_id=spoilt))
    assert_refused("otp/activate", answer, 400)


@pytest.mark.parametrize("token", bad_values.TOKENS, ids=lambda token: ascii(token)[:40])
def test_a_junk_refresh_token_of_passage_refreshes_nothing_and_its_revocation_is_no_error(
    target: Target, token: str
) -> None:
    answer = target.post("tokens", {"refresh_token": token})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    headers = {"APP-KEY": target.world.app_key}
    query = {"refresh_token": token}
    revoked = client().delete(f"{target.world.root}/tokens", query_params=query, headers=headers)
    assert (revoked.status_code, revoked.json()) == (200, {})


@pytest.mark.parametrize("token", bad_values.TOKENS, ids=lambda token: ascii(token)[:40])
def test_a_junk_refresh_token_refreshes_nothing_and_its_revocation_is_no_error(target: Target, token: str) -> None:
    answer = target.post("token/refresh", {"refresh_token": token})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_refresh_token")
    revoked = target.post("token/revoke", {"refresh_token": token})
    assert (revoked.status_code, revoked.json()) == (200, {})


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_is_only_posted_to(target: Target, endpoint: str, method: str) -> None:
    if method in allowed(endpoint):
        return
    headers = {"APP-KEY": target.world.app_key}
    url, body = f"{target.world.root}/{path(endpoint)}", json.dumps(target.body(endpoint))
    answer = client().generic(method, url, body, "application/json", headers=headers)
    assert_refused(endpoint, answer, 405)
    assert set(answer.headers["Allow"].split(", ")) == allowed(endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_takes_no_form_and_no_query(target: Target, endpoint: str) -> None:
    headers, values = {"APP-KEY": target.world.app_key}, target.body(endpoint)
    url = f"{target.world.root}/{path(endpoint)}"
    assert_refused(endpoint, client().post(url, values, headers=headers), 400)
    assert_refused(endpoint, client().post(url, headers=headers, query_params=values), 400)
    form = "&".join(f"{name}={value}" for name, value in values.items())
    assert_refused(endpoint, client().post(url, form, "application/x-www-form-urlencoded", headers=headers), 400)


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
