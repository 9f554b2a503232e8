"""@passageidentity/passage-js as published on npm, in Chromium, on a page of the product's own origin.

Its host is built in; the browser is told where that name leads. What is tested with it is what a browser adds to the
contract: preflights, headers that a page may read, storage.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import Page, sync_playwright

from apps.core.crypto import new_id
from tests.delivery.certificates import Authority
from tests.dialects.passage_app import App
from tests.sdk.test_passage_identity import ADA, Sdk, subject
from tests.sdk.vendor import SHOP, Vendor

pytestmark = pytest.mark.browser
INSTALLED = Path(__file__).parents[2] / ".venv" / "sdk" / "npm" / "node_modules"
PACKAGE = "@passageidentity/passage-js"
# The SDK's answers and errors as JSON; functions are handed over as source, because they run in the page.
CALL = """async ([appId, path, args]) => {
    const passage = window.passage ??= new PassageJS.Passage(appId);
    const [part, method] = path.split(".");
    try { return {ok: await passage[part][method](...args)}; }
    catch (error) { return {name: error.name, status: error.statusCode, message: error.message}; }
}"""
STORED = """() => ({
    auth: localStorage.getItem("psg_auth_token"), refresh: localStorage.getItem("psg_refresh_token"),
    cookie: document.cookie,
})"""


def require(found: object, missing: str) -> None:
    if not found and os.environ.get("LATCHKEY_REQUIRE_BROWSER"):
        pytest.fail(missing)
    if not found:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The package as one script, as every product's build makes it."""
    require(shutil.which("node"), "passage-js needs Node.js and npm: apt install npm, then `make test`")
    require(INSTALLED.exists(), "passage-js is not installed: `make test` does that where there is npm")
    script = tmp_path_factory.mktemp("page") / "passage.js"
    command: list[str] = [
        str(INSTALLED / ".bin" / "esbuild"),
        PACKAGE,
        "--bundle",
        "--format=iife",
        "--global-name=PassageJS",
    ]
    subprocess.run([*command, f"--outfile={script}", "--log-level=error"], cwd=INSTALLED.parent, check=True)
    return script.read_text()


