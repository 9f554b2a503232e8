"""OAuth clients as operators register, change and revoke them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import Event
from apps.management.oauth_clients import create_oauth_client
from apps.tokens.oauth_clients import Grant, OAuthClient
from tests.at_once import at_once
from tests.dashboard.company import Company, browser, build, text_of, untouched
from tests.dashboard.test_changes import events, post
from tests.dashboard.test_roles import CLIENT, address, of_client, of_environment

pytestmark = pytest.mark.usefixtures("database")
SECRET = re.compile(r"lkcs[0-9A-Za-z]{38}")


def shown(page: str) -> str:
    (secret,) = set(SECRET.findall(page))
    return str(secret)


def row(company: Company) -> OAuthClient:
    return OAuthClient.objects.get(id=company.client.id)


def form_of(company: Company, **changes: Any) -> dict[str, Any]:
    """What a browser posts that was shown the client, with what was changed on the page."""
    shown = {
        "name": "Partner",
        "grants": ["client_credentials", "refresh_token"],
        "own": "orders:read",
        "ends": "never",
    }
    return {**{f"initial-{name}": value for name, value in shown.items()}, **shown, **changes}


def test_a_client_is_shown_with_its_secret_once() -> None:
    company = build()
    status, page = post(company, "new-oauth-client", of_environment(company), CLIENT, "developer")
    secret = shown(page)
    client = OAuthClient.objects.for_environment(company.environment).get(last_four=secret[-4:])
    assert (status, client.client_id in page, client.opens(secret)) == (200, True, True)
    assert (client.grants, client.scopes) == (["client_credentials"], ["orders:read"])
    listing = text_of(browser(company.people["viewer"]).get(address("oauth-clients", of_environment(company))))
    assert secret not in listing
    assert all(text in listing for text in (client.client_id, secret[-4:], "orders:read"))
    event = events(company.environment, Event.Kind.OAUTH_CLIENT_CREATED)[0]
    assert (event.client_id, event.facts["operator"]) == (client.id, str(company.people["developer"].id))


def test_the_password_grant_is_off_unless_switched_on() -> None:
    company = untouched()
    page = text_of(browser(company.people["owner"]).get(address("new-oauth-client", of_environment(company))))
    ticked = re.findall(r'name="grants" value="(\w+)"[^>]*checked', page)
    assert ticked == ["client_credentials", "refresh_token"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grants", []),
        ("grants", ["implicit"]),
        ("own", '"'),
        ("own", "x" * 41),
        ("built_in", ["account"]),
        ("ends", "soon"),
        ("name", ""),
    ],
)
def test_what_no_client_can_be_is_told_at_its_field(field: str, value: object) -> None:
    company = untouched()
    for name, ids in (("new-oauth-client", of_environment(company)), ("change-oauth-client", of_client(company))):
        status, page = post(company, name, ids, {**CLIENT, field: value})
        assert (status, f'id="id_{field}_error"' in page, SECRET.findall(page)) == (422, True, [])
    assert row(company).name == "Partner"


def test_a_client_is_changed_and_its_event_names_what() -> None:
    company = build()
    body = form_of(company, grants=["password"], built_in=["tokens:introspect"], ends="30d")
    assert post(company, "change-oauth-client", of_client(company), body, "developer")[0] == 302
    client = row(company)
    assert (client.grants, client.scopes) == ([Grant.PASSWORD], ["tokens:introspect", "orders:read"])
    assert client.expires_at
    changed = str(events(company.environment, Event.Kind.OAUTH_CLIENT_CHANGED)[0].facts["changed"])
    assert {*changed.split(", ")} == {"grants", "scopes", "expires_at"}


def test_saving_what_is_there_changes_nothing() -> None:
    company = build()
    post(company, "change-oauth-client", of_client(company), form_of(company, ends="90d"))
    page = text_of(browser(company.people["owner"]).get(address("change-oauth-client", of_client(company))))
    day = re.findall(r'name="last_day" value="([\d-]+)"', page)[0]
    body = form_of(company, ends="day", last_day=day) | {"initial-ends": "day", "initial-last_day": day}
    before = row(company).expires_at
    assert post(company, "change-oauth-client", of_client(company), body)[0] == 302
    assert row(company).expires_at == before
    assert len(events(company.environment, Event.Kind.OAUTH_CLIENT_CHANGED)) == 1


def test_a_page_loaded_before_anothers_change_does_not_undo_it() -> None:
    company = build()
    post(company, "change-oauth-client", of_client(company), form_of(company, own=""))
    post(company, "change-oauth-client", of_client(company), form_of(company, name="Other"))
    assert (row(company).name, row(company).scopes) == ("Other", [])


def test_the_secret_before_works_for_its_overlap_and_the_one_before_that_no_more() -> None:
    company = build()
    new = create_oauth_client(company.environment, name="Shop", grants=["client_credentials"], scopes=[])
    ids = {**of_environment(company), "client_id": new.client.id}
    secrets = [new.secret]
    for _ in range(2):
        _, page = post(company, "rotate-oauth-client", ids, {"overlap": "24h"}, "developer")
        secrets.append(shown(page))
    client = OAuthClient.objects.get(id=new.client.id)
    assert [client.opens(secret) for secret in secrets] == [False, True, True]
    assert client.previous_expires_at
    assert timedelta(hours=23) < client.previous_expires_at - timezone.now() <= timedelta(hours=24)
    _, page = post(company, "rotate-oauth-client", ids, {"overlap": "0"})
    client.refresh_from_db()
    assert [client.opens(secret) for secret in (*secrets, shown(page))] == [False, False, False, True]
    assert len(events(company.environment, Event.Kind.OAUTH_CLIENT_ROTATED)) == 3


def test_a_revoked_client_cannot_be_brought_back() -> None:
    company = build()
    assert post(company, "revoke-oauth-client", of_client(company), {})[0] == 302
    assert post(company, "revoke-oauth-client", of_client(company), {})[0] == 302
    assert not row(company).is_usable
    for name, body in (("rotate-oauth-client", {"overlap": "7d"}), ("change-oauth-client", form_of(company, name="x"))):
        status, page = post(company, name, of_client(company), body)
        assert (status, "has ended" in page, SECRET.findall(page)) == (422, True, [])
    assert len(events(company.environment, Event.Kind.OAUTH_CLIENT_REVOKED)) == 1
    page = text_of(browser(company.people["owner"]).get(address("oauth-clients", of_environment(company))))
    assert "Revoked" in page
    assert address("revoke-oauth-client", of_client(company)) not in page


def test_of_ten_revocations_at_once_one_is_told() -> None:
    company = build()

    def revoke(_number: int) -> int:
        return post(company, "revoke-oauth-client", of_client(company), {})[0]

    assert set(at_once(10, revoke, behind=OAuthClient.objects.filter(id=company.client.id))) == {302}
    assert len(events(company.environment, Event.Kind.OAUTH_CLIENT_REVOKED)) == 1


@pytest.mark.parametrize("name", ["change-oauth-client", "rotate-oauth-client", "revoke-oauth-client"])
def test_another_environments_client_is_not_found_at_our_own(name: str) -> None:
    theirs, ours = untouched(), untouched(1)
    mixed = {**of_client(theirs), **of_environment(ours)}
    client = browser(ours.people["owner"])
    assert client.post(address(name, mixed), {**CLIENT, "overlap": "0"}).status_code == 404
    assert (row(theirs).is_usable, row(theirs).previous_expires_at) == (True, None)
