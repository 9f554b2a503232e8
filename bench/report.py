"""The figures of all rounds as one screen of text."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from bench.flow import FLOW, MAIL, STEPS, Round

GENERATOR = "generator and sink"
_SERVED = ("web", "worker", "postgresql", "valkey")


@dataclass(frozen=True, slots=True)
class Measured:
    """A round, and the CPU milliseconds that each process spent on it."""

    round: Round
    cpu: Mapping[str, float]


def render(measured: Sequence[Measured], sql: Mapping[str, float], memory: Mapping[str, float]) -> str:
    sides = [[one for one in measured if one.round.concurrency == each] for each in _concurrencies(measured)]
    return "\n".join(
        [
            _title(sides),
            "",
            *_latencies(sides, sql),
            "",
            *_throughput(sides),
            "",
            *_cpu(sides),
            "",
            _memory(memory),
        ]
    )


def _concurrencies(measured: Sequence[Measured]) -> list[int]:
    return sorted({one.round.concurrency for one in measured})


def _title(sides: Sequence[Sequence[Measured]]) -> str:
    flows = " and ".join(f"{side[0].round.flows} at concurrency {side[0].round.concurrency}" for side in sides)
    return (
        f"{len(sides[0])} rounds with {flows}; median of the rounds (lowest to highest); "
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )


def _latencies(sides: Sequence[Sequence[Measured]], sql: Mapping[str, float]) -> list[str]:
    heads = [f"{name} ms at {side[0].round.concurrency}" for side in sides for name in ("p50", "p95")]
    lines = [_line("step", *heads, "SQL")]
    for name in (*STEPS, FLOW, MAIL):
        cells = [_spread(side, _took(name, of)) for side in sides for of in (_p50, _p95)]
        lines.append(_line(_LABELS.get(name, name), *cells, f"{sql[name]:.3g}"))
    return lines


def _took(step: str, of: Callable[[list[float]], float]) -> Callable[[Measured], float]:
    return lambda one: of(one.round.took[step])


_LABELS = {FLOW: "the three together", MAIL: "waiting for the mail"}


def _throughput(sides: Sequence[Sequence[Measured]]) -> list[str]:
    rates = [_spread(side, lambda one: one.round.flows / one.round.seconds) for side in sides]
    errors = [str(sum(len(one.round.errors) for one in side)) for side in sides]
    return [_wide("", *_heads(sides)), _wide("flows per second", *rates), _wide("errors", *errors)]


def _cpu(sides: Sequence[Sequence[Measured]]) -> list[str]:
    rows = {name: (name,) for name in _SERVED} | {"together": _SERVED, GENERATOR: (GENERATOR,)}
    lines = [_wide(label, *(_spread(side, _spent(names)) for side in sides)) for label, names in rows.items()]
    return [_wide("CPU ms per flow", *_heads(sides)), *lines]


def _spent(names: Sequence[str]) -> Callable[[Measured], float]:
    return lambda one: sum(one.cpu[name] for name in names) / one.round.flows


def _memory(memory: Mapping[str, float]) -> str:
    parts = ", ".join(f"{name} {size:.0f}" for name, size in memory.items())
    return f"memory, MB PSS: {parts}; together {sum(memory.values()):.0f}"


def _heads(sides: Sequence[Sequence[Measured]]) -> list[str]:
    return [f"at {side[0].round.concurrency}" for side in sides]


def _spread(side: Sequence[Measured], figure: Callable[[Measured], float]) -> str:
    figures = [figure(one) for one in side]
    return f"{_short(median(figures))} ({_short(min(figures))}-{_short(max(figures))})"


def _short(figure: float) -> str:
    return f"{figure:.1f}" if figure < 100 else f"{figure:.0f}"


def _p50(values: list[float]) -> float:
    return median(values)


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1]


def _line(name: str, *cells: str) -> str:
    *figures, last = cells
    return f"{name:<21}" + "".join(f"{cell:>18}" for cell in figures) + f"{last:>6}"


def _wide(name: str, *cells: str) -> str:
    return f"{name:<21}" + "".join(f"{cell:>36}" for cell in cells)
