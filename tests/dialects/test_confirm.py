"""The pages of links as a browser gets them: what they forbid, what they are called, and in which language."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client

from tests.dialects.bad_values import TOKENS
from tests.passwordless.password_world import ADA, FORM, P, PasswordWorld, Q, follow, look, password_world, token
from tests.world import client

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def world() -> PasswordWorld:
    return password_world()


@pytest.fixture
def link(world: PasswordWorld) -> str:
    world.sign_up_with(P)
    return world.link()


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_every_page_forbids_what_it_does_not_need(link: str) -> None:
    bad = follow(link, password="short")
    for answer, status in ((look(link), 200), (bad, 422), (follow(link), 200), (look(link), 404), (follow(link), 404)):
        headers = answer.headers
        assert answer.status_code == status
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; form-action 'self'")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex, nofollow"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert not answer.cookies


def test_a_page_runs_nothing_and_loads_nothing_but_our_own_styles(link: str) -> None:
    page = Page(look(link).content.decode())
    assert not page.all("script")
    assert not page.all("style")
    names = {name for _tag, attributes in page.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]
    assert all(str(one["href"]).startswith("/static/") for one in page.all("link"))
    assert len(page.all("link")) == 2
    for one in page.all("link"):
        assert client().get(str(one["href"])).status_code == 200


def test_a_form_is_posted_to_an_address_without_the_token(world: PasswordWorld, link: str) -> None:
    page = Page(look(link).content.decode())
    assert [form["action"] for form in page.all("form")] == [f"{world.root}/confirm-email"] * 2
    assert {form["method"] for form in page.all("form")} == {"post"}
    fields = {str(one["name"]): one for one in page.all("input")}
    assert fields["token"]["value"] == token(link)
    assert fields["password"]["autocomplete"] == "new-password"
    assert (fields["username"]["value"], fields["username"]["autocomplete"]) == (ADA, "username")


def test_a_browser_that_sends_cookies_and_no_csrf_token_is_served(link: str) -> None:
    strict = Client(enforce_csrf_checks=True, HTTP_HOST=client().defaults["HTTP_HOST"])
    strict.cookies["latchkey_session"] = "x"
    path = link.partition("?")[0].partition("//")[2].partition("/")[2]
    assert strict.post(f"/{path}", f"token={token(link)}", content_type=FORM).status_code == 200


@pytest.mark.parametrize(
    ("language", "words"),
    [("de", "E-Mail-Adresse bestätigen"), ("zh-CN", "确认您的邮箱地址"), ("fr", "Confirm your email address")],
)
def test_it_speaks_the_readers_language(link: str, language: str, words: str) -> None:
    answer = look(link, **{"Accept-Language": language})
    assert words in answer.content.decode()
    assert Page(answer.content.decode()).all("html")[0]["lang"] == {"de": "de", "zh-CN": "zh-hans"}.get(language, "en")
    assert "Confirm your email address" in look(link).content.decode(), "the language of one request is not the next's"


def test_an_error_of_a_form_is_told_in_the_readers_language(link: str) -> None:
    path = link.partition("?")[0].partition("//")[2].partition("/")[2]
    body = f"token={token(link)}&password=password1"
    answer = client().post(f"/{path}", body, content_type=FORM, headers={"Accept-Language": "de"})
    assert answer.status_code == 422
    assert "Dieses Passwort ist zu leicht zu erraten." in answer.content.decode()
    assert Page(answer.content.decode()).all("input")[-1]["aria-invalid"] == "true"
    assert "password1" not in answer.content.decode()


@pytest.mark.parametrize("junk", TOKENS, ids=lambda junk: ascii(junk)[:40])
@pytest.mark.parametrize("route", ["confirm-email", "reset-password"])
def test_junk_is_no_link(world: PasswordWorld, route: str, junk: str) -> None:
    url = f"{world.root}/{route}"
    assert client().get(url, {"token": junk}).status_code == 404
    assert client().post(url, {"token": junk, "password": Q}).status_code == 400, "it takes no multipart"
    assert world.post(route, {"token": junk, "password": Q}).status_code in (400, 404)


@pytest.mark.parametrize(
    "body", ["", "token", "token=a&token=b", "token=%00", "token=%ff", "password=x", "a=b&" * 60, "é"]
)
def test_a_body_that_is_none_is_a_page_too(world: PasswordWorld, body: str) -> None:
    answer = client().post(f"{world.root}/confirm-email", body.encode(), content_type=FORM)
    assert answer.status_code == 400
    assert "This link cannot be read" in answer.content.decode()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_it_is_only_looked_at_and_posted_to(world: PasswordWorld, method: str) -> None:
    answer = client().generic(method, f"{world.root}/reset-password")
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) >= {"GET", "POST"}


def test_who_asks_too_often_gets_a_page_that_says_so() -> None:
    world = password_world(requests_per_minute=2)
    answers = [look(f"{world.environment.issuer}/confirm-email?token=x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert "Please wait a moment" in answers[-1].content.decode()
    assert int(answers[-1]["Retry-After"]) >= 1


def test_the_token_is_in_no_line_of_the_log(link: str, caplog: pytest.LogCaptureFixture) -> None:
    look(link)
    follow(link, password="short")
    follow(link, password=Q)
    look(link)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "/confirm-email" in logged
    for secret in (token(link), token(link).partition(".")[0], Q):
        assert secret not in logged
