"""`make bench` or `python -m bench`: what a complete sign-in costs on the real stack. bench/README.md explains it."""

import argparse
import sys
from collections.abc import Iterator

from bench import meters, report
from bench.flow import World, people, run_round
from bench.installation import Installation, installed
from bench.report import GENERATOR, Measured
from bench.sink import Sink
from bench.statements import Counter

# Flows of a round by concurrency.
_FULL = {1: 100, 16: 400}
_SHORT = {1: 10, 16: 48}
_WARM_UP = 96


def main() -> int:
    options = _options()
    with Sink() as sink, installed() as installation:
        installation.start()
        world = _make_world(installation, sink)
        _warm_up(world)
        plan = _SHORT if options.short else _FULL
        measured = [
            _measure(installation, world, concurrency, people(f"round{number}-{concurrency}", flows))
            for number in range(options.rounds or (2 if options.short else 5))
            for concurrency, flows in plan.items()
        ]
        memory = meters.memory(installation.pids())
        sql = Counter(installation, world).count()
    if all(one.round.flows > 1 for one in measured):  # Of less there is no p95.
        print(report.render(measured, sql, memory))
    return _tell_errors(measured)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds: whether it works, not how fast it is")
    parser.add_argument("--rounds", type=int)
    return parser.parse_args()


def _make_world(installation: Installation, sink: Sink) -> World:
    facts = installation.demo("--requests-per-minute", "off", "--resend-after", "0", "--email-url", sink.url)
    return World(facts["base_url"], facts["app_key"], sink)


def _warm_up(world: World) -> None:
    """Every thread of every process has its connection, its prepared statements and its keys afterwards."""
    if errors := run_round(world, 16, people("warm", _WARM_UP)).errors:
        raise SystemExit(f"The first flows failed: {errors[0]}")


def _measure(installation: Installation, world: World, concurrency: int, addresses: Iterator[str]) -> Measured:
    before = _cpu(installation)
    result = run_round(world, concurrency, addresses)
    after = _cpu(installation)
    return Measured(result, {name: after[name] - before[name] for name in after})


def _cpu(installation: Installation) -> dict[str, float]:
    return {**meters.cpu(installation.pids()), GENERATOR: meters.own_cpu()}


def _tell_errors(measured: list[Measured]) -> int:
    errors = [error for one in measured for error in one.round.errors]
    for error in errors[:5]:
        print(error, file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
