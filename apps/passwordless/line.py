"""Claimed messages in the order that threads take them, without letting one environment have all the threads."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from threading import Lock

from apps.passwordless.claims import Claimed


class Line:
    """What waits for a thread. Of one environment at most `most` are in hand at a time: a mail server that takes half a
    minute for each mail holds up those who chose it, and nobody else. The others of its messages wait here, and count
    neither as work for an idle thread nor against the next claim."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._waiting: list[Claimed] = []
        self._in_hand: Counter[uuid.UUID] = Counter()

    def join(self, claimed: Iterable[Claimed]) -> None:
        with self._lock:
            self._waiting += claimed

    def take(self) -> Claimed | None:
        """The next one, which is in hand until it is `done`; None when none may be taken now."""
        with self._lock:
            for place, each in enumerate(self._waiting):
                if self._in_hand[each.environment.id] < self._most:
                    self._in_hand[each.environment.id] += 1
                    return self._waiting.pop(place)
        return None

    def done(self, claimed: Claimed) -> None:
        with self._lock:
            self._in_hand[claimed.environment.id] -= 1
            if not self._in_hand[claimed.environment.id]:
                del self._in_hand[claimed.environment.id]

    def ready(self) -> int:
        """How many could be taken at once."""
        with self._lock:
            return self._ready()

    def held(self) -> int:
        """How many wait for others of their own environment."""
        with self._lock:
            return len(self._waiting) - self._ready()

    def _ready(self) -> int:
        waiting = Counter(each.environment.id for each in self._waiting)
        return sum(min(count, self._most - self._in_hand[name]) for name, count in waiting.items())

    def full(self) -> list[uuid.UUID]:
        """Environments that nothing more should be claimed of."""
        with self._lock:
            here = self._in_hand + Counter(each.environment.id for each in self._waiting)
            return [name for name, count in here.items() if count >= self._most]

    def leave(self) -> list[Claimed]:
        """What was waiting; nothing does any more."""
        with self._lock:
            left, self._waiting = self._waiting, []
            return left
