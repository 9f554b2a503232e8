"""Long lists, newest first, in pages that cost the same wherever one is: each continues behind the last row of the one
before (a keyset), so nothing is counted and nothing is skipped over."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from django.db.models import Model, Q, QuerySet

ROWS = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PLACE = re.compile(r"([0-9]{1,16})-([0-9a-f]{32})")
MANY = 100


class Dated(Protocol):
    id: uuid.UUID
    created_at: datetime


M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Slice(Generic[M]):
    rows: list[M]
    after: str = ""
    """Where the next page begins; empty on the last one."""


def newest(rows: QuerySet[M], after: str) -> Slice[M]:
    """The page of `rows` behind `after`, which is a place that an earlier page named; the first page for anything
    else. The rows have `created_at` and `id`."""
    found = list(_behind(rows, after).order_by("-created_at", "-id")[: ROWS + 1])
    if len(found) <= ROWS:
        return Slice(found)
    return Slice(found[:ROWS], _place(found[ROWS - 1]))  # type: ignore[arg-type]


def about(rows: QuerySet[M]) -> str:
    """How many, in words that cost at most MANY rows."""
    number = rows.order_by()[: MANY + 1].count()
    return str(number) if number <= MANY else f"more than {MANY}"


def _behind(rows: QuerySet[M], after: str) -> QuerySet[M]:
    place = PLACE.fullmatch(after)
    if place is None:
        return rows
    moment, row = EPOCH + int(place[1]) * MICROSECOND, uuid.UUID(hex=place[2])
    # The first condition says nothing that the second does not, but it is one that an index can start from.
    return rows.filter(Q(created_at__lt=moment) | Q(id__lt=row), created_at__lte=moment)


def _place(row: Dated) -> str:
    return f"{(row.created_at - EPOCH) // MICROSECOND}-{row.id.hex}"
