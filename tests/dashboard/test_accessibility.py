"""Every page as axe sees it, on a wide screen in the light and on a phone in the dark."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from apps.management.api_keys import revoke_api_key
from apps.management.providers import gateway, set_mail_server, set_sms_provider
from tests.dashboard.company import Company, build, personal
from tests.dashboard.test_pages import LOOKS
from tests.dashboard.test_roles import address, of_api_key, of_client
from tests.dashboard.windows import PHONE, WIDE, Scheme, follow_link, photograph, window
from tests.stack.running import Web

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

GATEWAY_FACTS: dict[str, Any] = {
    "method": "POST",
    "format": "json",
    "fields": {"to": "{to}", "message": "{text}"},
    "headers": {},
}
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN_AXE = """async () => {
    const found = await axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
    return found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.target + " " + node.failureSummary)}`);
}"""


def test_axe_finds_nothing_on_any_page(chromium: Browser, web: Web) -> None:
    """Once on a wide screen in the light, and once on a phone in the dark."""
    looks: list[tuple[Scheme, tuple[int, int]]] = [("light", WIDE), ("dark", PHONE)]
    for scheme, size in looks:
        company = build()
        with window(chromium, web, size, scheme) as page:
            for name, visit in [*outside(), *inside(company)]:
                visit(page)
                check(page, f"{name} {scheme}")


def outside() -> list[tuple[str, Callable[[Page], object]]]:
    def code(page: Page) -> None:
        page.goto("/dashboard/sign-in/")
        page.get_by_label("Email address").fill(f"{os.urandom(8).hex()}@example.com")
        page.get_by_role("button", name="Send me a code").click()
        page.get_by_role("heading", name="Enter the code").wait_for()

    def ended(page: Page) -> None:
        page.goto("/dashboard/sign-in/link?token=x")
        page.get_by_role("button", name="Sign in").click()

    return [
        ("sign-in", lambda page: page.goto("/dashboard/sign-in/")),
        ("code", code),
        (
            "code-wrong",
            lambda page: [page.get_by_label("Code").fill("x"), page.get_by_role("button", name="Sign in").click()],
        ),
        ("link", lambda page: page.goto("/dashboard/sign-in/link?token=x")),
        ("link-ended", ended),
    ]


def inside(company: Company) -> list[tuple[str, Callable[[Page], object]]]:
    def going(place: str) -> Callable[[Page], object]:
        return lambda page: page.goto(place)

    def refused(page: Page) -> None:
        page.goto(address("new-environment", {"project_id": company.project.id}))
        page.get_by_label("Name").fill("Not Good")
        page.get_by_role("button", name="Create environment").click()

    def created(page: Page) -> None:
        page.goto(address("new-key", {"environment_id": company.environment.id}))
        page.get_by_label("Name").fill("Web site")
        page.get_by_role("button", name="Create key").click()

    return [
        ("home", lambda page: follow_link(page, company.people["owner"])),
        *((name.replace(" ", "-"), going(address(name, case.address(company)))) for name, case in LOOKS.items()),
        ("refused", refused),
        ("key-created", created),
        *full_pages(company),
        ("not-found", going("/dashboard/nowhere/")),
    ]


def full_pages(company: Company) -> list[tuple[str, Callable[[Page], object]]]:
    """What only shows after something was done: secrets, refusals, providers, ended keys, lists that go on."""
    here = {"environment_id": company.environment.id}

    def api_key_created(page: Page) -> None:
        page.goto(address("new-api-key", here))
        page.get_by_label("Name").fill("Billing server")
        page.get_by_label("Ask whether a token or key is good").check()
        page.get_by_label("Scopes of your own").fill("orders:read orders:write")
        page.get_by_label("In 30 days").check()
        page.get_by_role("button", name="Create key").click()

    def api_key_refused(page: Page) -> None:
        page.goto(address("new-api-key", here))
        page.get_by_label("Name").fill("Billing server")
        page.get_by_label("On the day below").check()
        page.get_by_label("Scopes of your own").fill("account")
        page.get_by_role("button", name="Create key").click()

    def client_created(page: Page) -> None:
        page.goto(address("new-oauth-client", here))
        page.get_by_label("Name").fill("Partner")
        page.get_by_role("button", name="Create client").click()

    def secret_replaced(page: Page) -> None:
        page.goto(address("rotate-oauth-client", of_client(company)))
        page.get_by_role("button", name="Replace secret").click()

    def key_rotated(page: Page) -> None:
        page.goto(address("rotate-api-key", of_api_key(company)))
        page.get_by_role("button", name="Rotate key").click()

    def providers_set(page: Page) -> None:
        set_mail_server(company.environment, "smtps://shop:secret@smtp.example.com:465")
        set_sms_provider(company.environment, gateway(url="https://sms.example.com/send", **GATEWAY_FACTS))
        page.goto(address("sending", here))

    def long_list(page: Page) -> None:
        """With names and sites as long as they can be, and more rows than a page holds."""
        owner, site = company.personal_key.user, f"https://shop.example/{'long' * 20}"
        assert owner
        for number in range(60):
            key = personal(company.environment, owner, f"Plug-in {number}", site_url=site)
        key.touch("2001:db8:1234:5678:9abc:def0:1234:5678")
        page.goto(address("personal-keys", here))

    def ended(page: Page) -> None:
        revoke_api_key(company.api_key)
        page.goto(address("api-keys", here) + "?state=ended")

    return [
        ("api-key-created", api_key_created),
        ("api-key-refused", api_key_refused),
        ("oauth-client-created", client_created),
        ("oauth-secret-replaced", secret_replaced),
        ("oauth-clients-after", lambda page: page.goto(address("oauth-clients", here))),
        ("api-key-rotated", key_rotated),
        ("providers-set", providers_set),
        ("personal-keys-many", long_list),
        ("personal-keys-none-found", lambda page: page.goto(address("personal-keys", here) + "?q=nobody")),
        ("api-keys-ended", ended),
    ]


def check(page: Page, name: str) -> None:
    """axe's script is evaluated by the debugger, which the pages' own policy does not bind."""
    page.locator("h1").wait_for()
    photograph(page, name)
    page.evaluate(AXE)
    violations = page.evaluate(RUN_AXE)
    assert not violations, f"{name}: {json.dumps(violations, indent=2)}"
    width, wanted = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollWidth]")
    assert wanted <= width, f"{name} is wider than its window"
