"""What a request does when its pooled connection turns out to be dead, and how the hot path asks PostgreSQL."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models import Model
from psycopg_pool import ConnectionPool, PoolTimeout

from apps.core.prepared import PreparingConnection

# Connection exceptions, and what PostgreSQL says when it goes or comes (its manual, appendix A).
LOST = ("08", "57P01", "57P02", "57P03")

T = TypeVar("T")
M = TypeVar("M", bound=Model)


def first_query(ask: Callable[[], T]) -> T:
    """Run a request's first query, and once more when the pooled connection turned out to be dead.

    Nothing has been written yet, so repeating is safe. One dead connection means that PostgreSQL was restarted and all
    the others are dead too: the pool is told to replace them, else each would cost some request an error. A pool that
    has no connection to give is not asked twice: the caller has waited long enough. Where only one was dead, it says
    nothing of the connection that the next query has.
    """
    try:
        return ask()
    except (OperationalError, InterfaceError) as failure:
        if not is_lost(failure):
            raise
        replace_dead_connections()
        return ask()


def is_lost(failure: Exception) -> bool:
    """Whether a connection was dead, rather than PostgreSQL having said no: to a lock or a statement that took too
    long, for one, which would take as long again."""
    cause = failure.__cause__
    state = getattr(cause, "sqlstate", None) or ""
    return not isinstance(cause, PoolTimeout) and (not state or state.startswith(LOST))


def replace_dead_connections() -> None:
    ours = _ours()
    ours.close()
    ours.pool.check()


def _ours() -> DatabaseWrapper:
    """Of this thread. Looked up once for all that is asked of it: `django.db.connection` does it each time."""
    return cast(DatabaseWrapper, connections[DEFAULT_DB_ALIAS])


def rows(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What a statement of our own answers, prepared, without the cost of a cursor. Raises what Django's cursors raise.

    Outside of a transaction it borrows a connection for as long as it runs. Where somebody listens to statements
    (`execute_wrapper`, DEBUG) it goes the way that they are heard on. The two bring inet and jsonb as different types:
    cast them to text.
    """
    ours = _ours()
    if ours.execute_wrappers or ours.queries_logged:
        with ours.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
    if ours.connection is None and not ours.in_atomic_block:
        with ours.wrap_database_errors:
            return _rows_by_borrowed(ours.pool, sql, parameters)
    ours.validate_no_broken_transaction()
    ours.ensure_connection()
    with ours.wrap_database_errors:
        return cast(PreparingConnection, ours.connection).rows(sql, parameters)


def _rows_by_borrowed(
    pool: ConnectionPool[PreparingConnection], sql: str, parameters: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    if pool.closed:
        pool.open()
    borrowed = pool.getconn()
    try:
        if not borrowed.autocommit:
            # Closed in the middle of a transaction, it went back as it was, and what it does now would be rolled back.
            borrowed.autocommit = True
        return borrowed.rows(sql, parameters)
    finally:
        pool.putconn(borrowed)


def row(sql: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first of them; None for none."""
    found = rows(sql, parameters)
    return found[0] if found else None


def after_commit(call: Callable[[], None]) -> None:
    """As transaction.on_commit, which takes a connection to find out that there is no transaction to wait for."""
    ours = _ours()
    if ours.in_atomic_block:
        ours.on_commit(call)
    else:
        call()


def compact(statement: str) -> str:
    """On one line: psycopg remembers what it has parsed of a statement only up to 4,096 characters."""
    return " ".join(statement.split())


def first_row(model: type[M], condition: str, parameters: Mapping[str, Any]) -> M | None:
    """The row that a condition of our own finds. The ORM would compose the same statement anew each
    time, which takes longer than running it. Not for columns that need converting, such as JSON."""
    select, names = _select(model)
    found = row(select + condition, parameters)
    return model.from_db(DEFAULT_DB_ALIAS, names, found) if found else None


@lru_cache
def _select(model: type[Model]) -> tuple[str, list[str]]:
    columns = ", ".join(column for column, _name in stored(model))
    table = model._meta.db_table  # noqa: SLF001 - Django's documented name.
    return f"SELECT {columns} FROM {table} WHERE ", [name for _column, name in stored(model)]  # noqa: S608 - Names of ours.


@lru_cache
def stored(model: type[Model]) -> list[tuple[str, str]]:
    """The columns of a model in its own order, as SQL and as Python call them: from_db() takes its values in that."""
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's documented name.
    return [(str(field.column), field.attname) for field in fields]
