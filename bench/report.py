"""What Latchkey's own flow costs, as half a screen of text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from statistics import median

from bench.counts import Count
from bench.figures import Figures, Rounds, short, spread
from bench.sides import LATCHKEY
from bench.targets import FLOW, MAIL, STEPS

_LABELS = {FLOW: "the three together", MAIL: "waiting for the mail"}
_PERCENTS = (50, 95, 99)
_SERVED = ("web", "worker", "postgresql", "valkey")


def render(figures: Figures, counts: Mapping[str, Count], memory: Mapping[str, float]) -> list[str]:
    sides = _sides(figures)
    return [_title(sides), "", *_latencies(sides, counts), "", *_costs(sides), "", _memory(memory)]


def _sides(figures: Figures) -> list[Rounds]:
    found = [figures.rounds(LATCHKEY, each) for each in figures.concurrencies(LATCHKEY)]
    return [rounds for rounds in found if rounds]


def _title(sides: Sequence[Rounds]) -> str:
    flows = ", ".join(f"{side.flows} at {side.concurrency}" for side in sides)
    return (
        f"{sides[0].count} rounds, flows by concurrency: {flows}; medians of the rounds (lowest-highest); "
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )


def _latencies(sides: Sequence[Rounds], counts: Mapping[str, Count]) -> list[str]:
    heads = [f"p{percent} at {side.concurrency}" for side in sides for percent in _PERCENTS]
    lines = [_line("ms", heads, ["SQL", "trips", "redis"] if counts else [])]
    for name in (*STEPS, FLOW, MAIL):
        cells = [short(median(side.latency(name, percent))) for side in sides for percent in _PERCENTS]
        lines.append(_line(_LABELS.get(name, name), cells, counts[name].cells() if name in counts else []))
    return lines


def _costs(sides: Sequence[Rounds]) -> list[str]:
    rows = {name: (name,) for name in _SERVED} | {"together": _SERVED}
    return [
        _wide("", [f"at {side.concurrency}" for side in sides]),
        _wide("flow p50 ms", [spread(side.latency(FLOW, 50)) for side in sides]),
        _wide("flows per second", [spread(side.rate()) for side in sides]),
        _wide("errors", [str(side.errors()) for side in sides]),
        "CPU ms per flow",
        *(_wide(label, [spread(side.cpu(*names)) for side in sides]) for label, names in rows.items()),
        _wide("generator and sink", [spread(side.generator_cpu()) for side in sides]),
    ]


def _memory(memory: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name} {size:.0f}" for name, size in memory.items())
    return f"memory, MB PSS: {parts}; together {sum(memory.values()):.0f}"


def _line(name: str, figures: Sequence[str], counts: Sequence[str]) -> str:
    return f"{name:<20}" + "".join(f"{cell:>10}" for cell in figures) + "".join(f"{cell:>6}" for cell in counts)


def _wide(name: str, cells: Sequence[str]) -> str:
    return f"{name:<20}" + "".join(f"{cell:>26}" for cell in cells)
