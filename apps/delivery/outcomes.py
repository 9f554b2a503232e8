"""What became of a claimed message, as one row of the statement that writes down many."""

from __future__ import annotations

import json
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
    """Of SETTLE: a list of objects as JSON, the pause in seconds, and their ids."""
    rows = [
        {
            "id": str(outcome.message_id),
            "claim": outcome.claim,
            "state": outcome.state,
            "words": outcome.words,
            "segments": outcome.segments,
            "pause": outcome.pause.total_seconds() if outcome.pause else None,
        }
        for outcome in outcomes
    ]
    return {"outcomes": json.dumps(rows), "ids": [outcome.message_id for outcome in outcomes]}
