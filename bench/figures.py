"""Medians of rounds, and how far the rounds lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

from bench.sides import Measured
from bench.targets import FLOW


class Rounds:
    """The rounds of one thing at one concurrency. Each figure is a list with one value for each round."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._measured = measured

    @property
    def concurrency(self) -> int:
        return self._measured[0].round.concurrency

    @property
    def flows(self) -> int:
        return max(one.round.flows for one in self._measured)

    @property
    def count(self) -> int:
        return len(self._measured)

    @property
    def processes(self) -> list[str]:
        return list(self._measured[0].cpu)

    def latency(self, step: str, percent: int) -> list[float]:
        """Milliseconds: the percentile of each round."""
        return [_percentile(one.round.took[step], percent) for one in self._measured]

    def rate(self) -> list[float]:
        """Flows per second, the wait for the mail included."""
        return [one.round.flows / one.round.seconds for one in self._measured]

    def cpu(self, *processes: str) -> list[float]:
        """Milliseconds per flow of these processes together."""
        return [sum(one.cpu.get(name, 0.0) for name in processes) / one.round.flows for one in self._measured]

    def generator_cpu(self) -> list[float]:
        return [one.round.cpu / one.round.flows for one in self._measured]

    def errors(self) -> int:
        return sum(len(one.round.errors) for one in self._measured)


class Figures:
    """All rounds of a run, by what was measured."""

    def __init__(self, measured: Sequence[Measured]) -> None:
        self._measured = measured

    def concurrencies(self, side: str) -> list[int]:
        return sorted({one.round.concurrency for one in self._measured if (one.side, one.what) == (side, FLOW)})

    def rounds(self, side: str, concurrency: int, what: str = FLOW) -> Rounds | None:
        """None where there were none, or none with at least two flows: of less there is no percentile."""
        found = [one for one in self._measured if (one.side, one.what) == (side, what)]
        found = [one for one in found if one.round.concurrency == concurrency and one.round.flows > 1]
        return Rounds(found) if found else None


def spread(values: Sequence[float]) -> str:
    return f"{short(median(values))} ({short(min(values))}-{short(max(values))})"


def short(figure: float) -> str:
    if figure >= 100:
        return f"{figure:.0f}"
    return f"{figure:.1f}" if figure >= 1 else f"{figure:.2f}"


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]
