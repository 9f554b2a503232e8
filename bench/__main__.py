"""`make bench` or `python -m bench`: what a complete sign-in costs on the real stack. bench/README.md explains it."""

from __future__ import annotations

import argparse
import sys

from bench import comparison, report
from bench.figures import Figures
from bench.generator import Generator
from bench.installation import installed
from bench.run import Plan, Result, Run
from bench.sides import CEILING, FLOOR, LATCHKEY, PEER, PGBENCH, errors

_FLOWS = {
    LATCHKEY: {1: 60, 8: 200, 32: 400},
    FLOOR: {1: 100, 32: 600},
    PEER: {1: 60, 32: 400},
    CEILING: {32: 2000},
    PGBENCH: {8: 1600},
}
_SHORT_FLOWS = {LATCHKEY: {1: 10, 8: 16, 32: 64}, FLOOR: {1: 10, 32: 64}, CEILING: {32: 320}, PGBENCH: {8: 160}}
_ONLY = {"ours": (LATCHKEY,), "floor": (FLOOR, PGBENCH), "peer": (PEER,)}


def main() -> int:
    plan = _plan(_options())
    with Generator() as generator, installed() as installation:
        result = Run(installation, generator, plan).go()
    print("\n".join(_screen(result)))
    return _tell_errors(result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="half a minute: whether it works, not how fast it is")
    parser.add_argument("--rounds", type=int, help="of everything, one after the other; 7, or 1 with --short")
    parser.add_argument("--only", choices=[*_ONLY], nargs="+", help="leave the other sides out", default=[])
    parser.add_argument("--at", type=int, choices=[1, 8, 32], nargs="+", help="these concurrencies only")
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    flows = _SHORT_FLOWS if options.short else _FLOWS
    wanted = [name for choice in options.only for name in _ONLY[choice]] or list(flows)
    rounds = options.rounds or (1 if options.short else 7)
    kept = {name: _at(flows[name], options.at) for name in wanted if name in flows}
    checks = 0 if options.at else 16 if options.short else 400
    warm_up = 64 if options.short else 400 if PEER in kept else 192
    return Plan(rounds, kept, checks, warm_up)


def _at(flows: dict[int, int], concurrencies: list[int] | None) -> dict[int, int]:
    return {each: flows[each] for each in flows if not concurrencies or each in concurrencies}


def _screen(result: Result) -> list[str]:
    figures = Figures(result.measured)
    return [*report.render(figures, result), *comparison.render(figures), *result.missing]


def _tell_errors(result: Result) -> int:
    told = errors(result.measured)
    for error in told[:5]:
        print(error, file=sys.stderr)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
