"""What became of a claimed message, as one row of the statement that writes down many."""

from __future__ import annotations

import uuid
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
