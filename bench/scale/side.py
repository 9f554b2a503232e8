"""An installation of one size, in a process of its own, so that two of them can be measured in turns.

It takes one order a line, `["measure", {"flows": 100, …}]`, and answers each with a line of JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median, quantiles
from typing import Any, TypeVar

import psycopg

from bench import meters
from bench.installation import Installation, installed
from bench.scale.nodes import second_node
from bench.scale.tables import SIZES
from bench.scale.traffic import Crowd, Mailboxes, Place, Round
from config.stack_places import BASE_DIR

# The plans are walked by the tests' own client, inside the copy, as the application's role.
_PARTS = ("bench", "tests")
_WARM_UP = 128
T = TypeVar("T")


class Side:
    def __init__(self, installation: Installation, mail: Mailboxes) -> None:
        self._installation = installation
        self._facts = installation.demo("--requests-per-minute", "off", "--resend-after", "0", "--email-url", mail.url)
        self._place = Place(self._facts["base_url"], self._facts["app_key"], mail)

    def load(self, users: int, environments: int) -> float:
        """Seconds that it took."""
        started = time.monotonic()
        self._run("load", f"--users={users}", f"--environments={environments}", f"--flagship={self._facts['id']}")
        return time.monotonic() - started

    def warm_up(self) -> None:
        _figures(Crowd(self._place, 16).go(_WARM_UP))

    def measure(self, flows: int, concurrency: int) -> dict[str, float]:
        """CPU milliseconds of each process for one flow, and the flows' own times."""
        pids = self._installation.pids()
        before = meters.cpu(pids)
        figures = _figures(Crowd(self._place, concurrency).go(flows))
        after = meters.cpu(pids)
        return {**{name: (after[name] - before[name]) / flows for name in pids}, **figures}

    def plans(self) -> Any:
        """With the worker frozen, which would else take the messages before they can be explained."""
        worker = self._installation.pids()["worker"]
        os.kill(worker, signal.SIGSTOP)
        try:
            return json.loads(self._run("plans", json.dumps(self._facts)))
        finally:
            os.kill(worker, signal.SIGCONT)

    def tables(self) -> list[Any]:
        with self._latchkey() as session:
            return session.execute(SIZES.encode()).fetchall()

    def purge(self, what: str) -> dict[str, Any]:
        """How long it took and what it removed, and how long flows took before and during it."""
        calm = _figures(self._while(lambda: time.sleep(15), 2)[1])
        removed, busy = self._while(lambda: json.loads(self._run("purge", what)), 2)
        return {**removed, "before": calm, "during": _figures(busy)}

    def nodes(self, flows: int, concurrency: int) -> dict[str, float]:
        """A second web node and a second worker beside the first, and each flow's steps on both nodes in turns."""
        with second_node(self._installation) as node:
            place = replace(self._place, others=(node.address,))
            before = meters.cpu(node.pids)
            figures = _figures(Crowd(place, concurrency).go(flows))
            after = meters.cpu(node.pids)
        return {**figures, **{name: after[name] - before[name] for name in after}}

    def soak(self, minutes: int, concurrency: int) -> list[dict[str, float]]:
        """MB of memory by process, each minute, while flows come and go."""
        samples, result = self._while(lambda: list(self._samples(minutes)), concurrency)
        flows = len(result.took)
        _figures(result)
        return [{**sample, "flows": flows} for sample in samples]

    def _samples(self, minutes: int) -> Any:
        for minute in range(minutes + 1):
            if minute:
                time.sleep(60)
            yield meters.memory(self._installation.pids())

    def _while(self, act: Callable[[], T], concurrency: int) -> tuple[T, Round]:
        over, crowd, rounds = threading.Event(), Crowd(self._place, concurrency), list[Round]()
        thread = threading.Thread(target=lambda: rounds.append(crowd.keep_going(over.is_set)))
        thread.start()
        try:
            result = act()
        finally:
            over.set()
            thread.join()
        return result, rounds[0]

    def _run(self, module: str, *arguments: str) -> str:
        return self._installation.manage("-W", "ignore", "-m", f"bench.scale.{module}", *arguments)

    def _latchkey(self) -> psycopg.Connection[Any]:
        with self._installation.superuser() as session:
            where = session.info
            return psycopg.connect(
                host=where.host, port=where.port, user=where.user, dbname="latchkey", autocommit=True
            )


def _figures(result: Round) -> dict[str, float]:
    """Raises RuntimeError when any flow failed."""
    if result.errors:
        raise RuntimeError(f"{len(result.errors)} flows failed: {result.errors[0]}")
    took = result.took
    return {
        "p50": median(took),
        "p95": quantiles(took, n=20, method="inclusive")[-1],
        "worst": max(took),
        "flows per second": len(took) / result.seconds,
    }


def main() -> None:
    with Mailboxes() as mail, installed() as installation:
        for part in _PARTS:
            shutil.copytree(BASE_DIR / part, installation.folder / part, dirs_exist_ok=True)
        installation.manage("-m", "bench.scale.server")
        installation.stop()  # Until the next start, which reads what was set.
        installation.manage("manage.py", "migrate", "--verbosity=0")
        installation.start()
        side = Side(installation, mail)
        print(json.dumps("ready"), flush=True)
        for line in sys.stdin:
            order, arguments = json.loads(line)
            answer: Callable[..., object] = getattr(side, order)
            print(json.dumps(answer(**arguments)), flush=True)


if __name__ == "__main__":
    main()
