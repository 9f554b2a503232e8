"""Django's admin, for those who run the service."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.urls import reverse

from apps.core.crypto import new_id
from apps.management.sign_in import system_environment
from apps.tenants.models import ApplicationKey, Environment, Membership, Operator, Project, Tenant
from tests.dashboard.company import browser, operator, text_of, untouched
from tests.dashboard.test_pages import check_nothing_is_inline

pytestmark = pytest.mark.usefixtures("database")
MODELS = [ApplicationKey, Environment, Membership, Operator, Project, Tenant]
SHOWN = [ApplicationKey, Environment, Project]


def place(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:tenants_{model.__name__.lower()}_{page}", args=args)


def test_it_shows_the_tenants_and_nothing_of_the_people_inside() -> None:
    assert {model.__name__ for model in admin.site._registry} == {model.__name__ for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_only_staff_come_in(model: type) -> None:
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
def test_what_takes_a_use_case_is_only_shown(model: type) -> None:
    company, client = untouched(), browser(operator(is_staff=True))
    row = next(row for row in (company.key, company.environment, company.project) if type(row) is model)
    assert client.get(place(model, "add")).status_code == 403
    page = client.get(place(model, "change", row.pk))
    assert page.status_code == 200
    assert client.post(place(model, "change", row.pk), {"name": "other"}).status_code == 403
    assert client.post(place(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    for word in ("digest", "sealed", company.secret):
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


def test_signing_out_there_is_signing_out_here() -> None:
    client = browser(operator(is_staff=True))
    assert client.post("/admin/logout/").headers["Location"] == "/dashboard/sign-in/"
    assert client.get("/dashboard/").status_code == 302
