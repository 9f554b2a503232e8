"""What Latchkey's own flow costs, as half a screen of text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from statistics import median

from bench.counts import Count
from bench.figures import Figures, Rounds, short, spread
from bench.run import Result
from bench.sides import LATCHKEY, SQL_OF_MAIL
from bench.targets import FLOW, MAIL, STEPS

_LABELS = {FLOW: "the three together", MAIL: "waiting for the mail"}
_PERCENTS = (50, 95, 99)
_SERVED = ("web", "worker", "postgresql", "valkey")


def render(figures: Figures, result: Result) -> list[str]:
    """Nothing where Latchkey was left out of the run."""
    sides = _sides(figures)
    if not sides:
        return []
    parts = (_latencies(sides, result.counts), _costs(sides))
    return [_title(sides, result), *parts[0], "", *parts[1], *_memory(result.memory, result.empty_memory)]


def _sides(figures: Figures) -> list[Rounds]:
    found = [figures.rounds(LATCHKEY, each) for each in figures.concurrencies(LATCHKEY)]
    return [rounds for rounds in found if rounds]


def _title(sides: Sequence[Rounds], result: Result) -> str:
    flows = ", ".join(f"{side.flows} at {side.concurrency}" for side in sides)
    return (
        f"{sides[0].count} rounds of flows: {flows}; medians (lowest-highest); "
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; synchronous_commit {result.synchronous_commit}"
    )


def _latencies(sides: Sequence[Rounds], counts: Mapping[str, Count]) -> list[str]:
    heads = [f"p{percent}" for _ in sides for percent in _PERCENTS]
    lines = [
        _line("", [cell for side in sides for cell in (f"at {side.concurrency}", "", "")], ["SQL", "", "redis"]),
        _line("ms", heads, ["sent", "trips", "trips"]),
    ]
    for name in (*STEPS, FLOW, MAIL):
        cells = [short(median(side.latency(name, percent))) for side in sides for percent in _PERCENTS]
        lines.append(_line(_LABELS.get(name, name), cells, counts[name].cells() if name in counts else []))
    return lines


def _costs(sides: Sequence[Rounds]) -> list[str]:
    rows = {name: (name,) for name in _SERVED} | {"together": _SERVED, "mail's SQL": (SQL_OF_MAIL,)}
    return [
        _wide("per flow", [f"at {side.concurrency}" for side in sides]),
        _wide("p50 ms", [spread(side.latency(FLOW, 50)) for side in sides]),
        _wide("flows per second", [spread(side.rate()) for side in sides]),
        _wide("errors", [str(side.errors()) for side in sides]),
        *(_wide(f"CPU ms, {label}", [spread(side.cpu(*names)) for side in sides]) for label, names in rows.items()),
        _wide("CPU ms, generator", [spread(side.generator_cpu()) for side in sides]),
    ]


def _memory(memory: Mapping[str, float], empty: Mapping[str, float]) -> list[str]:
    lines = [f"memory, MB PSS: {_parts(memory)}; together {sum(memory.values()):.0f}"]
    if empty:
        above = sum(memory[name] for name in empty) - sum(empty.values())
        lines.append(f"an empty app: {_parts(empty)}; ours above it: {above:.0f} (at most 100)")
    return lines


def _parts(memory: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f}" for name, size in memory.items())


def _line(name: str, figures: Sequence[str], counts: Sequence[str]) -> str:
    return f"{name:<21}" + "".join(f"{cell:>8}" for cell in figures) + "".join(f"{cell:>7}" for cell in counts)


def _wide(name: str, cells: Sequence[str]) -> str:
    return f"{name:<21}" + "".join(f"{cell:>26}" for cell in cells)
