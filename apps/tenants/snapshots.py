"""Rows as they were read once, used again for as long as PostgreSQL says that nobody has changed them.

Every request needs its environment, project and key. Reading them by the ORM costs more CPU than the rest of a step
together; asking for their versions (xmin, which every UPDATE changes) is one small statement, and as true as reading.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from apps.core.database import first_query

M = TypeVar("M", bound=Model)
MOST_REMEMBERED = 4096


class Snapshots(Generic[M]):
    """`tables` are the model's own and those it is read together with; `joins` leads from the first to the others."""

    def __init__(self, *tables: str, joins: str) -> None:
        versions = ", ".join(f"{table}.xmin" for table in tables)
        self._version = f"concat_ws('/', {versions})"
        self._ask = f"SELECT {self._version} FROM {tables[0]} {joins} WHERE {tables[0]}.id = %s"  # noqa: S608 - Names of ours.
        self._known: OrderedDict[Hashable, M] = OrderedDict()
        self._lock = Lock()

    def get(self, name: Hashable, rows: Callable[[], QuerySet[M]]) -> M | None:
        """The first of `rows`, remembered under `name`. Everybody gets the same instance: do not change it.

        It is a request's first query (apps.core.database).
        """
        return first_query(lambda: self._get(name, rows))

    def _get(self, name: Hashable, rows: Callable[[], QuerySet[M]]) -> M | None:
        known = self._known.get(name)
        if known is not None and self._is_current(known):
            return known
        # The versions come with the row in one statement, so they are never newer than what was read.
        row = rows().annotate(snapshot_version=RawSQL(self._version, [])).first()  # noqa: S611 - Names of ours.
        self._remember(name, row)
        return row

    def _is_current(self, row: Any) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(self._ask, [row.pk])
            found = cursor.fetchone()
        return found is not None and found[0] == row.snapshot_version

    def _remember(self, name: Hashable, row: M | None) -> None:
        with self._lock:
            self._known.pop(name, None)
            if row is not None:
                self._known[name] = row
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
