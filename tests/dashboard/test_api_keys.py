"""API keys as operators make, rotate and revoke them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.audit.models import Event
from apps.management.api_keys import create_api_key, revoke_api_key, rotate_api_key
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey, Scope
from apps.users.models import EndUser
from tests.at_once import at_once
from tests.dashboard.company import Company, browser, build, text_of, untouched
from tests.dashboard.test_changes import events, post
from tests.dashboard.test_roles import address, of_api_key, of_environment, of_personal_key, of_production
from tests.world import World

pytestmark = pytest.mark.usefixtures("database")
SECRET = re.compile(r"sp_(?:test|live)_[0-9A-Za-z]{38}")
READER = {"name": "Tests", "built_in": [Scope.READ_MESSAGES.value], "own": "", "ends": "never"}
AT_ONCE = {"overlap": "0", "ends": "never"}


def reads(environment: Environment, secret: str) -> bool:
    return World(environment, "", "").get("dev/messages", bearer=secret).status_code == 200


def made(company: Company, **facts: Any) -> tuple[ApiKey, str]:
    new = create_api_key(company.environment, name="Tests", scopes=[Scope.READ_MESSAGES], **facts)
    return new.key, new.secret


def of(key: ApiKey) -> dict[str, Any]:
    return {"environment_id": key.environment_id, "key_id": key.id}


def shown(page: str) -> str:
    (secret,) = set(SECRET.findall(page))
    return str(secret)


def test_a_key_is_shown_once_and_does_what_its_scopes_say() -> None:
    company = build()
    status, page = post(company, "new-api-key", of_environment(company), {**READER, "own": "a:b  c"}, "developer")
    secret = shown(page)
    assert (status, reads(company.environment, secret)) == (200, True)
    key = ApiKey.objects.for_environment(company.environment).get(last_four=secret[-4:])
    assert (key.scopes, key.user_id, key.expires_at) == (["messages:read", "a:b", "c"], None, None)
    listing = text_of(browser(company.people["viewer"]).get(address("api-keys", of_environment(company))))
    assert secret not in listing
    assert all(text in listing for text in (secret[-4:], "messages:read", "a:b", "127.0.0.1"))
    event = events(company.environment, Event.Kind.API_KEY_CREATED)[0]
    assert (event.facts, event.client_id) == (
        {"key": str(key.id), "operator": str(company.people["developer"].id)},
        key.client_id,
    )
    assert event.ip


def test_a_key_ends_when_it_was_told_to() -> None:
    company = build()
    for ends, days in (("30d", 30), ("90d", 90), ("1y", 365)):
        _, page = post(company, "new-api-key", of_environment(company), {**READER, "ends": ends})
        key = ApiKey.objects.for_environment(company.environment).get(last_four=shown(page)[-4:])
        assert key.expires_at
        assert abs(key.expires_at - timezone.now() - timedelta(days=days)) < timedelta(minutes=1)
    today = timezone.now().date()
    _, page = post(company, "new-api-key", of_environment(company), {**READER, "ends": "day", "last_day": str(today)})
    assert reads(company.environment, shown(page)), "its last day is not over"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("own", 'say "hello"'),
        ("own", "a\\b"),
        ("own", "grün"),
        ("own", "x" * 41),
        ("own", " ".join(f"{number:030}" for number in range(18))),
        ("own", "account"),
        ("built_in", "account"),
        ("built_in", "everything"),
        ("ends", "2d"),
        ("ends", ""),
        ("last_day", ""),
        ("last_day", "1999-01-01"),
        ("last_day", "0000-00-00"),
        ("last_day", "99999-01-01"),
        ("name", ""),
        ("name", "x" * 101),
    ],
)
def test_what_no_key_can_be_is_told_at_its_field(field: str, value: str) -> None:
    company = untouched()
    before = ApiKey.objects.for_environment(company.environment).count()
    body = {**READER, **({"ends": "day"} if field == "last_day" else {}), field: value}
    status, page = post(company, "new-api-key", of_environment(company), body)
    assert (status, f'id="id_{field}_error"' in page, SECRET.findall(page)) == (422, True, [])
    assert ApiKey.objects.for_environment(company.environment).count() == before


def test_every_sign_that_a_scope_may_have_is_taken() -> None:
    """RFC 6749 section 3.3. A scope that is written twice is one."""
    company, signs = build(), "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"
    _, page = post(company, "new-api-key", of_environment(company), {**READER, "own": f"{signs} {signs}"})
    key = ApiKey.objects.for_environment(company.environment).get(last_four=shown(page)[-4:])
    assert key.scopes == ["messages:read", signs]


def test_production_offers_nothing_that_it_does_not_have() -> None:
    status, page = post(untouched(), "new-api-key", of_production(untouched()), READER)
    assert (status, 'id="id_built_in_error"' in page) == (422, True)


def test_a_rotated_key_works_for_its_overlap() -> None:
    company = build()
    key, secret = made(company)
    form = text_of(browser(company.people["developer"]).get(address("rotate-api-key", of(key))))
    assert re.search(r'value="24h"[^>]*checked', form), "a day, unless one chooses otherwise"
    _, page = post(company, "rotate-api-key", of(key), {"overlap": "1h", "ends": "90d"}, "developer")
    key.refresh_from_db()
    assert key.expires_at
    assert timedelta(minutes=59) < key.expires_at - timezone.now() <= timedelta(hours=1)
    assert [reads(company.environment, each) for each in (secret, shown(page))] == [True, True]
    new = ApiKey.objects.for_environment(company.environment).get(last_four=shown(page)[-4:])
    assert (new.client_id, new.scopes, new.name) == (key.client_id, key.scopes, key.name)
    assert new.expires_at
    assert new.expires_at > timezone.now() + timedelta(days=89)
    assert events(company.environment, Event.Kind.API_KEY_ROTATED)[0].facts["key"] == str(new.id)


def test_a_key_that_ends_soon_is_not_lengthened_by_its_rotation() -> None:
    company = build()
    soon = timezone.now() + timedelta(minutes=5)
    key, _ = made(company, expires_at=soon)
    post(company, "rotate-api-key", of(key), {"overlap": "7d", "ends": "never"})
    key.refresh_from_db()
    assert key.expires_at == soon


def test_a_key_rotated_at_once_is_refused_at_once() -> None:
    company = build()
    key, secret = made(company)
    _, page = post(company, "rotate-api-key", of(key), AT_ONCE)
    assert "has ended" in page
    assert [reads(company.environment, each) for each in (secret, shown(page))] == [False, True]


def test_of_ten_rotations_at_once_one_makes_a_key() -> None:
    company = build()
    key, _ = made(company)

    def rotate(_number: int) -> bool:
        try:
            rotate_api_key(key, overlap=timedelta(0))
        except ValidationError:
            return False
        return True

    assert sum(at_once(10, rotate, behind=ApiKey.objects.filter(id=key.id))) == 1
    assert ApiKey.objects.filter(client_id=key.client_id).count() == 2


def test_a_persons_key_keeps_its_owner_and_site() -> None:
    company = build()
    old = company.personal_key
    status, page = post(company, "rotate-api-key", of_personal_key(company), AT_ONCE, "developer")
    new = ApiKey.objects.for_environment(company.environment).get(last_four=shown(page)[-4:])
    assert (status, new.user_id, new.site_url, new.scopes) == (200, old.user_id, old.site_url, old.scopes)
    event = events(company.environment, Event.Kind.API_KEY_ROTATED)[0]
    assert (event.user_id, event.client_id) == (old.user_id, old.client_id)


def test_a_persons_key_in_production_is_rotated_by_those_who_say_where_its_messages_go() -> None:
    """Whoever rotates it can act for that person from then on."""
    company = build()
    person = EndUser.objects.create(environment=company.production)
    key, _ = ApiKey.objects.mint(company.production, name="Plug-in", scopes=[], user_id=person.id)
    assert post(company, "rotate-api-key", of(key), AT_ONCE, "developer")[0] == 403
    place = address("personal-keys", of_production(company))
    assert "Rotate" not in text_of(browser(company.people["developer"]).get(place))
    assert "Rotate" in text_of(browser(company.people["admin"]).get(place))
    assert post(company, "rotate-api-key", of(key), AT_ONCE, "admin")[0] == 200
    assert post(company, "revoke-api-key", of(key), {}, "developer")[0] == 302


def test_a_revoked_key_is_refused_and_cannot_be_rotated_back_to_life() -> None:
    company = build()
    key, secret = made(company)
    confirm = text_of(browser(company.people["owner"]).get(address("revoke-api-key", of(key))))
    assert "cannot be taken back" in confirm
    assert reads(company.environment, secret)
    assert post(company, "revoke-api-key", of(key), {})[0] == 302
    assert not reads(company.environment, secret)
    assert post(company, "revoke-api-key", of(key), {})[0] == 302
    status, page = post(company, "rotate-api-key", of(key), {"overlap": "7d", "ends": "never"})
    assert (status, "cannot be rotated" in page, SECRET.findall(page)) == (422, True, [])
    assert len(events(company.environment, Event.Kind.API_KEY_REVOKED)) == 1


def test_the_key_of_a_disabled_person_cannot_be_rotated() -> None:
    company = build()
    EndUser.objects.filter(api_keys=company.personal_key).update(disabled_at=timezone.now())
    status, page = post(company, "rotate-api-key", of_personal_key(company), AT_ONCE)
    assert (status, "cannot be rotated" in page) == (422, True)
    client, place = browser(company.people["owner"]), address("personal-keys", of_environment(company))
    assert "Plug-in" not in text_of(client.get(place))
    assert "Its owner is disabled" in text_of(client.get(place, {"state": "ended"}))


def test_where_the_next_end_cannot_be_told_somebody_chooses() -> None:
    """The key was to live for ninety days, and then a rotation has shortened it."""
    company = build()
    client = browser(company.people["owner"])
    key, _ = made(company, expires_at=timezone.now() + timedelta(days=90))
    assert re.search(r'value="90d"[^>]*checked', text_of(client.get(address("rotate-api-key", of(key)))))
    rotate_api_key(key)
    form = text_of(client.get(address("rotate-api-key", of(key))))
    assert not re.search(r'name="ends"[^>]*checked', form)
    assert post(company, "rotate-api-key", of(key), {"overlap": "1h"})[0] == 422


@pytest.mark.parametrize("name", ["rotate-api-key", "revoke-api-key"])
def test_another_environments_key_is_not_found_at_our_own(name: str) -> None:
    theirs, ours = untouched(), untouched(1)
    mixed = {**of_api_key(theirs), **of_environment(ours)}
    assert browser(ours.people["owner"]).post(address(name, mixed), AT_ONCE).status_code == 404
    theirs.api_key.refresh_from_db()
    assert (theirs.api_key.is_usable, theirs.api_key.expires_at) == (True, None)


def test_ended_keys_are_listed_apart() -> None:
    company = build()
    revoke_api_key(company.api_key)
    client, place = browser(company.people["viewer"]), address("api-keys", of_environment(company))
    assert "No API key in use" in text_of(client.get(place))
    page = text_of(client.get(place, {"state": "ended"}))
    assert "Billing" in page
    assert "Revoked" in page
    assert client.get(place, {"state": "x"}).status_code == 422
