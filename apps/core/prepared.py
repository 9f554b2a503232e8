"""A connection that runs the statements of the hot path by libpq itself.

A cursor of Django's around one of psycopg's takes nearly four times the CPU in this process that libpq and the same
conversions take without them (bench/README.md), and a step of a sign-in is one statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import count
from typing import Any, NamedTuple

import psycopg
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, Format
from psycopg.pq.abc import PGresult

# What PostgreSQL says of a name that it does not know (any more), and of one whose columns have other types since: both
# before it has done anything (its manual, appendix A).
OUTDATED = (b"26000", b"0A000")
_PARAMETER = re.compile(r"%(?:\((\w+)\)s|%)")


class Statement(NamedTuple):
    """A statement as libpq takes it, with the names of its parameters in the order of $1, $2, …"""

    text: bytes
    names: tuple[str, ...]
    formats: list[PyFormat]


class PreparingConnection(psycopg.Connection[Any]):
    """What the pool is made of (apps.core.apps)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # By the types of the parameters too, as psycopg does: None has none, and a number that of its size. There are
        # no more of them than our own statements have variants.
        self._statements: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._numbers = count()

    @cached_property
    def _conversion(self) -> abc.Transformer:
        # Not earlier: Django's own adapters come after __init__.
        return Transformer(self)

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All that a statement answers; none for one that answers nothing. Raises what psycopg raises."""
        if not self.autocommit:
            # psycopg itself has to begin the transaction, and knows whether it has.
            cursor = self.execute(sql, parameters, binary=True)
            return cursor.fetchall() if cursor.description else []
        statement = positional(sql)
        values = self._conversion.dump_sequence([parameters[name] for name in statement.names], statement.formats)
        result = self._execute(statement, values)
        if result.error_field(DiagnosticField.SQLSTATE) in OUTDATED:
            self._statements.clear()
            result = self._execute(statement, values)
        return self._read(result)

    def _execute(self, statement: Statement, values: Sequence[abc.Buffer | None]) -> PGresult:
        name = self._name(statement, self._conversion.types or ())
        # None among the values is NULL, which the types of psycopg.pq leave out.
        return self.pgconn.exec_prepared(name, values, self._conversion.formats, Format.BINARY)  # type: ignore[arg-type]

    def _name(self, statement: Statement, types: tuple[int, ...]) -> bytes:
        name = self._statements.get((statement.text, types))
        if name is None:
            name = b"latchkey_%d" % next(self._numbers)
            self._checked(self.pgconn.prepare(name, statement.text, types))
            self._statements[statement.text, types] = name
        return name

    def _read(self, result: PGresult) -> list[tuple[Any, ...]]:
        self._checked(result)
        conversion = self._conversion
        conversion.set_pgresult(result)
        try:
            return conversion.load_rows(0, result.ntuples, tuple)
        finally:
            # What was read may be secret, and the connection lives on.
            conversion.set_pgresult(None)

    def _deallocate(self, name: bytes | None) -> abc.PQGen[None]:
        """psycopg's own, by which it gives up all that is prepared, ours too, after a rollback: a statement would find
        out only from PostgreSQL."""
        if name is None:
            self._statements.clear()
        return super()._deallocate(name)

    def _checked(self, result: PGresult) -> None:
        if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            return
        if self.pgconn.status == ConnStatus.BAD and not result.error_field(DiagnosticField.SQLSTATE):
            raise psycopg.OperationalError("the connection is lost")
        raise error_from_result(result, encoding=self.info.encoding)


@lru_cache
def positional(sql: str) -> Statement:
    """`%(name)s` becomes $1, $2, …, and `%%` a percent sign."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        name = match[1]
        return f"${names.setdefault(name, len(names) + 1)}" if name else "%"

    text = _PARAMETER.sub(number, sql)
    return Statement(text.encode(), tuple(names), [PyFormat.AUTO] * len(names))
