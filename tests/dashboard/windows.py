"""Windows of a real browser, as people have them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page

from apps.management.sign_in import make_link
from apps.tenants.models import Operator
from tests.stack.running import Web

Scheme = Literal["light", "dark"]
WIDE, PHONE = (1280, 900), (390, 844)


@contextmanager
def window(
    chromium: Browser, web: Web, size: tuple[int, int] = WIDE, scheme: Scheme = "light", **options: Any
) -> Iterator[Page]:
    """A page of a fresh browser profile. Whatever the browser complains about, and any answer above 499, fails."""
    complaints: list[str] = []
    with _context(chromium, web, size, scheme, **options) as context:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    # Chromium calls every refused form an error; what a test expects it looks for itself.
    assert not [text for text in complaints if "status of 4" not in text]


@contextmanager
def _context(
    chromium: Browser, web: Web, size: tuple[int, int], scheme: Scheme, **options: Any
) -> Iterator[BrowserContext]:
    width, height = size
    context = chromium.new_context(
        base_url=f"http://127.0.0.1:{web.port}",
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        **options,
    )
    context.set_default_timeout(10_000)
    try:
        yield context
    finally:
        context.close()


def follow_link(page: Page, person: Operator) -> None:
    page.goto(f"/dashboard/sign-in/link?token={make_link(person).token}")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/dashboard/")


def photograph(page: Page, name: str) -> None:
    """For people to look at: LATCHKEY_SCREENSHOTS names the folder."""
    if folder := os.environ.get("LATCHKEY_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name.replace(' ', '-')}.png", full_page=True)
