"""The pages of mailed links in a real browser: by keyboard, and as axe sees them, in the light and in the dark."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.test_accessibility import check
from tests.dashboard.windows import PHONE, WIDE, Scheme, window
from tests.passwordless.password_world import ADA, P, PasswordWorld, Q, password_world
from tests.stack.running import Web

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("database")]


def place(link: str) -> str:
    """The link at the address of this test's server."""
    url = urlsplit(link)
    return f"{url.path}?{url.query}"


def test_a_sign_up_is_confirmed_with_one_button(chromium: Browser, web: Web) -> None:
    world = password_world()
    world.sign_up_with(P)
    with window(chromium, web) as page:
        page.goto(place(world.link()))
        page.get_by_role("button", name="Confirm", exact=True).click()
        page.get_by_role("heading", name="Your email address is confirmed").wait_for()
        assert "token" not in page.url
    assert world.has_password(P)


def test_a_password_is_chosen_by_keyboard_alone(chromium: Browser, web: Web) -> None:
    world = password_world(concealment=False)
    world.confirmed()
    world.ask_for_reset()
    with window(chromium, web) as page:
        page.goto(place(world.link()))
        page.keyboard.press("Tab")
        page.keyboard.type("password1")
        page.keyboard.press("Enter")
        page.get_by_role("alert").get_by_text("This password is too easy to guess.").wait_for()
        field = page.get_by_label("New password")
        assert field.evaluate("field => field === document.activeElement")
        assert field.evaluate("field => field.getAttribute('aria-describedby')") == "help problem"
        page.keyboard.type(Q)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Your new password is set").wait_for()
    assert world.has_password(Q)


def test_axe_finds_nothing(chromium: Browser, web: Web) -> None:
    looks: list[tuple[Scheme, tuple[int, int]]] = [("light", WIDE), ("dark", PHONE)]
    for scheme, size in looks:
        world = password_world()
        with window(chromium, web, size, scheme) as page:
            walk(page, world, scheme)


def walk(page: Page, world: PasswordWorld, scheme: Scheme) -> None:
    world.sign_up_with(P)
    confirmation = place(world.link())
    page.goto(confirmation)
    check(page, f"confirm {scheme}")
    page.get_by_role("button", name="Confirm", exact=True).click()
    page.get_by_role("heading", name="Your email address is confirmed").wait_for()
    check(page, f"confirmed {scheme}")
    page.goto(confirmation)
    check(page, f"link-ended {scheme}")
    world.post("email-password-reset", {"email": ADA})
    page.goto(place(world.link()))
    check(page, f"reset {scheme}")
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Set password").click()
    page.get_by_role("alert").wait_for()
    check(page, f"reset-refused {scheme}")
