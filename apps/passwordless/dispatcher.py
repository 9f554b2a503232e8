"""The worker's own clock: it looks into the outbox each second and whenever it is woken, with no broker involved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import redis
import structlog
from celery import bootsteps
from django.db import connection

from apps.delivery import hint
from apps.delivery.models import Message
from apps.delivery.outcomes import Outcome
from apps.delivery.providers import http, smtp
from apps.passwordless.claims import Claimed, claim
from apps.passwordless.deliver import carry
from apps.passwordless.line import Line

log = structlog.get_logger()

POLL_SECONDS = 1.0
# Most of them never run where providers answer at once.
THREADS = 16
MOST_OF_ONE_ENVIRONMENT = THREADS // 2
# Each look, each settling and each thread that wakes costs as much for many messages as for one. So the clock rests
# after a claim, the longer the more it found, and finds the more the next time. Where mails are few it finds one and
# rests too shortly to keep the next one waiting.
REST_SECONDS_EACH = 0.004
LONGEST_REST_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class _Done:
    """A thread is idle again. Without an outcome the lease runs out and the message falls due once more."""

    outcome: Outcome | None


class Dispatcher:
    """Claims as many due messages as it has idle threads, so that one slow provider does not hold up the claimed, nor
    that of one environment the others (`Line`).

    One thread, the clock, does all the SQL on one connection; the others compose and wait for providers. What they
    bring back while the clock works or rests is settled together, so a mail is between its provider's yes and our
    commit for little longer than a rest. A thread counts as busy until then: a kill -9 can double no more mails than
    there are threads.

    One thread begins with what was claimed, because a provider that answers at once has had it all from that one before
    another thread is awake. For what is left after the rest there is a thread each.
    """

    def __init__(self, carry: Callable[[Claimed], Outcome | None]) -> None:
        self._carry = carry
        self._inbox: SimpleQueue[_Done | None] = SimpleQueue()  # None: look.
        self._line = Line(MOST_OF_ONE_ENVIRONMENT)
        self._worked_off = threading.Event()
        self._looked = threading.Event()
        self._stopped = threading.Event()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._clock = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._listener = threading.Thread(target=self._listen, name="hints", daemon=True)
        # Only the clock touches what follows.
        self._busy = 0
        self._unsettled: list[Outcome] = []
        self._next_look = 0.0
        self._last_claim = 0

    def start(self) -> None:
        self._clock.start()
        self._listener.start()

    def stop(self) -> None:
        """Finish what is being sent; what was not begun is given back."""
        self._stopped.set()
        self.wake()
        if self._clock.is_alive():
            self._clock.join()
            # It waits a second for a hint. On a broker that is frozen just now it is left behind.
            self._listener.join(2 * POLL_SECONDS)
        self._pool.shutdown(wait=True)
        smtp.hang_up()
        http.hang_up()

    def wake(self) -> None:
        self._inbox.put(None)

    def _run(self) -> None:
        while not self._stopped.is_set() or self._busy:
            self._rest()
            self._read_inbox()
            if self._stopped.is_set():
                self._give_back()
            self._work()
        self._work()
        connection.close()

    def _give_back(self) -> None:
        """What no thread has begun is due at once, for another worker."""
        left = self._line.leave()
        self._busy -= len(left)
        self._unsettled += [each.message.given_back() for each in left]

    def _work(self) -> None:
        try:
            if self._room and not self._stopped.is_set() and time.monotonic() >= self._next_look:
                self._look()
            elif self._unsettled:
                Message.objects.settle(self._unsettled)
                self._unsettled = []
        except Exception as failure:
            # Whatever it was, the clock goes on: nobody else looks into the outbox for this process. The connection
            # may be dead. What could not be settled is tried again with the next look.
            connection.close()
            log.warning("outbox_unreadable", reason=type(failure).__name__)
            self._next_look = time.monotonic() + POLL_SECONDS

    def _read_inbox(self) -> None:
        """Wait for something to do, then take all that has come in."""
        can_look = self._room and not self._stopped.is_set()
        wait = max(self._next_look - time.monotonic(), 0) if can_look else POLL_SECONDS
        try:
            self._note(self._inbox.get(timeout=wait))
            while True:
                self._note(self._inbox.get_nowait())
        except Empty:
            pass

    def _rest(self) -> None:
        """After a claim; after a full one, which says that there may be more, only until it is worked off."""
        if not self._last_claim:
            return
        if self._next_look:
            time.sleep(min(self._last_claim * REST_SECONDS_EACH, LONGEST_REST_SECONDS))
        else:
            self._worked_off.wait(LONGEST_REST_SECONDS)
        self._last_claim = 0
        self._add_threads(self._line.ready())

    def _note(self, news: _Done | None) -> None:
        if news is None:
            self._next_look = 0.0
            return
        self._busy -= 1
        if news.outcome:
            self._unsettled.append(news.outcome)

    @property
    def _room(self) -> int:
        return THREADS - self._busy + self._line.held()

    def _look(self) -> None:
        """Settle and claim at once, and hand out. A full claim says that there may be more."""
        room = self._room
        claimed = claim(room, self._unsettled, self._line.full())
        self._unsettled = []
        self._next_look = time.monotonic() + POLL_SECONDS if len(claimed) < room else 0.0
        self._last_claim = len(claimed)
        self._hand_out(claimed)
        self._looked.set()

    def _hand_out(self, claimed: Sequence[Claimed]) -> None:
        self._busy += len(claimed)
        self._worked_off.clear()
        self._line.join(claimed)
        if claimed:
            self._add_threads(1)

    def _add_threads(self, count: int) -> None:
        """A machine that gives no more threads leaves what waits to those there are, and the clock goes on."""
        try:
            for _ in range(count):
                self._pool.submit(self._work_off)
        except RuntimeError as failure:
            log.warning("no_thread_to_deliver", reason=str(failure))

    def _work_off(self) -> None:
        """Carry what waits until nothing may be taken."""
        while claimed := self._line.take():
            self._send(claimed)
        self._worked_off.set()

    def _send(self, claimed: Claimed) -> None:
        outcome = None
        try:
            outcome = self._carry(claimed)
        except Exception:
            # Nothing may end this thread's slot.
            log.exception("message_interrupted", message=str(claimed.message.id))
        finally:
            try:
                connection.close()
            finally:
                self._line.done(claimed)
                self._inbox.put(_Done(outcome))

    def _listen(self) -> None:
        """Take a hint only when the last one was heeded: those of a busy worker are left to the others."""
        client = hint.listener()
        while not self._stopped.is_set():
            try:
                if hint.take(client):
                    self._looked.clear()
                    self.wake()
                    self._looked.wait(POLL_SECONDS)
            except redis.RedisError:
                self._stopped.wait(POLL_SECONDS)


# One for each worker process; it sleeps until the worker's boot step starts it.
dispatcher = Dispatcher(carry)


class OutboxStep(bootsteps.StartStopStep):
    """Runs the dispatcher for as long as the worker lives. It waits for no broker, so neither does a message."""

    def start(self, parent: Any) -> None:
        dispatcher.start()

    def stop(self, parent: Any) -> None:
        dispatcher.stop()

    def terminate(self, parent: Any) -> None:
        dispatcher.stop()
