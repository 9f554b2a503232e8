"""What the concurrency rules of the design stand on. A setting that undermines them stops the start."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def transactions_are_ours(**_options: Any) -> list[CheckMessage]:
    """A refusal is raised after COMMIT, and guarded statements see what others committed: both would silently break."""
    database = settings.DATABASES["default"]
    problems: list[CheckMessage] = []
    if database.get("ATOMIC_REQUESTS"):
        problems.append(Error("ATOMIC_REQUESTS would undo the counting of wrong codes.", id="latchkey.E001"))
    if "isolation_level" in database.get("OPTIONS", {}):
        problems.append(Error("The isolation level must stay READ COMMITTED.", id="latchkey.E002"))
    return problems
