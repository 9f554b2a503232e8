"""Latchkey beside its floor and its peer: what each needs for one flow, and the ratios that are promised of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.figures import Figures, Rounds, short, spread
from bench.run import CHECKS_AT
from bench.sides import (
    ACCESS_TOKEN,
    API_KEY,
    CEILING,
    CONNECTED,
    EMPTY,
    EMPTY_IN_DRF,
    FLOOR,
    LATCHKEY,
    PEER,
    PGBENCH,
    SQL_OF_MAIL,
)
from bench.targets import FLOW

_AT = 32
_WEB, _SERVER, _SQL = ("web",), ("web", "worker"), ("postgresql",)
_ROWS = (LATCHKEY, FLOOR, PGBENCH, PEER)
_LABELS = {
    LATCHKEY: "Latchkey, web + worker",
    FLOOR: "floor: a statement a step",
    PGBENCH: "the same by pgbench, at 8",
}

_CHECKS = {
    LATCHKEY: (ACCESS_TOKEN, API_KEY, EMPTY),
    PEER: (ACCESS_TOKEN, API_KEY),
    FLOOR: (EMPTY, EMPTY_IN_DRF, CONNECTED),
}


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours to theirs, as medians and, because rounds take turns, as the lowest and the highest of single rounds."""

    label: str
    ours: Sequence[float]
    theirs: Sequence[float]
    promise: str

    def line(self) -> str:
        middle = median(self.ours) / median(self.theirs)
        rounds = [mine / other for mine, other in zip(self.ours, self.theirs, strict=False)]
        return f"{self.label:<66}{f'{middle:.2f} ({min(rounds):.2f}-{max(rounds):.2f})':>22}   {self.promise}"


def render(figures: Figures) -> list[str]:
    """Of a run of one side nothing but its single requests."""
    rows = [line for name in _ROWS if (line := _row(figures, name))]
    ratios = [ratio.line() for ratio in (*_to_the_floor(figures), *_to_the_peer(figures))]
    head = _cells(f"CPU ms per flow at {_AT}", "server", "PostgreSQL", "flows/s", "p50 ms at 1")
    table = ["", head, *rows, *_ceiling(figures)] if len(rows) > 1 else []
    return [*table, *_singles(figures), *ratios]


def _ceiling(figures: Figures) -> list[str]:
    found = figures.rounds(CEILING, _AT)
    if found is None:
        return []
    said = f"{spread(found.rate())} flows/s, {spread(found.generator_cpu())} CPU ms per flow"
    return [f"the generator against a server that does nothing: {said}"]


def _row(figures: Figures, name: str) -> str:
    side = figures.rounds(name, CHECKS_AT if name == PGBENCH else _AT)
    alone = figures.rounds(name, 1)
    if side is None:
        return ""
    server = "" if name == PGBENCH else spread(side.cpu(*_SERVER))
    p50 = spread(alone.latency(FLOW, 50)) if alone else ""
    return _cells(_LABELS.get(name, name), server, spread(side.cpu(*_SQL)), spread(side.rate()), p50)


def _singles(figures: Figures) -> list[str]:
    """CPU of single requests, web and PostgreSQL together."""
    return [line for name, checks in _CHECKS.items() if (line := _single(figures, name, checks))]


def _single(figures: Figures, name: str, checks: Sequence[str]) -> str:
    found = [(each, figures.rounds(name, CHECKS_AT, each)) for each in checks]
    cells = [f"{each} {short(median(side.cpu(*_WEB, *_SQL)))}" for each, side in found if side]
    return f"CPU ms of one request, {name}: {', '.join(cells)}" if cells else ""


def _to_the_floor(figures: Figures) -> list[Ratio]:
    ours, theirs = figures.rounds(LATCHKEY, _AT), figures.rounds(FLOOR, _AT)
    if not ours or not theirs:
        return []
    label = "to the floor: CPU per flow, web + its PostgreSQL"
    # The floor sends no mail.
    both, mail = ours.cpu(*_WEB, *_SQL), ours.cpu(SQL_OF_MAIL)
    without_mail = [spent - of_mail for spent, of_mail in zip(both, mail, strict=True)]
    return [Ratio(label, without_mail, theirs.cpu(*_WEB, *_SQL), "at most 2.0, aim 1.5")]


def _to_the_peer(figures: Figures) -> list[Ratio]:
    ours, theirs = figures.rounds(LATCHKEY, _AT), figures.rounds(PEER, _AT)
    if not ours or not theirs:
        return []
    label = f"to {PEER}: CPU per flow, web + worker + PostgreSQL"
    return [
        Ratio(label, ours.cpu(*_SERVER, *_SQL), theirs.cpu(*_SERVER, *_SQL), "at most 0.40, aim 0.25"),
        Ratio("  flows per second", ours.rate(), theirs.rate(), "at least 1.5, aim 3"),
        *_pair(figures, "  flow p50 at 1, without the wait for the mail", FLOW, "at most 0.8, aim 0.5"),
        *_pair(figures, "  access-token check, CPU of web + PostgreSQL", ACCESS_TOKEN, "at most 0.15"),
        *_pair(figures, "  API-key check, CPU of web + PostgreSQL", API_KEY, "at most 0.3"),
    ]


def _pair(figures: Figures, label: str, what: str, promise: str) -> list[Ratio]:
    at = 1 if what == FLOW else CHECKS_AT
    ours, theirs = figures.rounds(LATCHKEY, at, what), figures.rounds(PEER, at, what)
    if not ours or not theirs:
        return []
    return [Ratio(label, _figure(ours, what), _figure(theirs, what), promise)]


def _figure(side: Rounds, what: str) -> list[float]:
    return side.latency(FLOW, 50) if what == FLOW else side.cpu(*_WEB, *_SQL)


def _cells(name: str, *cells: str) -> str:
    return f"{name:<26}" + "".join(f"{cell:>22}" for cell in cells)
