"""People signing up, verifying and refreshing over HTTP, many side by side, with a mail server that hands on codes.

It measures one installation at two sizes, so nothing in it has to be fast, only the same for both.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from queue import Empty, SimpleQueue
from typing import Any, Self
from urllib.parse import urlsplit

_SUBJECT = re.compile(rb"^Subject: (\d{4,10}) ", re.MULTILINE)
_REPLIES = {b"EHLO": b"250 sink", b"DATA": b"354 Go on", b"QUIT": b"221 Bye"}
_MAIL_SECONDS = 20.0


class Mailboxes:
    """An SMTP server on a free loopback port, from `with` to the end of it."""

    def __init__(self) -> None:
        self._codes: dict[str, SimpleQueue[str]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mailboxes", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(lambda: _Connection(self._keep), "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        self.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def open(self, address: str) -> None:
        """Before the mail is asked for, so that none comes too early."""
        self._codes[address] = SimpleQueue()

    def take(self, address: str) -> str:
        """The code that came for `address`. Raises queue.Empty."""
        try:
            return self._codes[address].get(timeout=_MAIL_SECONDS)
        finally:
            del self._codes[address]

    def _keep(self, address: str, content: bytes) -> None:
        found, codes = _SUBJECT.search(content), self._codes.get(address)
        if found and codes:
            codes.put(found[1].decode())


class _Connection(asyncio.Protocol):
    """The least of SMTP that a client needs."""

    def __init__(self, keep: Callable[[str, bytes], None]) -> None:
        self._keep = keep
        self._received = bytearray()
        self._is_in_data = False
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._say(b"220 sink ESMTP")

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(ending := b"\r\n.\r\n" if self._is_in_data else b"\r\n")) >= 0:
            unit = bytes(self._received[:end])
            del self._received[: end + len(ending)]
            self._take(unit)

    def _take(self, unit: bytes) -> None:
        if self._is_in_data:
            self._is_in_data = False
            self._keep(self._recipient, unit)
            return self._say(b"250 Kept")
        verb = unit[:4].upper()
        if verb == b"RCPT":
            self._recipient = unit.partition(b"<")[2].partition(b">")[0].decode()
        self._is_in_data = verb == b"DATA"
        return self._say(_REPLIES.get(verb, b"250 Ok"))

    def _say(self, line: bytes) -> None:
        self._transport.write(line + b"\r\n")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the flows go: what `manage.py demo --json` told of its first environment."""

    base_url: str
    app_key: str
    mail: Mailboxes
    others: tuple[str, ...] = ()
    """More nodes, as host and port. Each step of a flow goes to another one than the step before."""


@dataclass(slots=True)
class Round:
    """Milliseconds of each flow, its three requests together, without the wait for the mail; and when it ended."""

    took: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Crowd:
    """New people, `concurrency` at a time, as many or as long as it is told."""

    def __init__(self, place: Place, concurrency: int) -> None:
        self._place = place
        self._concurrency = concurrency
        self._numbers = count()
        self._label = f"{time.time_ns():x}"

    def go(self, flows: int) -> Round:
        return self._go(iter(range(flows)))

    def keep_going(self, is_over: Callable[[], bool]) -> Round:
        return self._go(iter(is_over, True))

    def _go(self, turns: Iterator[object]) -> Round:
        result, lock = Round(), threading.Lock()
        threads = [threading.Thread(target=self._work, args=(turns, result, lock)) for _ in range(self._concurrency)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        result.seconds = time.perf_counter() - started
        return result

    def _work(self, turns: Iterator[object], result: Round, lock: threading.Lock) -> None:
        client = _Client(self._place)
        while self._has_turn(turns, lock):
            try:
                took = client.flow(f"{self._label}-{next(self._numbers)}@example.com")
            except (OSError, http.client.HTTPException, Empty, ValueError) as error:
                with lock:
                    result.errors.append(f"{type(error).__name__}: {error}")
                client = _Client(self._place)
                continue
            with lock:
                result.took.append(took)

    @staticmethod
    def _has_turn(turns: Iterator[object], lock: threading.Lock) -> bool:
        with lock:
            return next(turns, turns) is not turns


class _Client:
    def __init__(self, place: Place) -> None:
        url = urlsplit(place.base_url)
        self._mail, self._root = place.mail, url.path
        self._headers = {"APP-KEY": place.app_key, "Content-Type": "application/json"}
        nodes = (url.netloc, *place.others)
        self._connections = cycle(http.client.HTTPConnection(node, timeout=_MAIL_SECONDS) for node in nodes)

    def flow(self, address: str) -> float:
        self._mail.open(address)
        _, asked = self._post("email-otp-signup", {"email": address})
        code = self._mail.take(address)
        tokens, verified = self._post("email-otp-verify", {"email": address, "otp_code": code})
        _, refreshed = self._post("token/refresh", {"refresh_token": tokens["refresh_token"]})
        return asked + verified + refreshed

    def _post(self, path: str, body: dict[str, str]) -> tuple[dict[str, Any], float]:
        """The answer and its milliseconds. Raises ValueError for one that is not as it should be."""
        started = time.perf_counter()
        connection = next(self._connections)
        connection.request("POST", f"{self._root}/{path}", json.dumps(body).encode(), self._headers)
        response = connection.getresponse()
        content = response.read()
        took = (time.perf_counter() - started) * 1000
        if response.status not in (200, 201):
            raise ValueError(f"{path}: {response.status}")
        return json.loads(content), took
