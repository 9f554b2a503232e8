"""`make scale` or `python -m bench.scale`: whether a sign-in costs more because there are many people.

docs/scaling.md explains it, and has the figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.scale import report

_SMALL = 10_000
_CONCURRENCY = 8


class Partner:
    """A side, seen from here: each method call is one line to its process and one line back."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        # Two that start at once on a busy machine are both too slow.
        self._answer("its start")

    def __call__(self, order: str, **arguments: object) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps([order, arguments]) + "\n")
        self._process.stdin.flush()
        return self._answer(order)

    def _answer(self, order: str) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"A side ended during {order}.")
        return json.loads(line)


def main() -> int:
    options = _options()
    if options.soak:
        with _side() as side:
            side("warm_up")
            print(report.soak(side("soak", minutes=options.soak, concurrency=options.concurrency)))
        return 0
    if options.nodes:
        with _side() as side:
            side("warm_up")
            print(report.nodes(side("nodes", flows=options.flows, concurrency=options.concurrency)))
        return 0
    with _side() as small, _side() as large:
        _compare(small, large, options)
    return 0


def _compare(small: Partner, large: Partner, options: argparse.Namespace) -> None:
    sides = {_SMALL: small, options.users: large}
    for users, side in sides.items():
        seconds = side("load", users=users, environments=options.environments)
        print(f"{users:,} people in {options.environments:,} environments: loaded in {seconds:.0f} s", flush=True)
    print(report.tables(large("tables"), options.users), flush=True)
    if options.rounds:
        for side in sides.values():
            side("warm_up")
        measured = [
            {users: side("measure", flows=options.flows, concurrency=_CONCURRENCY) for users, side in sides.items()}
            for _ in range(options.rounds)
        ]
        print(report.cost(measured), flush=True)
        print(report.churn(large("tables")), flush=True)
    print(report.plans({users: side("plans") for users, side in sides.items()}), flush=True)
    if options.purge:
        # What the plans captured has no mail; the flows of a purge need it again.
        print(report.purges({what: large("purge", what=what) for what in ("challenges", "events")}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000, help=f"beside {_SMALL:,}")
    parser.add_argument("--environments", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5, help="0: plans and sizes only")
    parser.add_argument("--flows", type=int, default=400, help="of a round")
    parser.add_argument("--no-purge", dest="purge", action="store_false")
    parser.add_argument("--soak", type=int, metavar="MINUTES", help="only this: memory while flows come and go")
    parser.add_argument("--nodes", action="store_true", help="only this: two web nodes and two workers")
    parser.add_argument("--concurrency", type=int, default=_CONCURRENCY, help="of a soak, or of two nodes")
    return parser.parse_args()


@contextmanager
def _side() -> Iterator[Partner]:
    command = [sys.executable, "-m", "bench.scale.side"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Partner(process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
