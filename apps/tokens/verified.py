"""What access tokens say that this process has verified: one that comes again is not verified again for a minute."""

from __future__ import annotations

import time
import uuid
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from apps.core.errors import InvalidToken
from apps.tenants.models import Environment
from apps.tokens.keyring import KeyRing, ring
from apps.tokens.signing_keys import Profile

# Some two megabytes. They leave in the order they came, because none outlives its ring, which is read each minute.
MOST_REMEMBERED = 2048


@dataclass(frozen=True, slots=True)
class Claims:
    """Of a token that is genuine and in time. Whether its session still lives is not in it."""

    subject: uuid.UUID
    """The user; for a token of a client's own, the client."""
    issuer: str
    audience: list[str]
    session_id: uuid.UUID | None
    client_id: uuid.UUID
    scope: str
    token_id: str
    issued_at: int
    expires_at: int


class Verified:
    """By the token's digest, so that no token can be read out of memory here.

    The same bytes say the same under the same key for ever. What can change is the clock, which is looked at each time,
    and the ring: its keys, the environment and the profile. An entry therefore holds for the very ring that verified
    the token, and only where that is the ring the route asks for; a ring read anew has verified nothing yet, so a key
    that was retired or stolen is noticed no later than without. Whether session, person and client live is no part of
    it and asked in PostgreSQL each time.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[weakref.ref[KeyRing], Claims]] = OrderedDict()
        self._lock = Lock()

    def recall(self, environment: Environment, profile: Profile, digest: bytes) -> Claims | None:
        """None for a token that has to be verified. Raises InvalidToken when it ran out since it was."""
        known = self._known.get(digest)
        if known is None or known[0]() is not ring(environment, profile):
            return None
        if known[1].expires_at <= time.time():
            raise InvalidToken
        return known[1]

    def remember(self, keys: KeyRing, digest: bytes, claims: Claims) -> None:
        with self._lock:
            self._known.pop(digest, None)
            self._known[digest] = weakref.ref(keys), claims
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)


verified = Verified()
