"""Who may do what, over all addresses and all roles. An address without a case fails: whoever adds one decides here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from django.urls import reverse

from apps.core.crypto import new_id
from apps.dashboard.urls import urlpatterns
from apps.management.sign_in import system_environment
from apps.tenants.models import Operator
from tests.dashboard.company import Company, Role, browser, build, operator, untouched

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")

NOBODY = None
RANKS = [Role.VIEWER, Role.DEVELOPER, Role.ADMIN, Role.OWNER]
OUTSIDERS = ["anonymous", "stranger", "staff"]


@dataclass(frozen=True)
class Case:
    """The lowest role that may look and that may change, None where nobody can; what is named and what is posted."""

    get: Role | None
    post: Role | None
    address: Callable[[Company], dict[str, UUID]]
    body: dict[str, Any] | None = None


def of_tenant(company: Company) -> dict[str, UUID]:
    return {"tenant_id": company.tenant.id}


def of_project(company: Company) -> dict[str, UUID]:
    return {"project_id": company.project.id}


def of_environment(company: Company) -> dict[str, UUID]:
    return {"environment_id": company.environment.id}


def of_production(company: Company) -> dict[str, UUID]:
    return {"environment_id": company.production.id}


def of_key(company: Company) -> dict[str, UUID]:
    return {**of_environment(company), "key_id": company.key.id}


def of_api_key(company: Company) -> dict[str, UUID]:
    return {**of_environment(company), "key_id": company.api_key.id}


def of_personal_key(company: Company) -> dict[str, UUID]:
    return {**of_environment(company), "key_id": company.personal_key.id}


def of_client(company: Company) -> dict[str, UUID]:
    return {**of_environment(company), "client_id": company.client.id}


def of_message(company: Company) -> dict[str, UUID]:
    return {**of_environment(company), "message_id": company.captured.id}


def of_member(company: Company) -> dict[str, UUID]:
    return {"membership_id": company.membership("viewer").id}


def policy(**changes: Any) -> dict[str, Any]:
    fields = {
        "sign_up_open": "on",
        "concealment": "on",
        "code_length": 6,
        "code_ttl": 600,
        "max_tries": 5,
        "resend_after": 30,
        "access_token_ttl": 3600,
        "session_idle_ttl": 86400,
        "session_absolute_ttl": 864000,
        "refresh_grace": 60,
        "default_language": "en",
        "redirect_url": "/",
        "api_key_prefix": "sp",
        "api_key_idle_ttl": 7776000,
    }
    shown = {f"initial-{name}": "True" if value == "on" else value for name, value in fields.items()}
    return {**shown, **fields, **changes}


API_KEY = {"name": "Server", "built_in": ["tokens:introspect"], "own": "orders:read", "ends": "30d"}
CLIENT = {"name": "Partner", "grants": ["client_credentials"], "own": "orders:read", "ends": "never"}
MAIL_SERVER = {
    "host": "smtp.example.com",
    "security": "starttls",
    "port": "",
    "user": "shop",
    "password": "correct horse",
}
TWILIO = {"account_sid": f"AC{'0' * 32}", "auth_token": "battery staple", "sender": "+15005550006"}
GATEWAY = {
    "url": "https://sms.example.com/send",
    "method": "POST",
    "format": "json",
    "fields_of_body": "to: {to}\nmessage: {text}",
    "headers": "Authorization: Bearer battery staple",
}

# Open to everybody, and tested in test_sign_in.py.
PUBLIC = {"home", "sign-in", "code", "resend", "link", "sign-out"}
CASES = {
    "tenant": Case(Role.VIEWER, NOBODY, of_tenant),
    "new-project": Case(Role.ADMIN, Role.ADMIN, of_tenant, {"name": "Another"}),
    "members": Case(Role.VIEWER, NOBODY, of_tenant),
    "invite": Case(Role.OWNER, Role.OWNER, of_tenant, {"email": "new@example.com", "role": "viewer"}),
    "change-role": Case(Role.OWNER, Role.OWNER, of_member, {"role": "developer"}),
    "remove-member": Case(Role.OWNER, Role.OWNER, of_member, {}),
    "new-environment": Case(Role.ADMIN, Role.ADMIN, of_project, {"name": "qa", "kind": "staging"}),
    "environment": Case(Role.VIEWER, NOBODY, of_environment),
    "policy": Case(Role.VIEWER, Role.DEVELOPER, of_environment, policy()),
    "policy of production": Case(Role.VIEWER, Role.ADMIN, of_production, policy()),
    "keys": Case(Role.VIEWER, NOBODY, of_environment),
    "keys of production": Case(Role.VIEWER, NOBODY, of_production),
    "new-key": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, {"name": "App"}),
    "new-key of production": Case(Role.DEVELOPER, Role.DEVELOPER, of_production, {"name": "App"}),
    "rotate-key": Case(Role.DEVELOPER, Role.DEVELOPER, of_key, {"overlap": "1h"}),
    "revoke-key": Case(Role.DEVELOPER, Role.DEVELOPER, of_key, {}),
    "api-keys": Case(Role.VIEWER, NOBODY, of_environment),
    "personal-keys": Case(Role.VIEWER, NOBODY, of_environment),
    "new-api-key": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, API_KEY),
    "new-api-key of production": Case(Role.DEVELOPER, Role.DEVELOPER, of_production, API_KEY),
    "rotate-api-key": Case(Role.DEVELOPER, Role.DEVELOPER, of_api_key, {"overlap": "1h", "ends": "never"}),
    "rotate-api-key of people": Case(Role.DEVELOPER, Role.DEVELOPER, of_personal_key, {"overlap": "1h", "ends": "1y"}),
    "revoke-api-key": Case(Role.DEVELOPER, Role.DEVELOPER, of_api_key, {}),
    "revoke-api-key of people": Case(Role.DEVELOPER, Role.DEVELOPER, of_personal_key, {}),
    "oauth-clients": Case(Role.VIEWER, NOBODY, of_environment),
    "new-oauth-client": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, CLIENT),
    "change-oauth-client": Case(Role.DEVELOPER, Role.DEVELOPER, of_client, CLIENT),
    "rotate-oauth-client": Case(Role.DEVELOPER, Role.DEVELOPER, of_client, {"overlap": "1h"}),
    "revoke-oauth-client": Case(Role.DEVELOPER, Role.DEVELOPER, of_client, {}),
    "sending": Case(Role.VIEWER, NOBODY, of_environment),
    "sending of production": Case(Role.VIEWER, NOBODY, of_production),
    "mail-server": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, MAIL_SERVER),
    "mail-server of production": Case(Role.ADMIN, Role.ADMIN, of_production, MAIL_SERVER),
    "twilio": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, TWILIO),
    "twilio of production": Case(Role.ADMIN, Role.ADMIN, of_production, TWILIO),
    "sms-gateway": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, GATEWAY),
    "sms-gateway of production": Case(Role.ADMIN, Role.ADMIN, of_production, GATEWAY),
    "remove-mail-server": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, {}),
    "remove-mail-server of production": Case(Role.ADMIN, Role.ADMIN, of_production, {}),
    "remove-sms-provider": Case(Role.DEVELOPER, Role.DEVELOPER, of_environment, {}),
    "remove-sms-provider of production": Case(Role.ADMIN, Role.ADMIN, of_production, {}),
    "test-message": Case(NOBODY, Role.DEVELOPER, of_environment, {}),
    "test-message of production": Case(NOBODY, Role.ADMIN, of_production, {}),
    "captured": Case(Role.DEVELOPER, NOBODY, of_environment),
    "captured-message": Case(Role.DEVELOPER, NOBODY, of_message),
    "deliveries": Case(Role.VIEWER, NOBODY, of_environment),
}


def address(name: str, ids: dict[str, UUID]) -> str:
    return reverse(f"dashboard:{name.partition(' ')[0]}", kwargs=ids)


def person(company: Company, role: str) -> Operator | None:
    if role == "anonymous":
        return None
    return company.people.get(role) or operator(is_staff=role == "staff")


def may(role: str, lowest: Role | None) -> bool:
    return lowest is not None and role in RANKS and RANKS.index(Role(role)) >= RANKS.index(lowest)


def expected(role: str, method: str, case: Case) -> set[int]:
    if role == "anonymous":
        return {302}
    if role == "stranger":
        return {404}
    if method == "get":
        if case.get is NOBODY:
            return {403, 405}
        reads = may(role, case.get) or (role == "staff" and case.get == Role.VIEWER)
        return {200} if reads else {403}
    if case.post is NOBODY:
        return {403, 405}
    return {200, 302} if may(role, case.post) else {403}


def test_every_address_has_a_case() -> None:
    assert {pattern.name for pattern in urlpatterns} == {name.partition(" ")[0] for name in CASES} | PUBLIC


@pytest.mark.parametrize("role", [*(role.value for role in RANKS), *OUTSIDERS])
def test_each_role_gets_what_the_table_says(role: str) -> None:
    """In the order of the table: what takes something away stands behind what needs it."""
    company = build()
    client = browser(person(company, role))
    for name, case in CASES.items():
        place = address(name, case.address(company))
        for method in ("get", "head", "post"):
            answer = getattr(client, method)(place, case.body if method == "post" else None)
            wanted = expected(role, "get" if method == "head" else method, case)
            assert answer.status_code in wanted, (name, method, role, answer.status_code)


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Content-Length"}}
    return answer.status_code, headers, re.sub(rb'value="\w{64}"', b"", answer.content)


@pytest.mark.parametrize("name", CASES)
def test_what_belongs_to_another_company_looks_like_nothing(name: str) -> None:
    theirs, ours, case = untouched(), untouched(1), CASES[name]
    client = browser(ours.people["owner"])
    foreign = case.address(theirs)
    missing = dict.fromkeys(foreign, new_id())
    for method in ("get", "post"):
        answers = [
            told(getattr(client, method)(address(name, ids), case.body if method == "post" else None))
            for ids in (foreign, missing)
        ]
        assert answers[0][0] == 404
        assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ["rotate-key", "revoke-key"])
def test_another_environments_key_is_not_found_at_our_own(name: str) -> None:
    theirs, ours, case = untouched(), untouched(1), CASES[name]
    mixed = {**case.address(theirs), **of_environment(ours)}
    client = browser(ours.people["owner"])
    assert client.post(address(name, mixed), case.body).status_code == 404
    theirs.key.refresh_from_db()
    assert (theirs.key.is_usable, theirs.key.expires_at) == (True, None)


def test_another_environments_message_is_not_found_at_our_own() -> None:
    theirs, ours = untouched(), untouched(1)
    place = address("captured-message", {**of_environment(ours), "message_id": theirs.captured.id})
    assert browser(ours.people["owner"]).get(place).status_code == 404


def test_production_captures_nothing_and_has_no_page_for_it() -> None:
    company = untouched()
    client = browser(company.people["owner"])
    assert client.get(address("captured", of_production(company))).status_code == 404
    assert (
        client.get(address("captured-message", {**of_production(company), "message_id": new_id()})).status_code == 404
    )


def test_the_operators_own_environment_has_no_page() -> None:
    environment = system_environment()
    client = browser(operator(is_staff=True))
    assert client.get(address("environment", {"environment_id": environment.id})).status_code == 404
    assert client.get(address("tenant", {"tenant_id": environment.project.tenant_id})).status_code == 404
    assert "Latchkey</a></h2>" not in client.get("/dashboard/").content.decode()


def test_a_role_that_was_taken_away_is_gone_with_the_next_request() -> None:
    company = build()
    client = browser(company.people["admin"])
    place = address("new-project", of_tenant(company))
    assert client.get(place).status_code == 200
    membership = company.membership("admin")
    membership.role = Role.VIEWER
    membership.save()
    assert client.get(place).status_code == 403
    membership.delete()
    assert client.get(place).status_code == 404


def test_home_lists_ones_own_companies_and_staff_see_all_marked() -> None:
    ours, theirs = untouched(), untouched(1)
    links = [reverse("dashboard:tenant", args=[company.tenant.id]) for company in (ours, theirs)]
    page = browser(ours.people["viewer"]).get("/dashboard/").content.decode()
    assert [link in page for link in links] == [True, False]
    page = browser(operator(is_staff=True)).get("/dashboard/").content.decode()
    assert [link in page for link in links] == [True, True]
    assert "Seen as staff" in page
    page = browser(operator()).get("/dashboard/").content.decode()
    assert "You belong to no company yet" in page
