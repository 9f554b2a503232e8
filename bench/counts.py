"""How many SQL statements each step sends, and how often it waits for PostgreSQL and for Valkey."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    statements: float
    round_trips: float
    redis_round_trips: float

    def cells(self) -> list[str]:
        return [f"{each:.3g}" for each in (self.statements, self.round_trips, self.redis_round_trips)]
