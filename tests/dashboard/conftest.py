"""A real browser: Debian's Chromium, headless, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.stack.running import Web, database_url, private_folder

# Without these it looks for its maker's hosts at every start, many times, and is refused by a closed network.
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """For one module and no longer: Playwright's synchronous interface runs an event loop in this thread, and Django
    would take every later test to be inside of it."""
    path = shutil.which("chromium")
    if path is None:
        missing = "Debian's Chromium is not installed: apt install chromium"
        if os.environ.get("LATCHKEY_REQUIRE_BROWSER"):
            pytest.fail(missing)
        pytest.skip(missing)
    # Chromium refuses to run as root with its sandbox.
    arguments = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[Web]:
    with private_folder() as folder:
        web = Web(folder, DATABASE_URL=database_url())
        try:
            web.wait_until_ready()
            yield web
        finally:
            web.stop()
