"""Who of the operators does something, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.context import RequestContext
from apps.tenants.models import Operator


@dataclass(frozen=True, slots=True)
class Acting:
    """What a use case writes into the events of a change."""

    operator: Operator | None = None
    context: RequestContext | None = None

    def facts(self, **facts: str | int | bool) -> dict[str, str | int | bool]:
        return {**facts, **({"operator": str(self.operator.id)} if self.operator else {})}


# Commands and scripts: whoever has a shell.
SHELL = Acting()
