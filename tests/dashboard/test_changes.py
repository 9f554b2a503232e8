"""What the forms do: keys, policy, projects, members, and the events that tell about it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import Event
from apps.core.crypto import new_id
from apps.management.sign_in import system_environment
from apps.tenants.models import ApplicationKey, Environment
from tests.dashboard.company import Company, browser, build, text_of, untouched
from tests.dashboard.test_roles import address, of_environment, of_key, of_project, of_tenant, policy
from tests.world import World

pytestmark = pytest.mark.usefixtures("database")
SECRET = re.compile(r"pk_(?:test|live)_[0-9A-Za-z]{38}")


def post(
    company: Company, name: str, ids: dict[str, Any], body: dict[str, Any], role: str = "owner"
) -> tuple[int, str]:
    answer = browser(company.people[role]).post(address(name, ids), body)
    return answer.status_code, text_of(answer)


def opens(company: Company, secret: str) -> bool:
    world = World(company.environment, secret, "")
    return world.sign_up(f"{new_id().hex}@example.com").status_code == 201


def events(environment: Environment, kind: Event.Kind) -> list[Event]:
    return list(Event.objects.for_environment(environment).filter(kind=kind).order_by("-created_at"))


def test_a_key_is_shown_once_and_opens_the_environment() -> None:
    company = build()
    status, page = post(company, "new-key", of_environment(company), {"name": "Phone app"}, "developer")
    (secret,) = set(SECRET.findall(page))
    assert (status, opens(company, secret)) == (200, True)
    listing = text_of(browser(company.people["viewer"]).get(address("keys", of_environment(company))))
    assert secret not in listing
    assert secret[-4:] in listing
    event = events(company.environment, Event.Kind.APPLICATION_KEY_CREATED)[0]
    assert event.facts["operator"] == str(company.people["developer"].id)
    assert event.ip


def test_a_rotated_key_works_for_its_overlap() -> None:
    company = build()
    _, page = post(company, "rotate-key", of_key(company), {"overlap": "1h"}, "developer")
    (secret,) = set(SECRET.findall(page))
    company.key.refresh_from_db()
    assert company.key.expires_at
    assert timedelta(minutes=59) < company.key.expires_at - timezone.now() <= timedelta(hours=1)
    assert [opens(company, company.secret), opens(company, secret)] == [True, True]
    new = ApplicationKey.objects.for_environment(company.environment).get(last_four=secret[-4:], expires_at=None)
    assert new.client_id == company.key.client_id
    assert events(company.environment, Event.Kind.APPLICATION_KEY_ROTATED)


def test_a_key_rotated_at_once_is_refused_at_once() -> None:
    company = build()
    _, page = post(company, "rotate-key", of_key(company), {"overlap": "0"})
    assert "has ended" in page
    assert [opens(company, company.secret), opens(company, SECRET.findall(page)[0])] == [False, True]


def test_a_revoked_key_is_refused_and_cannot_be_rotated_back_to_life() -> None:
    company = build()
    confirm = text_of(browser(company.people["owner"]).get(address("revoke-key", of_key(company))))
    assert "cannot be taken back" in confirm
    assert opens(company, company.secret)
    assert post(company, "revoke-key", of_key(company), {})[0] == 302
    assert not opens(company, company.secret)
    status, page = post(company, "rotate-key", of_key(company), {"overlap": "7d"})
    assert (status, "cannot be rotated" in page, SECRET.findall(page)) == (422, True, [])
    assert len(events(company.environment, Event.Kind.APPLICATION_KEY_REVOKED)) == 1


@pytest.mark.parametrize("overlap", ["", "99d", "-1", "a" * 999])
def test_an_overlap_that_is_not_offered_changes_nothing(overlap: str) -> None:
    company = untouched()
    assert post(company, "rotate-key", of_key(company), {"overlap": overlap})[0] == 422
    company.key.refresh_from_db()
    assert company.key.expires_at is None


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x00b"])
def test_a_bad_name_is_told_at_its_field(name: str) -> None:
    company = untouched()
    for form, ids in (("new-key", of_environment(company)), ("new-project", of_tenant(company))):
        status, page = post(company, form, ids, {"name": name})
        assert (status, 'id="id_name_error"' in page) == (422, True)


def test_creating_a_project_creates_nothing_else() -> None:
    company = build()
    assert post(company, "new-project", of_tenant(company), {"name": "Game"}, "admin")[0] == 302
    project = company.tenant.projects.get(name="Game")
    assert not project.environments.exists()
    event = Event.objects.for_environment(system_environment()).get(facts__project=str(project.id))
    assert event.user_id == company.people["admin"].id


def test_a_new_environment_has_its_names_and_safe_values() -> None:
    company = build()
    status, _ = post(company, "new-environment", of_project(company), {"name": "qa-1", "kind": "staging"})
    environment = company.project.environments.get(name="qa-1")
    assert (status, environment.kind, environment.concealment) == (302, "staging", True)
    assert environment.issuer.endswith(f"/auth/{company.project.id.hex}/qa-1")
    event = events(environment, Event.Kind.ENVIRONMENT_CREATED)[0]
    assert event.facts["operator"] == str(company.people["owner"].id)


@pytest.mark.parametrize("name", ["", "Dev", "1a", "a b", "a/b", "ä", "a\nb", "x" * 33, "development"])
def test_a_bad_or_taken_environment_name_is_told_at_its_field(name: str) -> None:
    company = untouched()
    before = company.project.environments.count()
    body = {"name": name, "kind": "development"}
    status, page = post(company, "new-environment", of_project(company), body)
    assert (status, 'id="id_name_error"' in page) == (422, True)
    assert company.project.environments.count() == before


def test_a_policy_is_changed_and_its_event_names_what() -> None:
    company = build()
    body = policy(code_ttl=900, sms_countries="DE,FR", requests_per_minute="")
    del body["concealment"]
    assert post(company, "policy", of_environment(company), body, "developer")[0] == 302
    company.environment.refresh_from_db()
    environment = company.environment
    assert (environment.code_ttl, environment.concealment) == (900, False)
    assert (environment.sms_countries, environment.requests_per_minute) == (["DE", "FR"], None)
    changed = str(events(environment, Event.Kind.POLICY_CHANGED)[0].facts["changed"])
    assert {"code_ttl", "concealment", "sms_countries"} <= set(changed.split(", "))
    assert "code_length" not in changed
    post(company, "policy", of_environment(company), body, "developer")
    assert len(events(environment, Event.Kind.POLICY_CHANGED)) == 1, "nothing was changed, so nothing is told"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code_length", 3),
        ("code_length", 11),
        ("code_ttl", 59),
        ("code_ttl", 1801),
        ("code_ttl", "ten"),
        ("max_tries", 0),
        ("session_idle_ttl", 10**12),
        ("requests_per_minute", 0),
        ("requests_per_minute", -1),
        ("default_language", "xx"),
        ("default_region", "Germany"),
        ("sms_countries", "DE,nowhere"),
        ("auth_origin", "nonsense"),
    ],
)
def test_a_policy_out_of_bounds_is_told_at_its_field(field: str, value: object) -> None:
    company = untouched()
    status, page = post(company, "policy", of_environment(company), policy(**{field: value}))
    assert (status, f'id="id_{field}_error"' in page) == (422, True)
    assert not events(company.environment, Event.Kind.POLICY_CHANGED)


def test_what_an_environment_is_cannot_be_changed_by_its_policy() -> None:
    company = untouched()
    extra = {"kind": "production", "name": "other", "issuer": "https://evil.example", "project": str(new_id())}
    post(company, "policy", of_environment(company), policy(**extra))
    before = (company.environment.kind, company.environment.name, company.environment.issuer)
    company.environment.refresh_from_db()
    assert (company.environment.kind, company.environment.name, company.environment.issuer) == before


def test_every_policy_column_is_on_the_page() -> None:
    company = untouched()
    page = text_of(browser(company.people["owner"]).get(address("policy", of_environment(company))))
    fixed = {"project", "name", "kind", "issuer", "passage_issuer"}
    columns = {field.name for field in Environment._meta.fields if field.editable} - fixed
    assert columns <= {*re.findall(r'name="(\w+)"', page)}
    assert not fixed & {*re.findall(r'<(?:input|select)[^>]* name="(\w+)"', page)}


def test_captured_messages_are_found_by_recipient_and_shown_as_text() -> None:
    company = untouched()
    client = browser(company.people["developer"])
    place = address("captured", of_environment(company))
    assert "ada@example.com" in text_of(client.get(place))
    assert "ada@example.com" in text_of(client.get(place, {"recipient": " ADA@ "}))
    assert "Nothing to" in text_of(client.get(place, {"recipient": "<script>bob"}))
    assert client.get(place, {"recipient": "a\x00"}).status_code == 422
    page = text_of(
        client.get(address("captured-message", {**of_environment(company), "message_id": company.captured.id}))
    )
    assert "123456" in page
    assert "Hello &lt;b&gt;" in page


def test_recipients_of_deliveries_are_masked() -> None:
    company = untouched()
    page = text_of(browser(company.people["viewer"]).get(address("deliveries", of_environment(company))))
    assert "a…@example.com" in page
    assert "ada@example.com" not in page


def test_a_page_loaded_before_anothers_change_does_not_undo_it() -> None:
    company = build()
    place = of_environment(company)
    assert post(company, "policy", place, {**policy(), "sign_up_open": ""}, "developer")[0] == 302
    assert post(company, "policy", place, policy(default_language="de"), "developer")[0] == 302
    company.environment.refresh_from_db()
    assert (company.environment.sign_up_open, company.environment.default_language) == (False, "de")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mail_from", "not an address"),
        ("auth_origin", "https://shop.example.com/path"),
        ("redirect_url", "javascript:alert(1)"),
        ("default_region", "QQ"),
        ("sms_countries", "ZQ"),
        ("sms_domain", "https://shop.example"),
    ],
)
def test_a_value_that_would_break_messages_or_tokens_is_refused(field: str, value: str) -> None:
    company = build()
    assert post(company, "policy", of_environment(company), policy(**{field: value}), "developer")[0] == 422
