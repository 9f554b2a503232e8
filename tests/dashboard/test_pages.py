"""What holds on every page: nothing inline, nothing cached, nothing without a token, nothing that reads badly aloud."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from config.pages import HEADERS
from tests.dashboard.company import Tags, browser, operator, start, text_of, untouched
from tests.dashboard.test_roles import CASES, address, of_production

pytestmark = pytest.mark.usefixtures("database")
# What can be looked at: the rest is only posted to.
LOOKS = {name: case for name, case in CASES.items() if case.get}
INVALID: dict[str, dict[str, str]] = {
    "new-project": {"name": ""},
    "invite": {"email": "x"},
    "policy": {"code_length": "1"},
    "new-key": {"name": ""},
    "new-api-key": {"own": '"'},
    "rotate-api-key": {"overlap": "x"},
    "new-oauth-client": {"grants": "x"},
    "change-oauth-client": {"ends": "day", "last_day": "1999-01-01"},
    "mail-server": {"host": "/"},
    "twilio": {},
    "sms-gateway": {"fields_of_body": "x"},
}


def pages() -> Iterator[tuple[str, int, str, dict[str, str]]]:
    """(Name, status, page, headers) of everything there is to see, errors included."""
    company = untouched()
    client = browser(company.people["owner"])
    for name, case in LOOKS.items():
        yield shown(name, client, address(name, case.address(company)))
    for name, body in INVALID.items():
        answer = client.post(address(name, CASES[name].address(company)), body)
        yield f"{name}, refused", answer.status_code, text_of(answer), dict(answer.headers)
    yield shown("home", client, "/dashboard/")
    yield shown("home of nobody", browser(operator()), "/dashboard/")
    yield shown("home of staff", browser(operator(is_staff=True)), "/dashboard/")
    yield shown("not found", client, "/dashboard/nowhere/")
    viewer = browser(company.people["viewer"])
    yield shown("keys of a viewer", viewer, address("keys of production", of_production(company)))
    yield shown("API keys of a viewer", viewer, address("api-keys", of_production(company)))
    yield shown("OAuth clients of a viewer", viewer, address("oauth-clients", of_production(company)))
    yield shown("sending of a viewer", viewer, address("sending", of_production(company)))
    yield shown("policy of a viewer", viewer, address("policy", CASES["policy"].address(company)))
    yield shown("forbidden", viewer, address("new-key", CASES["new-key"].address(company)))
    yield from outside()


def outside() -> Iterator[tuple[str, int, str, dict[str, str]]]:
    client = browser()
    yield shown("sign-in", client, "/dashboard/sign-in/")
    yield shown("link", client, "/dashboard/sign-in/link?token=abc")
    start(client, operator().email)
    yield shown("code", client, "/dashboard/sign-in/code/")
    for name, place, body in (
        ("link, ended", "/dashboard/sign-in/link", {"token": "x"}),
        ("code, wrong", "/dashboard/sign-in/code/", {"code": "000000"}),
        ("code, too soon", "/dashboard/sign-in/resend/", {}),
    ):
        answer = client.post(place, body)
        yield name, answer.status_code, text_of(answer), dict(answer.headers)


def shown(name: str, client: Client, place: str) -> tuple[str, int, str, dict[str, str]]:
    answer = client.get(place)
    return name, answer.status_code, text_of(answer), dict(answer.headers)


def test_every_page_is_whole() -> None:
    """One loop over all pages, because making them costs more than looking at them."""
    for name, status, page, headers in pages():
        assert status < 500, name
        assert {key: headers[key] for key in HEADERS} == HEADERS, name
        assert headers["Content-Type"] == "text/html; charset=utf-8", name
        check_nothing_is_inline(name, page)
        check_structure(name, page)


def check_nothing_is_inline(name: str, page: str) -> None:
    tags = Tags(page)
    assert not tags.inline, name
    for tag, attributes in tags.found:
        assert tag not in {"style", "base", "iframe", "object", "embed"}, name
        assert not [key for key in attributes if key == "style" or key.startswith(("on", "hx-on", "hx-vals"))], name
        for key in ("src", "href", "action"):
            assert (attributes.get(key) or "/").startswith(("/", "#", "?")), (name, tag, attributes)


def check_structure(name: str, page: str) -> None:
    tags = Tags(page).found
    headings = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1, name
    assert headings.count(1) == 1, name
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings)), (name, headings)
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids)), (name, ids)
    assert re.search(r"<title>[^<]+ · Latchkey</title>", page), name
    described = [value for _, attributes in tags for value in (attributes.get("aria-describedby") or "").split()]
    labelled = [attributes["for"] for tag, attributes in tags if tag == "label" and "for" in attributes]
    assert {*described, *labelled} <= {*ids}, name


def test_what_a_customer_types_is_shown_as_text() -> None:
    company = untouched()
    page = text_of(browser(company.people["owner"]).get(reverse("dashboard:tenant", args=[company.tenant.id])))
    assert "Ada &amp; Co &lt;b&gt;" in page


@pytest.mark.parametrize("name", CASES)
def test_every_change_needs_the_pages_token(name: str) -> None:
    """Asked before the page is even looked for, so no page can be forgotten."""
    company, case = untouched(), CASES[name]
    client = browser(company.people["owner"], enforce_csrf_checks=True)
    answer = client.post(address(name, case.address(company)), case.body)
    assert (answer.status_code, "too old" in text_of(answer)) == (403, True)


@pytest.mark.parametrize(
    "place", ["/dashboard/sign-in/", "/dashboard/sign-out/", "/admin/logout/", "/dashboard/nowhere"]
)
def test_so_do_signing_in_and_out_and_the_admin(place: str) -> None:
    assert browser(operator(is_staff=True), enforce_csrf_checks=True).post(place).status_code == 403


def test_the_token_of_the_page_is_taken() -> None:
    client = browser(enforce_csrf_checks=True)
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text_of(client.get("/dashboard/sign-in/")))
    assert found
    assert start(client, operator().email, csrfmiddlewaretoken=found[1]).status_code == 302


def test_another_sites_form_is_refused_even_with_a_token() -> None:
    client = browser(enforce_csrf_checks=True)
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text_of(client.get("/dashboard/sign-in/")))
    assert found
    body = {"email": "ada@example.com", "csrfmiddlewaretoken": found[1]}
    answer = client.post("/dashboard/sign-in/", body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_an_error_of_ours_is_a_page() -> None:
    client = browser()
    start(client, operator().email)
    session = client.session
    session["sign_in"] = "not what we put there"
    session.save()
    answer = client.get("/dashboard/sign-in/code/")
    assert (answer.status_code, "went wrong on our side" in text_of(answer)) == (500, True)
    check_structure("500", text_of(answer))


@pytest.mark.parametrize("enforce_csrf_checks", [True, False])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"email=" + b"a" * 70_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a%d=1" % number for number in range(2000)), "application/x-www-form-urlencoded"),
        (b"\xff\xfe=%ff%00&email=%zz", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: nonsense", "multipart/form-data; boundary=x"),
        (b"", "multipart/form-data"),
        (b'{"email": 1}', "application/json"),
        (b"email=a%40b.example", "application/x-www-form-urlencoded; charset=utf-7"),
    ],
)
def test_a_body_that_is_none_is_refused_with_a_page(body: bytes, content_type: str, enforce_csrf_checks: bool) -> None:
    client = browser(enforce_csrf_checks=enforce_csrf_checks)
    answer = client.post("/dashboard/sign-in/", body, content_type=content_type)
    assert answer.status_code in {400, 403, 413, 422}
    check_structure("refused", text_of(answer))


@pytest.mark.parametrize("query", ["next=%00", "next=%ff", "next=" + "a" * 5000, "%00=%00", "next=%0d%0aX:y"])
def test_a_query_that_is_none_harms_nothing(query: str) -> None:
    for client in (browser(), browser(operator())):
        for place in ("/dashboard/", "/dashboard/sign-in/", "/dashboard/sign-in/link", "/admin/login/"):
            assert client.get(f"{place}?{query}").status_code < 500


def test_a_foreign_host_has_no_dashboard() -> None:
    assert browser(HTTP_HOST="login.customer.example").get("/dashboard/sign-in/").status_code == 421


def test_the_bare_name_leads_to_the_pages() -> None:
    assert browser().get("/dashboard").headers["Location"] == "/dashboard/"


def test_static_files_have_names_that_may_be_kept_for_ever() -> None:
    client = browser()
    page = text_of(client.get("/dashboard/sign-in/"))
    links = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(links) == 5
    for link in links:
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", link)
        answer = client.get(link)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.getvalue()
    plain = client.get("/static/dashboard/dashboard.css")
    assert plain.headers["Cache-Control"] == "max-age=60, public"
    plain.close()
    assert client.get("/static/../manage.py").status_code == 404
    assert client.get("/static/nothing.css").json()["error"] == "not_found"


def test_no_page_but_the_dashboards_has_a_name_under_its_address() -> None:
    """Else it would be missing from the cases above."""
    patterns = {str(entry.pattern) for entry in get_resolver().url_patterns}
    assert {pattern for pattern in patterns if "dashboard" in pattern} == {"dashboard", "dashboard/"}
