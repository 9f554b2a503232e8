"""Rows as they were read once, used again for as long as PostgreSQL says that nobody has changed them.

Every request needs its environment, project and key. Reading them by the ORM was the largest single cost of a step;
asking for their versions (xmin, which every UPDATE changes) is one small statement, and as true as reading. The steps
of a sign-in save that one too: their own first statement asks, by `unchanged`, and does nothing if the answer is no
(see apps.dialects.base.DialectView.caller).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from apps.core.database import first_query, row

M = TypeVar("M", bound=Model)
MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What PostgreSQL has to be asked about a remembered row, and what it then said."""

    question: str
    parameters: dict[str, Any]

    @property
    def unchanged(self) -> str:
        """A condition for a statement that has these parameters among its own."""
        return f"(({self.question}) = %(snapshot_version)s)"

    def is_current(self) -> bool:
        answer = row(f"SELECT {self.unchanged}", self.parameters)
        return bool(answer and answer[0])


class Snapshots(Generic[M]):
    """`tables` are the model's own and those it is read together with; `joins` leads from the first to the others."""

    def __init__(self, *tables: str, joins: str) -> None:
        versions = ", ".join(f"{table}.xmin" for table in tables)
        self._version = f"concat_ws('/', {versions})"
        place = f"{tables[0]} {joins} WHERE {tables[0]}.id = %(snapshot_row)s"
        self._question = f"SELECT {self._version} FROM {place}"  # noqa: S608 - Names of ours.
        self._known: OrderedDict[Hashable, tuple[M, Snapshot]] = OrderedDict()
        self._lock = Lock()

    def recall(self, name: Hashable) -> tuple[M, Snapshot] | None:
        """What is remembered, without asking whether it is still true."""
        return self._known.get(name)

    def get(self, name: Hashable, rows: Callable[[], QuerySet[M]]) -> M | None:
        """The first of `rows`, remembered under `name`. Everybody gets the same instance: do not change it.

        It is a request's first query (apps.core.database).
        """
        return first_query(lambda: self._get(name, rows))

    def _get(self, name: Hashable, rows: Callable[[], QuerySet[M]]) -> M | None:
        known = self._known.get(name)
        if known is not None and known[1].is_current():
            return known[0]
        # The versions come with the row in one statement, so they are never newer than what was read.
        row = rows().annotate(snapshot_version=RawSQL(self._version, [])).first()  # noqa: S611 - Names of ours.
        self._remember(name, row)
        return row

    def _remember(self, name: Hashable, row: Any) -> None:
        with self._lock:
            self._known.pop(name, None)
            if row is not None:
                facts = {"snapshot_row": row.pk, "snapshot_version": row.snapshot_version}
                self._known[name] = row, Snapshot(self._question, facts)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
