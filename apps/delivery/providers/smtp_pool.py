"""Idle SMTP connections of this process, to be used again: a TLS handshake and a log-in cost more than the mail."""

import threading
import time
from dataclasses import dataclass

from apps.delivery.providers.smtp_conversation import Conversation
from apps.delivery.providers.smtp_server import Server

MAX_IDLE_PER_SERVER = 8
# A thousand customers with servers of their own must not use up the file descriptors of the process.
MAX_IDLE = 64
# Postfix and most others hang up on an idle client after a minute or more; well before that a connection is dropped.
MAX_IDLE_SECONDS = 30.0


@dataclass(eq=False, slots=True)
class _Idle:
    conversation: Conversation
    since: float


class Pool:
    """Last in, first out, so that in quiet times the rest can age. Threads share it; what one took is its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Idle] = []

    def take(self, server: Server) -> Conversation | None:
        """Return the most recently used connection to exactly this server. It may have died; nobody has asked yet."""
        with self._lock:
            stale = self._drop_stale()
            found = next((idle for idle in reversed(self._idle) if idle.conversation.server == server), None)
            if found:
                self._idle.remove(found)
        _leave(stale)
        return found.conversation if found else None

    def give(self, conversation: Conversation) -> None:
        """Keep a connection for the next mail, unless it is closed or there are enough of them."""
        if conversation.sock is None:
            return
        with self._lock:
            stale = self._drop_stale()
            same = sum(idle.conversation.server == conversation.server for idle in self._idle)
            keep = same < MAX_IDLE_PER_SERVER and len(self._idle) < MAX_IDLE
            (self._idle if keep else stale).append(_Idle(conversation, time.monotonic()))
        _leave(stale)

    def clear(self) -> None:
        with self._lock:
            everything, self._idle = self._idle, []
        _leave(everything)

    def _drop_stale(self) -> list[_Idle]:
        """Sweep with every use rather than with a thread of its own: a server that tires sooner hangs up itself."""
        oldest = time.monotonic() - MAX_IDLE_SECONDS
        stale = [idle for idle in self._idle if idle.since < oldest]
        self._idle = [idle for idle in self._idle if idle.since >= oldest]
        return stale


def _leave(dropped: list[_Idle]) -> None:
    for idle in dropped:
        idle.conversation.leave()
