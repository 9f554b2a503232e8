"""What a request does when its pooled connection turns out to be dead."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from django.db import InterfaceError, OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg_pool import ConnectionPool, PoolTimeout

T = TypeVar("T")


def first_query(ask: Callable[[], T]) -> T:
    """Run a request's first query, and once more when the pooled connection turned out to be dead.

    Nothing has been written yet, so repeating is safe. One dead connection means that PostgreSQL was restarted and all
    the others are dead too: the pool is told to replace them, else each would cost some request an error. A pool that
    has no connection to give is not asked twice: the caller has waited long enough.
    """
    try:
        return ask()
    except (OperationalError, InterfaceError) as failure:
        if isinstance(failure.__cause__, PoolTimeout):
            raise
        connection.close()
        pool: ConnectionPool[Any] = cast(DatabaseWrapper, connection).pool
        pool.check()
        return ask()
