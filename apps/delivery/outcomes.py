"""What became of a claimed message, as one row of the statement that writes down many."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """`words` are the provider's, without addresses. A message whose `pause` is set falls due again after it."""

    message_id: uuid.UUID
    claim: int
    state: str
    words: str = ""
    segments: int = 0
    pause: timedelta | None = None


def parameters(outcomes: Collection[Outcome]) -> dict[str, Any]:
    """Of SETTLE: a list for each column."""
    return {
        "ids": [outcome.message_id for outcome in outcomes],
        "claims": [outcome.claim for outcome in outcomes],
        "states": [outcome.state for outcome in outcomes],
        "words": [outcome.words for outcome in outcomes],
        "segments": [outcome.segments for outcome in outcomes],
        "pauses": [outcome.pause for outcome in outcomes],
    }