class Browser:
    """A page that has loaded the SDK. Playwright has a thread of its own, because it runs an event loop in its thread,
    where Django would then refuse to work.
    """

    def __init__(self, thread: ThreadPoolExecutor, page: Page) -> None:
        self._thread, self._page = thread, page

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self._thread.submit(self._page.evaluate, script, argument).result(30)

    def call(self, passage: App, path: str, *args: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.evaluate(CALL, [passage.world.environment.id.hex, path, list(args)])
        return answer

    def stored(self) -> dict[str, str | None]:
        answer: dict[str, str | None] = self.evaluate(STORED)
        return answer


@pytest.fixture
def browser(vendor: Vendor, bundle: str) -> Iterator[Browser]:
    path = shutil.which("chromium")
    require(path, "Debian's Chromium is not installed: apt install chromium")
    rules = f"MAP auth.passage.id {vendor.address}, MAP {SHOP} {vendor.address}, MAP * ~NOTFOUND"
    # Chromium refuses to run as root with its sandbox.
    arguments = [f"--host-resolver-rules={rules}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(sync_playwright().start).result(30)
        opened = thread.submit(playwright.chromium.launch, executable_path=path, args=arguments).result(30)
        try:
            yield Browser(thread, thread.submit(loaded, opened, bundle).result(30))
        finally:
            thread.submit(opened.close).result(30)
            thread.submit(playwright.stop).result(30)


def loaded(opened: Any, bundle: str) -> Page:
    """Without Playwright's routes: with them it answers preflights itself."""
    page: Page = opened.new_context(ignore_https_errors=True).new_page()
    page.goto(f"https://{SHOP}/")
    page.add_script_tag(content=bundle)
    return page


def test_a_person_registers_stays_signed_in_and_signs_out(
    browser: Browser, passage: App, vendor: Vendor, authority: Authority
) -> None:
    info = browser.call(passage, "app.info")["ok"]
    assert info["authOrigin"] == f"https://{SHOP}"
    assert (info["authMethods"]["otp"], info["authMethods"]["passkeys"]) == ({"ttl": 600, "ttlDisplayUnit": "s"}, None)

    otp_id = browser.call(passage, "oneTimePasscode.register", ADA, "de")["ok"]["otpId"]
    activated = browser.call(passage, "oneTimePasscode.activate", passage.world.code(ADA), otp_id)["ok"]
    assert activated["redirectUrl"] == "/"
    assert isinstance(activated["refreshTokenExpiration"], int)
    stored = browser.stored()
    assert (stored["auth"], stored["refresh"]) == (activated["authToken"], activated["refreshToken"])
    assert f"psg_auth_token={activated['authToken']}" in (stored["cookie"] or "")
    assert browser.call(passage, "session.authGuard") == {"ok": True}
    assert browser.call(passage, "session.getAuthToken") == {"ok": activated["authToken"]}

    refreshed = browser.call(passage, "session.refresh")["ok"]
    assert refreshed["refreshToken"] != activated["refreshToken"]
    verified = Sdk("passage_identity_3", vendor, authority).ask(
        passage.world.environment.id.hex, activated["authToken"], refreshed["authToken"]
    )
    assert verified["validate_jwt"] == [subject(refreshed["authToken"])] * 2

    assert browser.call(passage, "session.signOut") == {"ok": True}
    assert browser.stored() == {"auth": None, "refresh": None, "cookie": browser.stored()["cookie"]}
    assert passage.refresh(refreshed["refreshToken"]).json()["code"] == "invalid_refresh_token"
    assert refreshed["refreshToken"] not in vendor.web.log.read_text(), "the contract puts it into a query"
    assert browser.call(passage, "session.authGuard") == {"ok": False}

    otp_id = browser.call(passage, "oneTimePasscode.login", ADA)["ok"]["otpId"]
    again = browser.call(passage, "oneTimePasscode.activate", passage.world.code(ADA), otp_id)["ok"]
    assert subject(again["authToken"]) == subject(activated["authToken"])


def test_it_hears_every_refusal_with_its_status_and_words(browser: Browser, new_app: Any) -> None:
    """Without CORS headers on a refusal a page hears of a network error, and nothing of these."""
    passage = new_app(concealment=False, max_tries=2)
    unknown = browser.call(passage, "oneTimePasscode.login", ADA)
    assert (unknown["name"], unknown["status"], unknown["message"]) == ("PassageError", 404, "There is no such user.")

    otp_id = browser.call(passage, "oneTimePasscode.register", ADA)["ok"]["otpId"]
    code, wrong = passage.world.code(ADA), passage.world.wrong_code(ADA)
    guesses = [browser.call(passage, "oneTimePasscode.activate", wrong, otp_id)["status"] for _ in range(2)]
    assert guesses == [400, 400]
    assert browser.call(passage, "oneTimePasscode.activate", code, otp_id)["status"] == 401

    second = browser.call(passage, "oneTimePasscode.register", ADA)["ok"]["otpId"]
    assert "ok" in browser.call(passage, "oneTimePasscode.activate", code, second)
    exists = browser.call(passage, "oneTimePasscode.register", ADA)
    assert (exists["status"], exists["message"]) == (400, "user: already exists.")
    assert browser.call(passage, "oneTimePasscode.login", "nobody's number")["status"] == 400


def test_it_hears_that_an_app_is_not_there(browser: Browser, new_app: Any) -> None:
    passage = new_app(allows_keyless_clients=False)
    assert browser.call(passage, "oneTimePasscode.login", ADA)["status"] == 401
    passage.world.environment.id = new_id()
    browser.evaluate("() => { delete window.passage; }")
    assert browser.call(passage, "oneTimePasscode.login", ADA)["status"] == 404


def test_the_browser_asked_before_it_sent_and_was_allowed(browser: Browser, passage: App, vendor: Vendor) -> None:
    browser.call(passage, "oneTimePasscode.register", ADA)
    assert vendor.methods("/register/otp") == [("OPTIONS", 204), ("POST", 201)]
    preflight, post = vendor.asked
    assert "passage-version" in preflight.headers["Access-Control-Request-Headers"]
    assert post.headers["Origin"] == f"https://{SHOP}"
    assert {name.lower(): value for name, value in post.headers.items()}["passage-version"].startswith(PACKAGE)


def test_a_token_of_ours_is_what_the_sdk_takes_for_a_session(browser: Browser, passage: App) -> None:
    otp_id = browser.call(passage, "oneTimePasscode.register", ADA)["ok"]["otpId"]
    browser.call(passage, "oneTimePasscode.activate", passage.world.code(ADA), otp_id)
    header = jwt.get_unverified_header(str(browser.stored()["auth"]))
    assert (header["alg"], header["typ"]) == ("RS256", "JWT")
    ours = passage.world.signed_in("bob@example.com")["access_token"]
    browser.evaluate("token => localStorage.setItem('psg_auth_token', token)", ours)
    assert browser.call(passage, "session.authGuard") == {"ok": False}
