"""How PostgreSQL finds what each statement asks for: the plan and the pages it touched, of the statement as it is sent.

The wheel's PostgreSQL has no auto_explain, so a wrapper around Django's cursor explains each statement just before it
runs and takes back what that did. Nothing is copied out of the models: what changes is explained as changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection
from psycopg import sql
from psycopg.adapt import PyFormat, Transformer

_EXPLAINED = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"%(?:%|s|\((\w+)\)s)")
_NAME = "scale_explained"
_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
# Every other node only hands on what these have touched.
_TOUCHING = ("Scan", "ModifyTable", "LockRows")
_HANDING_ON = ("CTE Scan", "Subquery Scan", "Function Scan", "Values Scan")
Parameters = Sequence[Any] | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Plan:
    pages: int
    """Of tables and indexes, touched in shared buffers or read into them; those of planning are not counted."""
    indexes: frozenset[str]
    """That it went by; what a plan names and never came to is not among them."""
    scanned: frozenset[str]
    """Tables read from end to end."""
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Explained:
    statement: str
    plan: Plan
    generic: Plan
    """What a prepared statement comes to, planned without knowing the values."""

    @property
    def title(self) -> str:
        return " ".join(self.statement.split())[:60]


@contextmanager
def explaining() -> Iterator[list[Explained]]:
    """Everything that this thread asks of the database meanwhile, in its order."""
    found: list[Explained] = []

    def wrapper(execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if _EXPLAINED.match(statement):
            found.append(explain(context["connection"].connection, statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(wrapper):
        yield found


def explain(session: psycopg.Connection[Any], statement: str, parameters: Parameters = None) -> Explained:
    """Run the statement twice, planned for its values and planned without them, and take it back both times."""
    return Explained(
        statement,
        _taken_back(session, lambda cursor: _custom(cursor, statement, parameters)),
        _taken_back(session, lambda cursor: _generic(cursor, statement, parameters)),
    )


def _taken_back(session: psycopg.Connection[Any], run: Callable[[psycopg.Cursor[Any]], Any]) -> Plan:
    found: list[Any] = []
    with session.transaction(force_rollback=True), session.cursor() as cursor:
        found = run(cursor)
    return _plan(found[0])


def _custom(cursor: psycopg.Cursor[Any], statement: str, parameters: Parameters) -> Any:
    cursor.execute((_EXPLAIN + statement).encode(), parameters)
    return _answer(cursor)


def _generic(cursor: psycopg.Cursor[Any], statement: str, parameters: Parameters) -> Any:
    text, values = _numbered(statement, parameters)
    transformer = Transformer(cursor)
    transformer.dump_sequence(values, [PyFormat.AUTO] * len(values))
    types = ", ".join(_type(cursor, oid) for oid in transformer.types or ())
    cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    cursor.execute(f"PREPARE {_NAME}{f' ({types})' if types else ''} AS {text}".encode())
    try:
        given = sql.SQL(", ").join(sql.Literal(value) for value in values)
        call = sql.SQL("({})").format(given) if values else sql.SQL("")
        cursor.execute(sql.SQL(_EXPLAIN + f"EXECUTE {_NAME}") + call)
        return _answer(cursor)
    finally:
        cursor.execute(f"DEALLOCATE {_NAME}")


def _answer(cursor: psycopg.Cursor[Any]) -> Any:
    row = cursor.fetchone()
    assert row
    return row[0]


def _type(cursor: psycopg.Cursor[Any], oid: int) -> str:
    info = cursor.adapters.types.get(oid)
    if info is None:
        return "unknown"
    return info.name + ("[]" if oid == info.array_oid else "")


def _numbered(statement: str, parameters: Parameters) -> tuple[str, list[Any]]:
    """%s and %(name)s as $1, $2, …, as psycopg does it: a name that comes twice has one number."""
    values: list[Any] = []
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1]
        if name is None:
            assert not isinstance(parameters, Mapping)
            values.append((parameters or ())[len(values)])
            return f"${len(values)}"
        if name not in numbers:
            assert isinstance(parameters, Mapping)
            values.append(parameters[name])
            numbers[name] = len(values)
        return f"${numbers[name]}"

    return (_PLACEHOLDER.sub(number, statement) if parameters else statement), values


def _plan(found: Mapping[str, Any]) -> Plan:
    nodes = list(_nodes(found["Plan"]))
    return Plan(
        pages=sum(_own_pages(node) for node in nodes),
        indexes=frozenset(node["Index Name"] for node in nodes if "Index Name" in node and node["Actual Loops"]),
        scanned=frozenset(node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"),
        milliseconds=found["Execution Time"],
    )


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _own_pages(node: Mapping[str, Any]) -> int:
    """Without its children's. The sum is no less than the truth: WITH parts count where they run, read or not."""
    kind = node["Node Type"]
    if kind in _HANDING_ON or not kind.endswith(_TOUCHING):
        return 0
    return max(0, _pages(node) - sum(_pages(child) for child in node.get("Plans", ())))


def _pages(node: Mapping[str, Any]) -> int:
    return int(node["Shared Hit Blocks"] + node["Shared Read Blocks"])
