"""What the generator drives: one server, and the requests that make a flow on it.

Plain data, because the generator is a process of its own and is told as JSON what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

START, VERIFY, REFRESH = STEPS = ("start", "verify", "refresh")
MAIL = "mail"
FLOW = "flow"
CHECK = "check"


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `body` is a %-template over `email` and `code`, and over what the answers before it said."""

    name: str
    path: str
    body: str = ""
    method: str = "POST"
    bearer: str = ""
    """The fact that goes into the Authorization header, if one does."""
    keeps: str = ""
    """The header of the answer that becomes a fact of the same name, if one does; in lower case."""


@dataclass(frozen=True, slots=True)
class Target:
    host: str
    port: int
    steps: tuple[Step, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    is_mailed: bool = False
    """The code comes over the generator's sinks. Else it is in the answer to the first step."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Target:
        return cls(**{**told, "steps": tuple(Step(**step) for step in told["steps"])})


def get(beside: Target, path: str, bearer: str = "") -> Target:
    """A single request of the server that `beside` is on."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return Target(beside.host, beside.port, (Step(CHECK, path, method="GET"),), headers)


@dataclass(frozen=True, slots=True)
class Order:
    """So many flows of so many people at once. Labels keep the people of different rounds apart."""

    target: Target
    concurrency: int
    flows: int
    label: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What every flow knows from the start."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Order:
        return cls(**{**told, "target": Target.from_json(told["target"])})

    def people(self) -> list[str]:
        return [f"{self.label}-{number}@example.com" for number in range(self.flows)]


@dataclass(frozen=True, slots=True)
class Round:
    """What came of an order. `took` holds milliseconds, one for each flow: of each step, of FLOW and of MAIL."""

    concurrency: int
    took: dict[str, list[float]]
    errors: list[str]
    seconds: float
    cpu: float
    """Milliseconds that the generator itself needed."""
    facts: dict[str, Any]
    """What the answers of the last flow said, tokens included."""

    @property
    def flows(self) -> int:
        return len(self.took[FLOW])
