"""One run: which sides, in which order, how often. Rounds of all sides take turns, so that a busy minute meets all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench import better_auth, ceiling, floor, latchkey, meters, pgbench
from bench.counts import Count, count
from bench.generator import Generator
from bench.installation import Installation
from bench.sides import CEILING, FLOOR, LATCHKEY, PEER, PGBENCH, Measured, Meter, Side
from bench.targets import Order

CHECKS_AT = 8
# On a busy machine rather fewer rounds than more than ten minutes.
LONGEST_SECONDS = 330.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Flows of a round by side and concurrency, and how many rounds of everything there are."""

    rounds: int
    flows: Mapping[str, Mapping[int, int]]
    checks: int
    """Requests of each check in a round; 0: none."""
    warm_up: int
    """Flows. Node compiles what runs often, and is at its fastest only after several hundred."""


@dataclass(slots=True)
class Result:
    measured: list[Measured] = field(default_factory=list)
    counts: Mapping[str, Count] = field(default_factory=dict)
    memory: Mapping[str, float] = field(default_factory=dict)
    empty_memory: Mapping[str, float] = field(default_factory=dict)
    """Of an empty Django, DRF and Celery application, run the same way."""
    synchronous_commit: str = ""
    missing: list[str] = field(default_factory=list)


class Run:
    def __init__(self, installation: Installation, generator: Generator, plan: Plan) -> None:
        self._installation = installation
        self._generator = generator
        self._plan = plan
        self._meter = Meter(generator)
        self._result = Result()

    def go(self) -> Result:
        result = self._result
        with ExitStack() as stack:
            sides = self._start(stack)
            for side in sides:
                if side.name != CEILING:
                    self._meter.warm_up(side, self._plan.warm_up)
            # What autovacuum does within a minute of an installation's life: until then plans are made without knowing
            # how many people an environment has.
            self._installation.analyze()
            until = time.monotonic() + LONGEST_SECONDS
            for number in range(self._plan.rounds):
                if time.monotonic() < until:
                    result.measured += self._round(sides, f"round{number}")
            result.memory = meters.memory(self._installation.pids(), self._installation.others_backends())
        if LATCHKEY in self._plan.flows:
            result.counts = count(self._installation, self._generator, sides[0].flow)
        result.synchronous_commit = self._installation.setting("synchronous_commit")
        return result

    def _start(self, stack: ExitStack) -> list[Side]:
        installation, generator = self._installation, self._generator
        installation.migrate()
        installation.start()
        facts = installation.demo(*latchkey.without_limits(generator.mail_url))
        others = {
            FLOOR: lambda: floor.running(installation),
            PEER: lambda: better_auth.running(installation, generator),
            CEILING: ceiling.running,
        }
        sides = [latchkey.side(installation, facts)] if LATCHKEY in self._plan.flows else []
        sides += [stack.enter_context(make()) for name, make in others.items() if self._is_wanted(name)]
        self._measure_empty(sides)
        return sides

    def _is_wanted(self, name: str) -> bool:
        if name not in self._plan.flows and not (name == FLOOR and PGBENCH in self._plan.flows):
            return False
        reason = better_auth.missing() if name == PEER else ""
        if reason:
            self._result.missing.append(f"Nothing is compared with better-auth: {reason}.")
        return not reason

    def _measure_empty(self, sides: Sequence[Side]) -> None:
        """Before the bare project has served any of the floor's flows."""
        for side in sides:
            if side.name == FLOOR:
                for name, target in side.checks({}).items():
                    self._meter.measure(side, Order(target, 32, 320, "empty"), name)
                apps = {name: pid for name, pid in side.pids.items() if name in ("web", "worker", "beat")}
                self._result.empty_memory = meters.memory(apps)

    def _round(self, sides: Sequence[Side], label: str) -> Iterator[Measured]:
        for side in sides:
            facts: Mapping[str, object] = {}
            for concurrency, flows in self._plan.flows.get(side.name, {}).items():
                measured = self._meter.measure(side, Order(side.flow, concurrency, flows, f"{label}-{concurrency}"))
                facts = measured.round.facts
                yield measured
            if self._plan.checks and facts:
                yield from self._checks(side, facts)
        if PGBENCH in self._plan.flows and (found := pgbench.find(self._installation)):
            yield from (found.measure(flows) for flows in self._plan.flows[PGBENCH].values())

    def _checks(self, side: Side, facts: Mapping[str, object]) -> Iterator[Measured]:
        for name, target in side.checks(facts).items():
            yield self._meter.measure(side, Order(target, CHECKS_AT, self._plan.checks, "check"), name)
