"""`make bench` or `python -m bench`: what a complete sign-in costs on the real stack. bench/README.md explains it."""

from __future__ import annotations

import argparse
import sys

from bench import latchkey, meters, report
from bench.counts import count
from bench.figures import Figures
from bench.generator import Generator
from bench.installation import Installation, installed
from bench.sides import Measured, Meter, Side, errors
from bench.targets import Order

# Flows of a round by concurrency.
_FULL = {1: 60, 8: 200, 32: 400}
_SHORT = {1: 10, 8: 16, 32: 64}


def main() -> int:
    options = _options()
    with Generator() as generator, installed() as installation:
        side, meter = _start(installation, generator), Meter(generator)
        meter.warm_up(side, 128)
        measured = _measure(meter, side, options)
        memory = meters.memory(installation.pids())
        counts = count(installation, generator, side.flow)
    print("\n".join(report.render(Figures(measured), counts, memory)))
    return _tell_errors(measured)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a few seconds: whether it works, not how fast it is")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", choices=["ours"])
    parser.add_argument("--at", type=int, nargs="+", help="concurrencies", default=[1, 8, 32])
    return parser.parse_args()


def _start(installation: Installation, generator: Generator) -> Side:
    installation.migrate()
    installation.start()
    return latchkey.side(installation, installation.demo(*latchkey.without_limits(generator.mail_url)))


def _measure(meter: Meter, side: Side, options: argparse.Namespace) -> list[Measured]:
    plan = _SHORT if options.short else _FULL
    return [
        meter.measure(side, Order(side.flow, concurrency, plan[concurrency], f"round{number}-{concurrency}"))
        for number in range(options.rounds or (2 if options.short else 5))
        for concurrency in options.at
    ]


def _tell_errors(measured: list[Measured]) -> int:
    told = errors(measured)
    for error in told[:5]:
        print(error, file=sys.stderr)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
