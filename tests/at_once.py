"""Races: the same step from many threads at the same moment, each with a database connection of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

T = TypeVar("T")

# Below the 16 connections of a process's pool: what is refused shall be refused by the product, not for want of one.
THREADS = 10
PATIENCE_SECONDS = 20.0


def at_once(count: int, step: Callable[[int], T], *, behind: QuerySet[Any] | None = None) -> list[T]:
    """`[step(0), ..., step(count - 1)]`, in batches of THREADS that start together.

    The rows of `behind` are locked until the whole first batch waits for them: each of those requests has read the
    row as it was and now wants to change it, which is the moment that a race is about, and which luck alone rarely
    brings.
    """
    assert count % THREADS == 0
    start = threading.Barrier(THREADS)

    def run(thread: int) -> list[T]:
        done = []
        try:
            for number in range(thread, count, THREADS):
                start.wait(PATIENCE_SECONDS)
                done.append(step(number))
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(THREADS) as pool, _locked(behind):
        threads = [pool.submit(run, thread) for thread in range(THREADS)]
        if behind is not None:
            _await_waiting(THREADS)
            transaction.commit()
        return [result for thread in threads for result in thread.result()]


@contextmanager
def _locked(rows: QuerySet[Any] | None) -> Iterator[None]:
    """Ends the transaction whatever happens, else the threads would wait for it for ever."""
    if rows is None:
        yield
        return
    transaction.set_autocommit(False)
    try:
        assert list(rows.select_for_update(of=("self",)))
        yield
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)


def _await_waiting(count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _waiting() < count:
        assert time.monotonic() < deadline, f"{_waiting()} of {count} wait for the row"
        time.sleep(0.01)


def _waiting() -> int:
    with connection.cursor() as cursor:
        # Within a transaction PostgreSQL would go on showing the activity as it was at the first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])
