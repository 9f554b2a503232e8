"""The words in which documents are written: JSON Schema (2020-12) for bodies, and what belongs to one operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import URLPattern, URLResolver
from rest_framework import serializers

from apps.core.errors import AuthError
from apps.dialects.base import DialectView

Shape = dict[str, Any]
JSON = "application/json"
HTML = "text/html"


def text(description: str, example: str = "", **rules: Any) -> Shape:
    return {"type": "string", **rules, "description": description, **({"examples": [example]} if example else {})}


def number(description: str, example: int, **rules: Any) -> Shape:
    return {"type": "integer", **rules, "description": description, "examples": [example]}


def switch(description: str, *, example: bool = True) -> Shape:
    return {"type": "boolean", "description": description, "examples": [example]}


def always(value: Any, description: str) -> Shape:
    return {"const": value, "description": description, "examples": [value]}


def or_null(shape: Shape) -> Shape:
    return {**shape, "type": [shape["type"], "null"]}


def listed(item: Shape, description: str) -> Shape:
    return {"type": "array", "items": item, "description": description}


def closed(**members: Shape) -> Shape:
    """An object with exactly these members."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def without_need_of(names: set[str], shape: Shape) -> Shape:
    """The same object, whose members of these names may be left out."""
    return {**shape, "required": [name for name in shape["required"] if name not in names]}


def named(name: str) -> Shape:
    """One of the document's own schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. `headers` are those that it always has, with what they say."""

    description: str
    body: Shape | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class ErrorHeader:
    """What refusals with one status have, all of them or some."""

    header: str
    words: str
    is_always: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one path. Its refusals are named by class; status and words are looked up in the dialect's table.

    A request of one of several shapes is a tuple. `security` lists what a caller may show instead of one another; an
    empty name stands for nothing at all.
    """

    name: str
    summary: str
    answers: Mapping[int, Answer]
    errors: tuple[type[AuthError], ...]
    description: str = ""
    request: type[serializers.Serializer[Any]] | tuple[type[serializers.Serializer[Any]], ...] | None = None
    query: type[serializers.Serializer[Any]] | None = None
    security: tuple[str, ...] = ()
    is_request_needed: bool = True


@dataclass(frozen=True, slots=True)
class Document:
    """One dialect: `error` is the shape of its refusals, whose member `word` tells one from the other."""

    name: str
    title: str
    description: str
    urlpatterns: Sequence[URLPattern | URLResolver]
    operations: Mapping[type[DialectView], Mapping[str, Operation]]
    error: Shape
    word: str
    schemas: Mapping[str, Shape] = field(default_factory=dict)
    security: Mapping[str, Shape] = field(default_factory=dict)
    error_headers: Mapping[int, ErrorHeader] = field(default_factory=dict)
    by_app: bool = False
    """Whether the vendor's own clients use the root with the app's id, which then comes first."""
