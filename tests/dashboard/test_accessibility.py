"""Every page as axe sees it, on a wide screen in the light and on a phone in the dark."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.company import Company, build
from tests.dashboard.test_roles import CASES, address
from tests.dashboard.windows import PHONE, WIDE, Scheme, follow_link, photograph, window
from tests.stack.running import Web

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
RUN_AXE = """async () => {
    const found = await axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
    return found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.target + " " + node.failureSummary)}`);
}"""


def test_axe_finds_nothing_on_any_page(chromium: Browser, web: Web) -> None:
    """Each page once as a person with a wide screen and light sees it, and once on a phone in the dark."""
    company = build()
    looks: list[tuple[Scheme, tuple[int, int]]] = [("light", WIDE), ("dark", PHONE)]
    for scheme, size in looks:
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
        *((name.replace(" ", "-"), going(address(name, case.address(company)))) for name, case in CASES.items()),
        ("refused", refused),
        ("key-created", created),
        ("not-found", going("/dashboard/nowhere/")),
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
