"""The OpenAPI documents: valid, whole, current, and true of every example. `judge` holds all other tests to them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.management import CommandError, call_command
from django.http import JsonResponse
from django.urls import URLPattern, URLResolver
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from apps.core.errors import AuthError
from apps.dialects.answers import JSON
from apps.dialects.base import DialectView
from apps.dialects.openapi.build import DOCUMENTS
from apps.dialects.openapi.committed import FOLDER, NAMES, document
from apps.dialects.urls import urlpatterns
from tests.dialects.isolation_cases import PARAMETER
from tests.dialects.judge import METHODS, Exchange, assert_fits, judge_answer, judge_request
from tests.dialects.test_errors import ERRORS, VIEWS, answer, raised
from tests.dialects.test_examples import DIALECTS, replayed
from tests.stack.checkout import ROOT

SIGN_UP = "/auth/3f/development/email-otp-signup"
SENT = {"user_id": "0b8f4c9e-52a7-4f0e-9a53-1f6d2c7be0a4", "email": "ada@example.com"}
LIMITED = {"error": "rate_limited", "message": "Too many requests. Try again later."}


def operations(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document(name)["paths"].items():
        yield from ((method, path, told) for method, told in item.items() if method in METHODS)


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in a part of a document."""
    if isinstance(part, dict):
        yield part
    inside = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    for inner in inside:
        yield from objects(inner)


def schemas(name: str) -> Iterator[dict[str, Any]]:
    yield from document(name)["components"]["schemas"].values()
    yield from members(name)
    yield from (part["schema"] for part in objects(document(name)) if "schema" in part)


def members(name: str) -> Iterator[dict[str, Any]]:
    """The schemas of what objects hold."""
    for part in objects(document(name)):
        if part.get("type") == "object" or "$ref" in part:
            yield from part.get("properties", {}).values()


@pytest.mark.parametrize("name", NAMES)
def test_each_document_is_openapi_3_1(name: str) -> None:
    assert document(name)["openapi"].startswith("3.1.")
    validate_schema(document(name))
    for schema in schemas(name):
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", NAMES)
def test_each_example_value_is_one_that_its_own_schema_allows(name: str) -> None:
    found = [(schema, example) for schema in schemas(name) for example in schema.get("examples", [])]
    assert found
    for schema, example in found:
        Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("name", NAMES)
def test_everything_has_a_name_and_a_description(name: str) -> None:
    told = [operation for _method, _path, operation in operations(name)]
    assert len({operation["operationId"] for operation in told}) == len(told)
    assert all(operation["summary"] for operation in told)
    assert len({operation["summary"] for operation in told}) == len(told)
    for member in members(name):
        assert member.get("description") or member.keys() & {"$ref", "enum"} or member["type"] == "object", member


def routes() -> set[tuple[str, str]]:
    """All (path, method) that the dialects answer, in the words of the documents."""
    return {
        (f"{spelled(root)}{spelled(pattern)}", method.lower())
        for root in urlpatterns
        if isinstance(root, URLResolver)
        for pattern in root.url_patterns
        for method in view_of(pattern)().allowed_methods
        if method.lower() in METHODS
    }


def spelled(pattern: URLPattern | URLResolver) -> str:
    text = PARAMETER.sub(lambda parameter: f"{{{parameter[1]}}}", str(pattern.pattern))
    bare = text.removeprefix("^").removesuffix("(?:/|$)").removesuffix("/?$").replace(r"\.", ".")
    return f"/{bare}" if bare else ""


def view_of(pattern: URLPattern | URLResolver) -> type[DialectView]:
    return cast(type[DialectView], vars(pattern.callback)["view_class"])


def test_every_route_is_in_one_document_and_nothing_else_is_in_any() -> None:
    documented = [
        (f"{server['url'].rstrip('/')}{path}".rstrip("/"), method)
        for name in NAMES
        for method, path, _operation in operations(name)
        for server in document(name)["paths"][path].get("servers", document(name)["servers"])
    ]
    assert set(documented) == routes()
    assert len(documented) == len(set(documented))


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_example_is_a_request_and_an_answer_as_the_document_has_them(
    dialect: str, exchanges: list[Exchange]
) -> None:
    replay = replayed(dialect)
    assert len(exchanges) >= len(replay.rules["steps"])
    for one in exchanges:
        judge_request(one)


TELLING = {view: told.name for told in DOCUMENTS for view in told.operations}


@pytest.mark.parametrize("error", ERRORS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("view", VIEWS, ids=lambda cls: cls.__name__)
def test_every_refusal_has_the_shape_that_the_document_tells(view: type[DialectView], error: type[AuthError]) -> None:
    if view.media_type == JSON:
        assert_fits(TELLING[view], ["components", "schemas", "Error"], answer(view, raised(error)).told)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        pytest.param(201, {**SENT, "known": True}, {}, id="a member that nobody described"),
        pytest.param(201, {"email": "ada@example.com"}, {}, id="a member too few"),
        pytest.param(201, {**SENT, "user_id": 1}, {}, id="another type"),
        pytest.param(200, SENT, {}, id="another status"),
        pytest.param(429, LIMITED, {}, id="a header too few"),
        pytest.param(429, {**LIMITED, "error": "slow_down"}, {"Retry-After": "1"}, id="another word"),
    ],
)
def test_the_judge_refuses_what_no_document_tells(status: int, body: Any, headers: dict[str, str]) -> None:
    with pytest.raises(AssertionError):
        judge_answer(exchange(status, body, headers))


def test_the_judge_lets_pass_what_a_document_tells() -> None:
    judge_answer(exchange(201, SENT, {}))
    judge_answer(exchange(429, LIMITED, {"Retry-After": "1"}))
    judge_request(exchange(201, SENT, {}, sent={"email": "ada@example.com"}))


@pytest.mark.parametrize("sent", [{}, {"email": 1}, []])
def test_the_judge_refuses_a_request_that_no_document_allows(sent: Any) -> None:
    with pytest.raises(AssertionError):
        judge_request(exchange(201, SENT, {}, sent=sent))


def exchange(status: int, body: Any, headers: dict[str, str], sent: Any = None) -> Exchange:
    told: Any = JsonResponse(body, status=status, headers=headers)
    told.json = lambda: body
    return Exchange("post", SIGN_UP, "", "application/json", json.dumps(sent).encode(), told)


def test_a_stale_document_is_found(tmp_path: Path) -> None:
    call_command("openapi", folder=tmp_path, verbosity=0)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.iterdir()}
    call_command("openapi", folder=tmp_path, check=True)
    stale = deepcopy(document("passage"))
    del stale["paths"]["/otp/activate"]
    (tmp_path / "passage.json").write_text(json.dumps(stale))
    with pytest.raises(CommandError, match=r"^passage\.json: "):
        call_command("openapi", folder=tmp_path, check=True)


def test_what_runs_does_not_load_what_only_writes_the_documents() -> None:
    script = "import config.wsgi, config.urls, config.celery, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert "apps.dialects.urls" in names
    assert not {name for name in names if name.startswith("drf_spectacular")}
