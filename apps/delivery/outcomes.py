"""What became of a claimed message, as one row of the statement that writes down many."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Outcome:
    """`words` are the provider's, without addresses. A message whose `pause` is set falls due again after it."""

    message_id: uuid.UUID
    claim: int
    state: str
    words: str = ""
    segments: int = 0
    pause: timedelta | None = None


def as_json(outcomes: Collection[Outcome]) -> str:
    """For SETTLE: a list of objects, the pause in seconds."""
    return json.dumps(
        [
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
    )
