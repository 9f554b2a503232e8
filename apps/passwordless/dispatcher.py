"""The worker's own clock: it looks into the outbox each second and whenever it is woken, with no broker involved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from celery import bootsteps
from django.db import connection

from apps.delivery.models import Message
from apps.delivery.providers import http, smtp
from apps.passwordless.deliver import deliver

log = structlog.get_logger()

POLL_SECONDS = 1.0
THREADS = 8


class Dispatcher:
    """Claims as many due messages as it has idle threads, so that one slow provider does not hold up the claimed."""

    def __init__(self, deliver: Callable[[Message], None]) -> None:
        self._deliver = deliver
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._idle = threading.BoundedSemaphore(THREADS)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._clock = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        self._clock.start()

    def stop(self) -> None:
        """Finish what is being sent; what was not begun falls due again for another worker."""
        self._stopped.set()
        self._woken.set()
        if self._clock.is_alive():
            self._clock.join()
        self._pool.shutdown(wait=True)
        smtp.hang_up()
        http.hang_up()

    def wake(self) -> None:
        self._woken.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(POLL_SECONDS)
            self._woken.clear()
            try:
                while not self._stopped.is_set() and self._dispatch():
                    pass
                connection.close()
            except Exception as failure:
                # Whatever it was, the clock goes on: nobody else looks into the outbox for this process.
                log.warning("outbox_unreadable", reason=type(failure).__name__)

    def _dispatch(self) -> bool:
        """Claim once and hand out. True when there may be more: every idle thread got something."""
        self._idle.acquire()
        if self._stopped.is_set():
            return False
        room = 1
        while room < THREADS and self._idle.acquire(blocking=False):
            room += 1
        claimed: list[Message] = []
        try:
            claimed = Message.objects.claim(room)
        finally:
            self._give_back(room - len(claimed))
        for message in claimed:
            self._pool.submit(self._carry, message)
        return len(claimed) == room

    def _give_back(self, threads: int) -> None:
        if threads:
            self._idle.release(threads)

    def _carry(self, message: Message) -> None:
        try:
            self._deliver(message)
        except Exception:
            # Nothing may end this thread's slot. The lease runs out and the message falls due again.
            log.exception("message_interrupted", message=str(message.id))
        finally:
            connection.close()
            self._idle.release()


# One for each worker process; it sleeps until the worker's boot step starts it.
dispatcher = Dispatcher(deliver)


class OutboxStep(bootsteps.StartStopStep):
    """Runs the dispatcher for as long as the worker lives. It waits for no broker, so neither does a message."""

    def start(self, parent: Any) -> None:
        dispatcher.start()

    def stop(self, parent: Any) -> None:
        dispatcher.stop()

    def terminate(self, parent: Any) -> None:
        dispatcher.stop()
