"""The reference pages and the documents, as anybody gets them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from apps.dialects.openapi.committed import NAMES, document
from apps.dialects.openapi.reading import METHODS, page
from tests.world import client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


def get(path: str, **headers: str) -> Answer:
    answer: Answer = client().get(path, headers=headers)
    return answer


class Text(HTMLParser):
    """What a page says, and what it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.loaded: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.loaded += [facts[name] or "" for name in ("src", "href") if tag in {"script", "link"} and name in facts]
        self.inline += [name for name in facts if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())


def test_the_first_page_leads_to_every_dialect() -> None:
    answer = get("/docs/")
    assert answer.status_code == 200
    for name in NAMES:
        assert f'href="/docs/{name}/"' in answer.content.decode()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_tells_every_operation_field_and_refusal_of_its_document(name: str) -> None:
    shown = Text(get(f"/docs/{name}/").content.decode())
    for path, item in document(name)["paths"].items():
        for method in METHODS:
            if method in item:
                assert f"{method.upper()} {path}" in shown.text
                assert item[method]["summary"] in shown.text
                assert all(status in shown.text for status in item[method]["responses"])
    fields = {
        field for schema in document(name)["components"]["schemas"].values() for field in schema.get("properties", [])
    }
    said = " ".join(shown.said)
    assert not {field for field in fields if field not in said}


@pytest.mark.parametrize("place", ["/docs/", *(f"/docs/{name}/" for name in NAMES)])
def test_a_page_loads_nothing_from_elsewhere_and_sets_nothing(place: str) -> None:
    answer = get(place)
    shown = Text(answer.content.decode())
    assert shown.loaded
    assert all(url.startswith("/static/") for url in shown.loaded)
    assert not shown.inline
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert not answer.cookies


@pytest.mark.parametrize("place", ["/docs", "/docs/zeromagic"])
def test_a_slash_at_the_end_is_optional(place: str) -> None:
    assert get(place).content == get(f"{place}/").content


@pytest.mark.parametrize("name", ["nowhere", "..", "%2e%2e", "zeromagic.json", "x" * 3000])
def test_what_is_no_dialect_has_no_page_and_no_document(name: str) -> None:
    assert [get(f"/docs/{name}/").status_code, get(f"/openapi/{name}.json").status_code] == [404, 404]


def test_a_page_of_nothing_is_a_page() -> None:
    assert get("/docs/nowhere/").headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("place", ["/docs/", "/docs/passage/", "/openapi/passage.json"])
def test_it_is_only_read(place: str) -> None:
    assert client().post(place).status_code == 405
    assert client().head(place).status_code == 200


def test_calls_name_the_host_that_was_asked(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "id.example.com"]
    other = Client(HTTP_HOST="id.example.com").get("/docs/passage/").content.decode()
    assert "BASE=http://id.example.com/v1/apps/&lt;app_id&gt;" in other
    assert f"BASE={settings.PUBLIC_URL}/v1/apps/&lt;app_id&gt;" in get("/docs/passage/").content.decode()


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_for_every_origin_and_may_be_kept(name: str) -> None:
    answer = get(f"/openapi/{name}.json")
    assert answer.json() == document(name)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    again = get(f"/openapi/{name}.json", **{"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_has_a_call_to_try(name: str) -> None:
    for call in page(name).calls:
        assert call.curl.startswith("curl ")
        assert call.path in call.curl or "{" in call.path
        assert call.successes or "not offered" in call.summary
        assert call.refusals
