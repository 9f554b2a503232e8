"""What is measured beside what: each side has processes, a flow, and single requests that are checked on their own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench import meters
from bench.generator import Generator
from bench.targets import FLOW, Order, Round, Target

LATCHKEY, FLOOR, PGBENCH, PEER, CEILING = "Latchkey", "floor", "pgbench", "better-auth", "ceiling"
SQL_OF_MAIL = "postgresql, for mail"
# Single requests, measured on their own.
ACCESS_TOKEN, API_KEY = "access token", "API key"
EMPTY, EMPTY_IN_DRF, CONNECTED = "empty view", "empty view in DRF", "SELECT 1"

Checks = Callable[[Mapping[str, Any]], Mapping[str, Target]]
"""Requests by name, out of what a flow's answers said."""


def no_checks(_facts: Mapping[str, Any]) -> Mapping[str, Target]:
    return {}


@dataclass(frozen=True, slots=True)
class Side:
    name: str
    flow: Target
    pids: Mapping[str, int]
    """By the name of the process; PostgreSQL and Valkey serve one side at a time, so they are everybody's."""
    checks: Checks = no_checks
    mail_backends: Callable[[], Collection[int]] = tuple
    """The processes of PostgreSQL that serve the worker: a part of what `postgresql` spends."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A round, and the CPU milliseconds that each process spent on it."""

    side: str
    what: str
    """FLOW, or the name of a check."""
    round: Round
    cpu: Mapping[str, float]


class Meter:
    """Counts what each process of a side spends while the generator drives it."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def measure(self, side: Side, order: Order, what: str = FLOW) -> Measured:
        before = self._spent(side)
        result = self._generator.run(order)
        after = self._spent(side)
        return Measured(side.name, what, result, {name: after[name] - before[name] for name in after})

    @staticmethod
    def _spent(side: Side) -> dict[str, float]:
        return {**meters.cpu(side.pids), SQL_OF_MAIL: meters.alone(side.mail_backends())}

    def warm_up(self, side: Side, flows: int) -> None:
        """Every thread has its connection, its prepared statements and its keys afterwards. Raises SystemExit."""
        if told := self._generator.run(Order(side.flow, 32, flows, "warm")).errors:
            raise SystemExit(f"The first flows of {side.name} failed: {told[0]}")


def errors(measured: Sequence[Measured]) -> list[str]:
    return [f"{one.side}: {error}" for one in measured for error in one.round.errors]
