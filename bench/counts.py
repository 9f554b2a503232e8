"""How many SQL statements each step sends, and how often it waits for PostgreSQL and for Valkey.

A web process and a worker beside the measured ones speak through relays, so that the measured ones need not.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench import children
from bench.generator import Generator
from bench.installation import Installation
from bench.relay import Relays, Tally
from bench.targets import FLOW, MAIL, Order, Step, Target

_LEARNERS, _COUNTED = 4, 5
_IDLE_SECONDS = 2.0
# The worker notes that a mail was sent after the mail has come.
_QUIET_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Count:
    statements: float
    round_trips: float
    valkey_round_trips: float

    def cells(self) -> list[str]:
        return [f"{each:.2g}" for each in self.values()]

    def values(self) -> tuple[float, float, float]:
        return (self.statements, self.round_trips, self.valkey_round_trips)

    def minus(self, other: Count, times: float = 1) -> Count:
        return Count(*(mine - theirs * times for mine, theirs in zip(self.values(), other.values(), strict=True)))


@dataclass(frozen=True, slots=True)
class Tallies:
    sql: Tally
    valkey: Tally

    def now(self) -> Count:
        return Count(self.sql.statements, self.sql.round_trips, self.valkey.round_trips)


class Twin:
    """A second web process and a second worker of an installation, each behind relays of its own."""

    def __init__(self, installation: Installation, relays: Relays, folder: Path) -> None:
        self._installation = installation
        self._relays = relays
        self._folder = folder
        self.port = children.free_port()

    @contextmanager
    def running(self) -> Iterator[tuple[Tallies, Tallies]]:
        """The tallies of web and worker; the first worker is frozen, so that this one gets the mail."""
        (web, web_tallies), (worker, worker_tallies) = self._start("web"), self._start("worker")
        first_worker = self._installation.pids()["worker"]
        os.kill(first_worker, signal.SIGSTOP)
        try:
            children.wait_until(self._answers, lambda: self._installation.log("twin-web"))
            yield web_tallies, worker_tallies
        finally:
            os.kill(first_worker, signal.SIGCONT)
            children.end(web, worker)

    def _answers(self) -> bool:
        return children.answers(f"http://127.0.0.1:{self.port}/readyz")

    def _start(self, name: str) -> tuple[children.Child, Tallies]:
        folder, sockets = self._folder / name, self._installation.sockets
        folder.mkdir()
        tallies = Tallies(
            self._relays.listen(folder / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432", is_sql=True),
            self._relays.listen(folder / "valkey.sock", sockets / "valkey.sock", is_sql=False),
        )
        command = [sys.executable, "manage.py", "run", name]
        log = self._installation.logs / f"twin-{name}.log"
        return children.start(command, log, cwd=self._installation.folder, env=self._environ(folder)), tallies

    def _environ(self, folder: Path) -> dict[str, str]:
        secrets: dict[str, str] = json.loads((self._installation.folder / "var/secrets.json").read_text())
        relayed = {
            "DATABASE_URL": f"postgres://latchkey@:5432/{folder}/latchkey",
            "REDIS_URL": f"unix://{folder}/valkey.sock",
        }
        one = {"PORT": str(self.port), "WEB_WORKERS": "1", "WEB_THREADS": "1"}
        return self._installation.environ() | secrets | relayed | one


def count(installation: Installation, generator: Generator, target: Target) -> dict[str, Count]:
    """By step; at MAIL the worker's for one mail, without what it asks when there is none."""
    with Relays() as relays, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        twin = Twin(installation, relays, Path(folder))
        with twin.running() as (web, worker):
            counter = _Counter(generator, replace(target, port=twin.port), web)
            for number in range(_LEARNERS):  # Connections, keys and prepared statements.
                counter.person(f"learning{number}")
            idle, since, before = _idle(worker), time.monotonic(), worker.now()
            people = [counter.person(f"counted{number}") for number in range(_COUNTED)]
            mails = worker.now().minus(before).minus(idle, time.monotonic() - since)
    steps = {name: _median([person[name] for person in people]) for name in people[0]}
    return {**steps, FLOW: _sum(list(steps.values())), MAIL: Count(*(each / _COUNTED for each in mails.values()))}


class _Counter:
    def __init__(self, generator: Generator, target: Target, tallies: Tallies) -> None:
        self._generator = generator
        self._target = target
        self._tallies = tallies

    def person(self, label: str) -> dict[str, Count]:
        facts: dict[str, Any] = {}
        counts = {}
        for step in self._target.steps:
            before = self._tallies.now()
            facts |= self._ask(step, label, facts)
            time.sleep(_QUIET_SECONDS)
            counts[step.name] = self._tallies.now().minus(before)
        return counts

    def _ask(self, step: Step, label: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        is_mailed = self._target.is_mailed and step == self._target.steps[0]
        alone = replace(self._target, steps=(step,), is_mailed=is_mailed)
        result = self._generator.run(Order(alone, 1, 1, label, facts))
        if result.errors:
            raise SystemExit(f"Counting failed: {result.errors[0]}")
        return result.facts


def _idle(tallies: Tallies) -> Count:
    """Of one second in which nothing happens."""
    before = tallies.now()
    time.sleep(_IDLE_SECONDS)
    return Count(*(each / _IDLE_SECONDS for each in tallies.now().minus(before).values()))


def _median(counts: list[Count]) -> Count:
    return Count(*(float(median(each)) for each in zip(*(one.values() for one in counts), strict=True)))


def _sum(counts: list[Count]) -> Count:
    return Count(*(sum(each) for each in zip(*(one.values() for one in counts), strict=True)))
