"""The API reference as a person meets it. What the policy blocks is an error on the console, which fails the window."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from apps.dialects.openapi.committed import NAMES
from tests.dashboard.test_accessibility import check
from tests.dashboard.windows import PHONE, WIDE, Scheme, window
from tests.stack.running import Web

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]
LOOKS: list[tuple[Scheme, tuple[int, int]]] = [("light", WIDE), ("dark", PHONE)]


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
def test_axe_and_the_policy_find_nothing(chromium: Browser, web: Web, scheme: Scheme, size: tuple[int, int]) -> None:
    with window(chromium, web, size, scheme) as page:
        page.goto("/docs/")
        check(page, f"reference {scheme}")
        for name in NAMES:
            page.goto(f"/docs/{name}/")
            for details in page.locator("summary").all():
                details.click()
            check(page, f"reference-{name} {scheme}")


def test_nothing_is_asked_of_any_other_host(chromium: Browser, web: Web) -> None:
    asked: set[str] = set()
    with window(chromium, web) as page:
        page.on("request", lambda request: asked.add(request.url))
        page.goto("/docs/passage/")
        page.wait_for_load_state("networkidle")
    assert asked
    assert all(url.startswith(f"http://127.0.0.1:{web.port}/") for url in asked)


def test_the_keyboard_leads_to_an_operation(chromium: Browser, web: Web) -> None:
    with window(chromium, web) as page:
        page.goto("/docs/passage/")
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to content"
        page.keyboard.press("Enter")
        while focused(page) != "Authenticate OTP":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#otpActivate")
        page.get_by_role("heading", name="Authenticate OTP").wait_for()


def focused(page: Page) -> str:
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def test_a_call_is_copied(chromium: Browser, web: Web) -> None:
    with window(chromium, web) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/docs/zeromagic/")
        page.get_by_role("button", name="Copy the call: Sign up by email").click()
        page.locator("#announcer", has_text="Copied").wait_for(state="attached")
        assert page.evaluate("navigator.clipboard.readText()").startswith('curl -X POST "$BASE/email-otp-signup"')


def test_it_is_whole_without_javascript(chromium: Browser, web: Web) -> None:
    with window(chromium, web, java_script_enabled=False) as page:
        page.goto("/docs/zeromagic/")
        page.get_by_role("link", name="Refresh tokens").click()
        assert page.get_by_role("heading", name="Refresh tokens").is_visible()
        assert page.get_by_role("button", name="Copy").count() == 0
        operation = page.get_by_role("region", name="Refresh tokens")
        operation.get_by_text("Example", exact=True).click()
        assert operation.get_by_text('"token_type": "bearer"').is_visible()
