"""The figures of a run as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

_PROCESSES = ("web", "worker", "postgresql", "valkey")
Figures = Mapping[str, float]


def tables(found: Sequence[Sequence[Any]], users: int) -> str:
    """MB, and what comes to a million people."""
    lines = [f"{'MB for each million people':<28}{'rows':>12}{'table':>8}{'indexes':>9}"]
    part = users / 1_000_000
    for name, count, table, indexes, *_ in found:
        total = sum(indexes.values())
        lines.append(f"{name:<28}{count / part:>12,.0f}{table / part:>8.0f}{total / part:>9.0f}")
        lines += [f"  {index:<46}{size / part:>8.0f}" for index, size in sorted(indexes.items())]
    heaps, indexes = sum(row[2] for row in found), sum(sum(row[3].values()) for row in found)
    return "\n".join([*lines, f"{'together':<28}{'':>12}{heaps / part:>8.0f}{indexes / part:>9.0f}", ""])


def churn(found: Sequence[Sequence[Any]]) -> str:
    """Whether updates could stay on their page, and what they left behind."""
    lines = [f"{'after the rounds':<28}{'updates':>10}{'of them HOT':>13}{'dead rows':>11}"]
    lines += [f"{row[0]:<28}{row[5]:>10}{row[6]:>13}{row[4]:>11}" for row in found if row[5]]
    return "\n".join([*lines, ""])


def cost(measured: Sequence[Mapping[int, Figures]]) -> str:
    sizes = list(measured[0])
    lines = ["".join([f"{'':<24}", *(f"{f'{size:,} people':>26}" for size in sizes), f"{'ratio':>8}"])]
    rows: dict[str, Callable[[Figures], float]] = {
        **{f"CPU ms per flow, {name}": _of(name) for name in _PROCESSES},
        "  web and postgresql": lambda one: one["web"] + one["postgresql"],
        **{f"flow ms, {name}": _of(name) for name in ("p50", "p95")},
        "flows per second": _of("flows per second"),
    }
    for name, figure in rows.items():
        cells = [[figure(one[size]) for one in measured] for size in sizes]
        ratio = median(one / base for base, one in zip(*cells, strict=True))
        lines.append("".join([f"{name:<24}", *(f"{_spread(cell):>26}" for cell in cells), f"{ratio:>8.2f}"]))
    return "\n".join([*lines, ""])


def _of(name: str) -> Callable[[Figures], float]:
    return lambda one: one[name]


def plans(found: Mapping[int, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Pages touched by each statement at each size; what is odd about its plan stands behind it."""
    sizes = list(found)
    lines = ["".join(["pages, planned with and without the values", *(f"{size:>16,}" for size in sizes)])]
    large = found[sizes[-1]]
    for step, statements in large.items():
        totals = [sum(one["pages"] for one in found[size][step]) for size in sizes]
        lines.append("".join([f"{step:<42}", *(f"{total:>16}" for total in totals)]))
        for number, one in enumerate(statements):
            cells = [_pages(found[size][step], number) for size in sizes]
            lines.append("".join([f"  {one['statement'][:39]:<40}", *(f"{cell:>16}" for cell in cells), _odd(one)]))
    return "\n".join([*lines, ""])


def _pages(statements: Sequence[Mapping[str, Any]], number: int) -> str:
    if number >= len(statements):
        return "-"
    return f"{statements[number]['pages']} / {statements[number]['generic pages']}"


def _odd(one: Mapping[str, Any]) -> str:
    return f"  reads all of {', '.join(one['scanned'])}" if one["scanned"] else ""


def purges(found: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for what, one in found.items():
        lines.append(
            f"purge of {one['removed']:,} {what}: {one['seconds']:.0f} s, {one['statements']} statements, "
            f"the longest {one['longest ms']:.0f} ms"
        )
        for when in ("before", "during"):
            flows = one[when]
            lines.append(
                f"  flows {when:<7} p50 {flows['p50']:6.1f}  p95 {flows['p95']:6.1f}  worst {flows['worst']:7.1f} ms"
                f"  {flows['flows per second']:5.1f} per second"
            )
    return "\n".join(lines)


def nodes(found: Figures) -> str:
    names = ("web", "second web", "worker", "second worker")
    spent = ", ".join(f"{name} {found[name] / 1000:.1f} s" for name in names)
    return (
        f"two web nodes and two workers: {found['flows per second']:.1f} flows per second, p50 {found['p50']:.0f} ms, "
        f"p95 {found['p95']:.0f} ms, no errors; CPU: {spent}"
    )


def soak(samples: Sequence[Figures]) -> str:
    """MB PSS at the start and at the end, and the slope of a straight line through all minutes but the first five."""
    settled = samples[min(5, len(samples) // 3) :]
    lines = [f"{len(samples) - 1} minutes, {samples[-1]['flows']:,.0f} flows; MB PSS by minute"]
    for name in ("web", "worker", "beat", "postgresql", "valkey"):
        values = [sample[name] for sample in settled]
        lines.append(
            f"{name:<12} first {samples[0][name]:6.1f}  settled {values[0]:6.1f}  last {values[-1]:6.1f}"
            f"  slope {_slope(values) * 60:+7.2f} MB an hour"
        )
        lines.append("  " + " ".join(f"{sample[name]:.0f}" for sample in samples))
    return "\n".join(lines)


def _slope(values: Sequence[float]) -> float:
    """By least squares, for one step."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    spread = sum((x - middle) ** 2 for x in range(len(values)))
    return sum((x - middle) * (value - mean) for x, value in enumerate(values)) / spread if spread else 0.0


def _spread(figures: Sequence[float]) -> str:
    return f"{median(figures):.2f} ({min(figures):.2f}-{max(figures):.2f})"
