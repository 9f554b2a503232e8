"""A committed document as people read it: operations with their fields, answers, refusals and a call to try."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from apps.dialects.openapi.committed import document
from apps.dialects.openapi.shapes import JSON, Shape

METHODS = ("get", "post", "put", "patch", "delete")
FIRST_REFUSAL = 400


@dataclass(frozen=True, slots=True)
class Row:
    """One field: `name` is its path within the body, such as `auth_result.auth_token` or `keys[].kid`."""

    name: str
    kind: str
    is_required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Body:
    rows: list[Row]
    example: str
    """JSON; empty where the body is something else."""


@dataclass(frozen=True, slots=True)
class Success:
    status: int
    description: str
    headers: list[Row]
    bodies: list[Body]
    """More than one where the shape depends on the request."""


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    word: Any
    meaning: str
    headers: list[str]


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    method: str
    path: str
    summary: str
    description: str
    ways: list[str]
    """What a caller may show instead of one another; empty for what is public."""
    query: list[Row]
    media_types: list[str]
    requests: list[Body]
    successes: list[Success]
    refusals: list[Refusal]
    curl: str


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    title: str
    description: str
    roots: list[tuple[str, str, str]]
    """The shell variable that the calls use, the path with its variables in angle brackets, and a description."""
    credentials: list[tuple[str, str]]
    """The shell variable that the calls use, and what it holds."""
    refusal: Body
    """What every refusal looks like."""
    calls: list[Call]


def page(name: str) -> Page:
    """Raises KeyError for a name that is none."""
    told = document(name)
    return Page(
        name=name,
        title=told["info"]["title"],
        description=told["info"]["description"],
        roots=list(_roots(told)),
        credentials=[(variable(name), scheme["description"]) for name, scheme in _schemes(told).items()],
        refusal=Reader(told).body(told["components"]["schemas"]["Error"]),
        calls=[
            Reader(told, is_origin="servers" in item).call(path, method, item[method])
            for path, item in told["paths"].items()
            for method in METHODS
            if method in item
        ],
    )


def _roots(told: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for server in told["servers"]:
        yield "BASE", re.sub(r"\{(\w+)\}", r"<\1>", server["url"]), server["description"]
    for server in next((item["servers"] for item in told["paths"].values() if "servers" in item), []):
        yield "ORIGIN", "", server["description"]


def _schemes(told: dict[str, Any]) -> dict[str, Any]:
    schemes: dict[str, Any] = told["components"].get("securitySchemes", {})
    return schemes


def variable(scheme: str) -> str:
    """`applicationKey` → `APPLICATION_KEY`."""
    return re.sub(r"(?=[A-Z])", "_", scheme).upper()


@dataclass(frozen=True, slots=True)
class Reader:
    """Of one document, whose references it follows."""

    told: dict[str, Any]
    is_origin: bool = False
    """Whether the path that is read begins at the host itself."""

    def call(self, path: str, method: str, operation: dict[str, Any]) -> Call:
        content = operation.get("requestBody", {}).get("content", {})
        requests = self.shapes(next(iter(content.values()))["schema"]) if content else []
        query = [self.row(one["name"], {**one["schema"], **one}) for one in _query(operation)]
        replies = sorted((int(status), reply) for status, reply in operation["responses"].items())
        return Call(
            name=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            description=operation.get("description", ""),
            ways=self.ways(operation),
            query=query,
            media_types=list(content),
            requests=requests,
            successes=[self.success(status, reply) for status, reply in replies if status < FIRST_REFUSAL],
            refusals=[one for status, reply in replies if status >= FIRST_REFUSAL for one in refusals(status, reply)],
            curl=self.curl(method.upper(), path, operation, requests),
        )

    def ways(self, operation: dict[str, Any]) -> list[str]:
        ways = [" and ".join(_shown(name, self.scheme(name)) for name in way) for way in operation.get("security", [])]
        return ways if any(ways) else []

    def scheme(self, name: str) -> dict[str, Any]:
        scheme: dict[str, Any] = _schemes(self.told)[name]
        return scheme

    def success(self, status: int, reply: dict[str, Any]) -> Success:
        headers = [Row(name, "string", True, one["description"]) for name, one in reply.get("headers", {}).items()]
        schemas = [media["schema"] for media in reply.get("content", {}).values()]
        bodies = [body for schema in schemas for body in self.shapes(schema)]
        return Success(status, reply["description"], headers, bodies)

    def body(self, schema: Shape) -> Body:
        shape = self.resolved(schema)
        example = json.dumps(self.example(shape), indent=2) if shape.get("type") == "object" else ""
        return Body(list(self.rows("", shape)), example)

    def shapes(self, schema: Shape) -> list[Body]:
        """More than one where it is one of several."""
        shape = self.resolved(schema)
        parts = shape.get("anyOf") or shape.get("oneOf")
        return [body for part in parts for body in self.shapes(part)] if parts else [self.body(shape)]

    def resolved(self, schema: Shape) -> Shape:
        if "$ref" not in schema:
            return schema
        shape: Shape = self.told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return shape

    def rows(self, prefix: str, shape: Shape) -> Iterator[Row]:
        for name, schema in shape.get("properties", {}).items():
            member = self.resolved(schema)
            row = self.row(f"{prefix}{name}", member, is_required=name in shape.get("required", []))
            # An object without words of its own is told by its members.
            if row.description:
                yield row
            yield from self.rows(f"{prefix}{name}.", member)
            yield from self.rows(f"{prefix}{name}[].", self.resolved(member.get("items", {})))

    def row(self, name: str, shape: Shape, *, is_required: bool | None = None) -> Row:
        needed = shape.get("required") is True if is_required is None else is_required
        return Row(name, kind(shape), needed, shape.get("description", ""))

    def example(self, schema: Shape) -> Any:
        shape = self.resolved(schema)
        if "examples" in shape:
            return shape["examples"][0]
        if shape.get("type") == "object":
            members = {name: self.example(member) for name, member in shape.get("properties", {}).items()}
            return {name: value for name, value in members.items() if value != ""}
        return [self.example(shape["items"])] if "items" in shape else []

    def curl(self, method: str, path: str, operation: dict[str, Any], requests: list[Body]) -> str:
        queries = {one["name"]: one["schema"]["examples"][0] for one in _query(operation)}
        url = f"${'ORIGIN' if self.is_origin else 'BASE'}{path.replace('{', '<').replace('}', '>')}" + (
            f"?{urlencode(queries)}" if queries else ""
        )
        lines = ["curl" + ("" if method == "GET" else f" -X {method}") + f' "{url}"']
        first: dict[str, Any] = next(iter(operation.get("security", [])), {})
        lines += [f'-H "{_shown(name, self.scheme(name))}"' for name in first]
        if requests:
            lines += [f'-H "Content-Type: {JSON}"', f"-d '{json.dumps(json.loads(requests[0].example))}'"]
        return " \\\n  ".join(lines)


def kind(shape: Shape) -> str:
    """The type in a few words."""
    if "const" in shape:
        return f"always {json.dumps(shape['const'])}"
    if "enum" in shape:
        return " or ".join(json.dumps(value) for value in shape["enum"])
    types = shape.get("type", "string")
    text = " or ".join([types] if isinstance(types, str) else types).replace("array", "list")
    return f"{text} ({shape['format']})" if "format" in shape else text


def refusals(status: int, reply: dict[str, Any]) -> Iterator[Refusal]:
    """The words of one status, each with the paragraph of the description that explains it."""
    properties = next(iter(reply["content"].values()))["schema"].get("properties", {})
    if not properties:
        yield Refusal(status, "", reply["description"], list(reply.get("headers", {})))
        return
    words = next(member["enum"] for member in properties.values() if "enum" in member)
    meanings = [paragraph.partition(": ")[2] for paragraph in reply["description"].split("\n\n")]
    for word, meaning in zip(words, meanings, strict=True):
        yield Refusal(status, word, meaning, list(reply.get("headers", {})))


def _query(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]


def _shown(name: str, scheme: dict[str, Any]) -> str:
    """The header that carries a credential, with a variable of the shell for its value."""
    if scheme["type"] == "apiKey":
        return f"{scheme['name']}: ${variable(name)}"
    return f"Authorization: {scheme['scheme'].title()} ${variable(name)}"
