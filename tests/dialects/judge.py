"""The committed OpenAPI documents as judges of what goes over the wire.

Whatever a dialect answers Django's test client in any test, its document must have told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, quote

import pytest
from django.test import Client
from django.test.client import FakePayload
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from apps.dialects.openapi.committed import NAMES, document

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

METHODS = ("get", "post", "put", "patch", "delete")
# Said of a host that is not ours, before any dialect is asked.
MISDIRECTED = 421
PARAMETER = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True)
class Place:
    """An address that a document names."""

    document: str
    path: str

    @property
    def operations(self) -> dict[str, Any]:
        found: dict[str, Any] = document(self.document)["paths"][self.path]
        return found


@dataclass(frozen=True)
class Exchange:
    """One request of Django's test client and its answer."""

    method: str
    path: str
    query: str
    content_type: str
    body: bytes
    answer: Answer


@pytest.fixture(autouse=True)
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """All that goes between Django's test client and the dialects during a test."""
    heard: list[Exchange] = []
    ask = Client.request

    def listened(self: Client, **environ: Any) -> Any:
        body = environ["wsgi.input"].read() if "wsgi.input" in environ else b""
        answer = ask(self, **{**environ, "wsgi.input": FakePayload(body)})
        method, path = environ["REQUEST_METHOD"].lower(), environ["PATH_INFO"]
        query, content_type = environ.get("QUERY_STRING", ""), environ.get("CONTENT_TYPE", "")
        heard.append(Exchange(method, path, query, content_type, body, answer))
        judge_answer(heard[-1])
        return answer

    monkeypatch.setattr(Client, "request", listened)
    return heard


def places() -> Iterator[tuple[re.Pattern[str], Place]]:
    for name in NAMES:
        told = document(name)
        for path, item in told["paths"].items():
            for server in item.get("servers", told["servers"]):
                pattern = PARAMETER.sub(
                    "[^/]+", re.escape(f"{server['url'].rstrip('/')}{path}").replace(r"\{", "{").replace(r"\}", "}")
                )
                yield re.compile(f"{pattern.removesuffix('/')}/?"), Place(name, path)


@cache
def all_places() -> list[tuple[re.Pattern[str], Place]]:
    return list(places())


def place_of(path: str) -> Place | None:
    return next((place for pattern, place in all_places() if pattern.fullmatch(path)), None)


def judge_answer(exchange: Exchange) -> None:
    """Fails unless the document of that address names the status, its headers and the shape of its body."""
    place = place_of(exchange.path)
    if place is None or exchange.method == "options" or exchange.answer.status_code == MISDIRECTED:
        return
    status = str(exchange.answer.status_code)
    operation = place.operations.get({"head": "get"}.get(exchange.method, exchange.method))
    if operation is None:
        assert status == "405", f"{exchange.method} {place.path} is in no document"
        if exchange.answer.headers["Content-Type"] == "application/json":
            assert_fits(place.document, ["components", "schemas", "Error"], exchange.answer.json())
        return
    where = f"{place.document}: {exchange.method} {place.path} {status}"
    assert status in operation["responses"], f"{where} is in no document"
    told = operation["responses"][status]
    missing = {name for name, rule in told.get("headers", {}).items() if rule.get("required")} - set(
        exchange.answer.headers
    )
    assert not missing, f"{where} has no {missing}"
    if exchange.method != "head":
        judge_body(exchange, place, told)


def judge_body(exchange: Exchange, place: Place, told: dict[str, Any]) -> None:
    if "content" not in told:
        assert exchange.answer.content == b""
        return
    media_type = exchange.answer.headers["Content-Type"].partition(";")[0]
    assert media_type in told["content"]
    pointer = ["paths", place.path, exchange.method, "responses", str(exchange.answer.status_code), "content"]
    body = exchange.answer.json() if media_type.endswith("json") else exchange.answer.content.decode()
    assert_fits(place.document, [*pointer, media_type, "schema"], body)


def judge_request(exchange: Exchange) -> None:
    """Fails unless the document allows this request."""
    place = place_of(exchange.path)
    assert place, exchange.path
    operation = place.operations[exchange.method]
    query = {
        parameter["name"]: parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"
    }
    assert parse_qs(exchange.query).keys() <= query.keys()
    if "requestBody" not in operation:
        assert exchange.body == b""
        return
    if not exchange.body and not operation["requestBody"]["required"]:
        return
    # A body without a content type is read as JSON.
    media_type = exchange.content_type.partition(";")[0] or "application/json"
    assert media_type in operation["requestBody"]["content"]
    body = json.loads(exchange.body) if media_type.endswith("json") else dict(parse_qsl(exchange.body.decode()))
    pointer = ["paths", place.path, exchange.method, "requestBody", "content", media_type, "schema"]
    assert_fits(place.document, pointer, body)


def assert_fits(name: str, pointer: list[str], value: Any) -> None:
    problems = [f"{error.json_path}: {error.message}" for error in validator(name, tuple(pointer)).iter_errors(value)]
    assert not problems, f"{name} {pointer}: {problems}"


@cache
def validator(name: str, pointer: tuple[str, ...]) -> Draft202012Validator:
    escaped = "/".join(quote(step.replace("~", "~0").replace("/", "~1")) for step in pointer)
    return Draft202012Validator(
        {"$ref": f"urn:latchkey:{name}#/{escaped}"}, registry=registry(), format_checker=FormatChecker()
    )


@cache
def registry() -> Registry[Any]:
    resources = [
        (f"urn:latchkey:{name}", Resource.from_contents(document(name), default_specification=DRAFT202012))
        for name in NAMES
    ]
    return Registry().with_resources(resources)
