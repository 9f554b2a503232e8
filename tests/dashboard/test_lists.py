"""Lists that can be long: they go on where they left off, are searched, and cost the same however long they are."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.tenants.models import Membership
from apps.tokens.api_keys import ApiKey
from apps.tokens.oauth_clients import OAuthClient
from apps.users.models import EndUser, Identifier
from tests.dashboard.company import Company, browser, build, operator, text_of, untouched
from tests.dashboard.test_roles import address, of_environment, of_tenant

pytestmark = pytest.mark.usefixtures("database")


def person(company: Company, email: str) -> EndUser:
    user = EndUser.objects.create(environment=company.environment)
    Identifier.objects.create(environment=company.environment, user=user, kind="email", value=email)
    return user


def many(company: Company, number: int) -> set[str]:
    """Keys of as many people. Some were made in the same moment, as a burst makes them."""
    names = {f"Key-{each:03}" for each in range(number)}
    for each, name in enumerate(sorted(names)):
        user = person(company, f"p{each}@example.com")
        key, _ = ApiKey.objects.mint(company.environment, name=name, scopes=["account"], user_id=user.id)
        moment = timezone.now() - timedelta(days=1, minutes=each // 7)
        ApiKey.objects.filter(id=key.id).update(created_at=moment)
    return names


def walk(client: Client, place: str, pattern: str) -> list[list[str]]:
    """What each page lists, from the newest on."""
    pages, query = [], ""
    while True:
        page = text_of(client.get(place + query))
        pages.append(re.findall(pattern, page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            return pages
        query = following[1].replace("&amp;", "&")
        assert len(pages) < 20


def test_every_key_stands_on_one_page_and_the_newest_come_first() -> None:
    company = build()
    names = many(company, 120)
    client = browser(company.people["viewer"])
    pages = walk(client, address("personal-keys", of_environment(company)), r">(Key-\d+|Plug-in)")
    assert [len(page) for page in pages] == [50, 50, 21]
    listed = [name for page in pages for name in page]
    assert sorted(listed) == sorted({*names, "Plug-in"})
    order = [int(name[-3:]) // 7 for name in listed[1:]]
    assert (listed[0], order) == ("Plug-in", sorted(order))


def test_clients_go_on_too() -> None:
    company = build()
    for number in range(60):
        OAuthClient.objects.register(company.environment, name=f"Client-{number}")
    pages = walk(browser(company.people["viewer"]), address("oauth-clients", of_environment(company)), r">(Client-\d+)")
    assert [len(page) for page in pages] == [50, 10]


@pytest.mark.parametrize(
    "after", ["", "x", "1-2", "9" * 16 + "-" + "f" * 32, "0-" + "0" * 32, "\x00", "-1-" + "0" * 32]
)
def test_a_place_that_is_none_harms_nothing(after: str) -> None:
    company = untouched()
    for name in ("api-keys", "personal-keys", "oauth-clients"):
        answer = browser(company.people["owner"]).get(address(name, of_environment(company)), {"after": after})
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("wanted", "is_found"),
    [
        ("grace@example.com", True),
        (" GRACE@example.com ", True),
        ("race@example.com", False),
        ("@example.com", False),
        ("gracehopper", True),
        ("GraceHopper", True),
        ("+1 415 555 0123", True),
        ("4155550123", True),
        ("grace.example", True),
        ("<b>", False),
        ("%", False),
        ("x" * 254, False),
    ],
)
def test_a_persons_key_is_found_by_who_they_are_in_whole_or_by_its_site(wanted: str, is_found: bool) -> None:
    company = untouched(2)
    rows = Identifier.objects.for_environment(company.environment)
    for kind, value in (("username", "gracehopper"), ("phone", "+14155550123")):
        rows.get_or_create(
            environment=company.environment, user=company.personal_key.user, kind=kind, defaults={"value": value}
        )
    company.environment.default_region = "US"
    company.environment.save(update_fields=["default_region"])
    client, place = browser(company.people["viewer"]), address("personal-keys", of_environment(company))
    page = text_of(client.get(place, {"q": wanted}))
    assert ("Plug-in" in page) is is_found
    assert "grace@example.com" not in page.replace('value="grace@example.com"', "")


def test_a_key_is_found_by_its_last_four_and_by_its_owners_id() -> None:
    company = untouched()
    client = browser(company.people["viewer"])
    own, people = (address(name, of_environment(company)) for name in ("api-keys", "personal-keys"))
    for place, key in ((own, company.api_key), (people, company.personal_key)):
        assert key.name in text_of(client.get(place, {"q": key.last_four}))
    assert "Plug-in" in text_of(client.get(people, {"q": str(company.personal_key.user_id)}))
    assert "Billing" in text_of(client.get(own, {"q": "bill"}))
    assert "Billing" not in text_of(client.get(people, {"q": "bill"}))
    assert client.get(own, {"q": "a\x00"}).status_code == 422


def test_the_people_of_another_environment_are_not_found() -> None:
    theirs, ours = untouched(), untouched(1)
    place = address("personal-keys", of_environment(ours))
    page = text_of(browser(ours.people["owner"]).get(place, {"q": str(theirs.personal_key.user_id)}))
    assert "Plug-in" not in page


def test_what_a_client_said_of_its_site_is_text_and_no_link() -> None:
    company = build()
    ApiKey.objects.filter(id=company.personal_key.id).update(site_url="javascript:alert(1)//<img src=x>")
    page = text_of(browser(company.people["owner"]).get(address("personal-keys", of_environment(company))))
    assert "javascript:alert(1)//&lt;img src=x&gt;" in page
    assert 'href="javascript' not in page


def statements(client: Client, place: str) -> int:
    client.get(place)
    with CaptureQueriesContext(connection) as captured:
        assert client.get(place).status_code == 200
    return len(captured.captured_queries)


def test_a_page_takes_as_many_statements_for_fifty_rows_as_for_one() -> None:
    company = build()
    client = browser(company.people["owner"])
    names = ("environment", "keys", "api-keys", "personal-keys", "oauth-clients", "sending", "policy", "deliveries")
    places = [address(name, of_environment(company)) for name in names]
    places.append(address("members", of_tenant(company)))
    few = [statements(client, place) for place in places]
    many(company, 55)
    for number in range(55):
        ApiKey.objects.mint(company.environment, name=f"Server {number}", scopes=[])
        OAuthClient.objects.register(company.environment, name=f"Client {number}")
        Membership.objects.create(tenant=company.tenant, operator=operator(), role="viewer")
    assert [statements(client, place) for place in places] == few
    assert few[0] <= 11
    assert max(few[1:]) <= 9


def test_the_overview_counts_no_further_than_it_tells() -> None:
    company = build()
    many(company, 101)
    client = browser(company.people["owner"])
    page = text_of(client.get(address("environment", of_environment(company))))
    assert "more than 100 of people" in page
    assert "1 of your servers" in page
    with CaptureQueriesContext(connection) as captured:
        client.get(address("environment", of_environment(company)))
    counts = [query["sql"] for query in captured.captured_queries if "COUNT(*)" in query["sql"]]
    assert len([sql for sql in counts if "tokens_" in sql and "LIMIT 101" in sql]) == 3


def test_an_operator_who_was_one_before_does_not_tell_when_they_signed_in_elsewhere() -> None:
    company, person = build(), operator(last_login=timezone.now() - timedelta(hours=5))
    Membership.objects.create(tenant=company.tenant, operator=person, role="viewer")
    client, place = browser(company.people["owner"]), address("members", of_tenant(company))
    assert "hours ago" not in text_of(client.get(place)).replace("\xa0", " ")
    Membership.objects.filter(operator=person).update(created_at=timezone.now() - timedelta(hours=9))
    assert "5 hours ago" in text_of(client.get(place)).replace("\xa0", " ")
