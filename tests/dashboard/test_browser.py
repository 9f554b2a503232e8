"""The dashboard as a person meets it: Chromium against granian, on the tests' database."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import Browser, Page

from apps.tenants.models import Environment, Operator, Project
from tests.dashboard.company import build, capture, code_for, operator
from tests.dashboard.test_roles import address
from tests.dashboard.windows import follow_link, photograph, window
from tests.stack.running import Web
from tests.world import World

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]


def sign_in_by_code(page: Page, person: Operator) -> None:
    page.goto("/dashboard/")
    page.get_by_label("Email address").fill(person.email)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_role("heading", name="Enter the code").wait_for()
    page.get_by_label("Code").fill(code_for(person.email))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Companies").wait_for()


def shown_key(page: Page) -> str:
    return page.locator(".copy-value").inner_text()


def test_from_the_code_to_a_key_that_is_refused(chromium: Browser, web: Web) -> None:
    """The whole way of a customer's first day."""
    company = build()
    with window(chromium, web) as page:
        sign_in_by_code(page, company.people["owner"])
        page.get_by_role("link", name=company.tenant.name).click()
        create_project(page, "Game")
        create_environment(page, "qa")
        environment = Environment.objects.get(project=Project.objects.get(tenant=company.tenant, name="Game"))
        first = create_key(page)
        assert sign_up(web, environment, first) == 201
        second = rotate(page)
        assert [sign_up(web, environment, key) for key in (first, second)] == [201, 201]
        page.get_by_role("link", name=f"Revoke Phone app …{second[-4:]}").click()
        page.get_by_role("button", name="Revoke key").click()
        page.get_by_role("status").get_by_text("is revoked").wait_for()
        assert [sign_up(web, environment, key) for key in (first, second)] == [201, 401]
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()


def create_project(page: Page, name: str) -> None:
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create project").click()
    page.get_by_role("status").get_by_text(f"{name} is there").wait_for()


def create_environment(page: Page, name: str) -> None:
    page.get_by_role("link", name="New environment of Game").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Staging").check()
    page.get_by_role("button", name="Create environment").click()
    page.get_by_role("heading", name="No key in use").wait_for()


def create_key(page: Page) -> str:
    page.get_by_role("link", name="Create a key").click()
    page.get_by_label("Name").fill("Phone app")
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("heading", name="Your new key").wait_for()
    key = shown_key(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy key").click()
    page.locator("#announcer", has_text="Copied").wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == key
    return key


def rotate(page: Page) -> str:
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Rotate Phone app").click()
    page.get_by_label("In 1 hour").check()
    page.get_by_role("button", name="Rotate key").click()
    page.get_by_role("heading", name="The next key").wait_for()
    key = shown_key(page)
    page.get_by_role("link", name="I have copied it").click()
    return key


def sign_up(web: Web, environment: Environment, key: str) -> int:
    world = World(environment, key, "")
    body = {"email": f"{os.urandom(8).hex()}@example.com"}
    return web.post(world.root, "email-otp-signup", key, body).status_code


def test_an_api_key_and_a_client_are_copied_from_their_pages(chromium: Browser, web: Web) -> None:
    company = build()
    here = {"environment_id": company.environment.id}
    with window(chromium, web) as page:
        follow_link(page, company.people["developer"])
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(address("api-keys", here))
        page.get_by_role("link", name="Create an API key").click()
        page.get_by_label("Name").fill("Tests")
        page.get_by_label("Read captured messages").check()
        page.get_by_role("button", name="Create key").click()
        assert re.fullmatch(r"sp_test_\w{38}", copied(page, "Copy key"))
        page.goto(address("oauth-clients", here))
        page.get_by_role("link", name="Register a client").click()
        page.get_by_label("Name").fill("Shop")
        page.get_by_role("button", name="Create client").click()
        assert re.fullmatch(r"[0-9a-f]{32}", copied(page, "Copy client id"))
        assert re.fullmatch(r"lkcs\w{38}", copied(page, "Copy client secret"))
        page.goto(address("environment", here))
        assert copied(page, "Copy /oauth/v2/token") == f"{company.environment.issuer}/oauth/v2/token"


def copied(page: Page, button: str) -> str:
    page.get_by_role("button", name=button).click()
    page.locator("#announcer", has_text="Copied").wait_for(state="attached")
    page.locator("#announcer").evaluate("element => { element.textContent = ''; }")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_keys_are_found_while_one_types_and_ended_ones_when_asked_for(chromium: Browser, web: Web) -> None:
    company = build()
    with window(chromium, web) as page:
        follow_link(page, company.people["developer"])
        page.goto(address("personal-keys", {"environment_id": company.environment.id}))
        page.get_by_label("Search").press_sequentially("grace@example.com")
        page.wait_for_url("**q=grace%40example.com**")
        page.get_by_role("link", name="Revoke Plug-in").click()
        page.get_by_role("button", name="Revoke key").click()
        page.get_by_role("heading", name="Nobody has a key").wait_for()
        page.get_by_label("Show").select_option("Ended")
        page.get_by_role("cell", name="Revoked").wait_for()


def test_the_search_of_captured_messages_answers_while_one_types(chromium: Browser, web: Web) -> None:
    company = build()
    capture(company.environment, "bob@example.com")
    with window(chromium, web) as page:
        follow_link(page, company.people["developer"])
        page.goto(address("captured", {"environment_id": company.environment.id}))
        assert page.get_by_role("row").count() == 3
        page.get_by_label("Recipient").press_sequentially("bob")
        page.get_by_text("1 message to “bob”").wait_for()
        assert page.url.endswith("?recipient=bob")
        assert page.get_by_role("link", name="ada@example.com").count() == 0


def test_it_works_without_javascript(chromium: Browser, web: Web) -> None:
    company = build()
    with window(chromium, web, java_script_enabled=False) as page:
        sign_in_by_code(page, company.people["owner"])
        page.goto(address("captured", {"environment_id": company.environment.id}))
        page.get_by_label("Recipient").fill("nobody")
        page.get_by_role("button", name="Search").click()
        page.get_by_text("Nothing to “nobody”").wait_for()
        page.goto(address("new-key", {"environment_id": company.environment.id}))
        page.get_by_label("Name").fill("No script")
        page.get_by_role("button", name="Create key").click()
        assert re.fullmatch(r"pk_test_\w{38}", shown_key(page))
        assert page.get_by_role("button", name="Copy").count() == 0, "it could do nothing"


def test_the_keyboard_reaches_the_content_first(chromium: Browser, web: Web) -> None:
    company = build()
    with window(chromium, web) as page:
        follow_link(page, company.people["owner"])
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"


def test_the_staffs_admin_works_under_the_pages_policy(chromium: Browser, web: Web) -> None:
    """What the policy blocks is an error on the console, which fails the window."""
    owner = operator()
    with window(chromium, web) as page:
        follow_link(page, operator(is_staff=True))
        page.get_by_role("link", name="Staff admin").click()
        page.get_by_role("heading", name="Everything that customers have").wait_for()
        photograph(page, "admin")
        page.locator(".model-tenant").get_by_role("link", name="Tenants").click()
        page.get_by_role("link", name="Add tenant").click()
        page.get_by_label("Name").fill("New company")
        page.get_by_text("Add another Membership").click()
        page.locator(".dynamic-memberships .select2-selection").click()
        page.locator(".select2-search__field").fill(owner.email)
        page.get_by_role("option", name=owner.email).click()
        page.locator("select[name$=role]").first.select_option("owner")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("was added successfully").wait_for()
    assert owner.memberships.get().role == "owner"
