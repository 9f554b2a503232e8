"""Django's admin, for those who run the service."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse

from apps.audit.models import Event
from apps.core.crypto import new_id
from apps.management.sign_in import system_environment
from apps.tenants.models import ApplicationKey, Environment, Membership, Operator, Project, Tenant
from apps.tokens.api_keys import ApiKey
from apps.tokens.oauth_clients import OAuthClient
from tests.dashboard.company import browser, build, operator, text_of, untouched
from tests.dashboard.test_pages import check_nothing_is_inline

pytestmark = pytest.mark.usefixtures("database")
MODELS: list[type[Model]] = [
    ApiKey,
    ApplicationKey,
    Environment,
    Membership,
    OAuthClient,
    Operator,
    Project,
    Tenant,
]
SHOWN: list[type[Model]] = [ApiKey, ApplicationKey, Environment, OAuthClient, Project]


def place(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_{page}", args=args)


def test_it_shows_the_tenants_and_nothing_of_the_people_inside() -> None:
    assert {model.__name__ for model in admin.site._registry} == {model.__name__ for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_only_staff_come_in(model: type[Model]) -> None:
    lists = place(model, "changelist")
    assert browser().get(lists).headers["Location"].startswith("/admin/login/")
    assert browser().get("/admin/login/?next=/admin/").headers["Location"] == "/dashboard/sign-in/?next=%2Fadmin%2F"
    owner = browser(untouched().people["owner"])
    assert owner.get(lists, follow=True).status_code == 403
    assert browser(operator(is_staff=True)).get(lists).status_code == 200
    assert browser(operator(is_staff=True, is_active=False)).get(lists).status_code == 302


def test_there_are_no_passwords() -> None:
    client = browser(operator(is_staff=True))
    assert client.get("/admin/password_change/").status_code == 404
    assert "password" not in text_of(client.get("/admin/")).lower()


@pytest.mark.parametrize("model", SHOWN)
def test_what_takes_a_use_case_is_only_shown(model: type[Model]) -> None:
    company, client = untouched(), browser(operator(is_staff=True))
    rows = (company.key, company.personal_key, company.client, company.environment, company.project)
    row = next(row for row in rows if type(row) is model)
    assert client.get(place(model, "add")).status_code == 403
    page = client.get(place(model, "change", row.pk))
    assert page.status_code == 200
    assert client.post(place(model, "change", row.pk), {"name": "other"}).status_code == 403
    assert client.post(place(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    for word in ("digest", "sealed", company.secret, "grace@example.com"):
        assert word not in text_of(page)


def test_the_operators_own_tenant_is_not_there() -> None:
    environment = system_environment()
    client = browser(operator(is_staff=True))
    for row in (environment, environment.project, environment.project.tenant):
        assert client.get(place(type(row), "change", row.pk)).status_code == 302


def test_staff_add_a_company_with_its_first_owner() -> None:
    client, owner = browser(operator(is_staff=True)), operator()
    body = {
        "name": "New company",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-operator": str(owner.id),
        "memberships-0-role": "owner",
    }
    assert client.post(place(Tenant, "add"), body).status_code == 302
    membership = Membership.objects.get(operator=owner)
    assert (membership.tenant.name, membership.role) == ("New company", "owner")


def test_an_operator_is_kept_by_the_canonical_address() -> None:
    client, name = browser(operator(is_staff=True)), new_id().hex
    assert client.post(place(Operator, "add"), {"email": f"{name}@EXAMPLE.com ", "is_active": "on"}).status_code == 302
    assert Operator.objects.get(email=f"{name}@example.com").is_active
    again = client.post(place(Operator, "add"), {"email": f"{name.upper()}@example.com", "is_active": "on"})
    assert "already exists" in text_of(again)


def test_its_pages_keep_to_the_policy() -> None:
    client, company = browser(operator(is_staff=True)), untouched()
    for address in ["/admin/", *(place(model, "changelist") for model in MODELS), place(Tenant, "add")]:
        answer = client.get(address)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        check_nothing_is_inline(address, text_of(answer))
    page = client.get(place(Tenant, "change", company.tenant.pk))
    check_nothing_is_inline("tenant", text_of(page))


@pytest.mark.parametrize("name", ["personal_key", "client"])
def test_staff_revoke_by_the_use_case(name: str) -> None:
    company, person = build(), operator(is_staff=True)
    row, client = getattr(company, name), browser(person)
    body = {"action": "revoke_chosen", "_selected_action": [str(row.pk)]}
    lists = place(type(row), "changelist")
    assert client.post(lists, body).status_code == 302
    assert client.post(lists, body).status_code == 302
    row.refresh_from_db()
    assert not row.is_usable
    told = Event.objects.for_environment(company.environment).filter(kind__endswith=".revoked")
    assert [event.facts["operator"] for event in told] == [str(person.id)]
    assert "1 revoked" in text_of(client.get(lists))
    assert browser(company.people["owner"]).post(lists, body).status_code == 302


@pytest.mark.parametrize("text", ["", "x", "\x00", "'", "1e9", "%", "a" * 3000])
def test_its_search_takes_whatever_is_typed(text: str) -> None:
    client = browser(operator(is_staff=True))
    for model in (ApiKey, OAuthClient):
        assert client.get(place(model, "changelist"), {"q": text}).status_code < 500


def test_a_key_is_found_by_what_a_customer_can_say_of_it() -> None:
    company, client = untouched(), browser(operator(is_staff=True))
    key, other = company.personal_key, untouched(1).personal_key
    for text in (str(key.id), str(company.environment.id), key.last_four):
        page = text_of(client.get(place(ApiKey, "changelist"), {"q": text}))
        assert [place(ApiKey, "change", row.id) in page for row in (key, other)] == [True, False]


def test_signing_out_there_is_signing_out_here() -> None:
    client = browser(operator(is_staff=True))
    assert client.post("/admin/logout/").headers["Location"] == "/dashboard/sign-in/"
    assert client.get("/dashboard/").status_code == 302
