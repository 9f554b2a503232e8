"""A mail server that hands each code to whoever waits for it. It speaks the least of SMTP that a client needs.

aiosmtpd, which the tests use, parses and checks everything and costs ten times as much CPU: on a small machine the
measured would wait for the measuring.
"""

import asyncio
import re
import threading
import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Self

_SUBJECT = re.compile(rb"^Subject: (\d{4,10}) ", re.MULTILINE)
_REPLIES = {b"EHLO": b"250 sink", b"DATA": b"354 Go on", b"QUIT": b"221 Bye"}


@dataclass(frozen=True, slots=True)
class Mail:
    code: str
    at: float
    """By time.perf_counter()."""


class Sink:
    """Listens on a free loopback port, in a thread of its own, from `with` to the end of it."""

    def __init__(self) -> None:
        self._boxes: dict[str, SimpleQueue[Mail]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sink", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(5)
        self.url = f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def open_box(self, address: str) -> SimpleQueue[Mail]:
        """Before the mail is asked for, so that none comes too early."""
        return self._boxes.setdefault(address, SimpleQueue())

    def close_box(self, address: str) -> None:
        self._boxes.pop(address, None)

    def keep(self, address: str, content: bytes) -> None:
        found, box = _SUBJECT.search(content), self._boxes.get(address)
        if found and box:
            box.put(Mail(found[1].decode(), time.perf_counter()))


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._received = bytearray()
        self._in_data = False
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._say(b"220 sink ESMTP")

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(ending := b"\r\n.\r\n" if self._in_data else b"\r\n")) >= 0:
            unit = bytes(self._received[:end])
            del self._received[: end + len(ending)]
            self._take(unit)

    def _take(self, unit: bytes) -> None:
        if self._in_data:
            self._in_data = False
            self._sink.keep(self._recipient, unit)
            return self._say(b"250 Kept")
        verb = unit[:4].upper()
        if verb == b"RCPT":
            self._recipient = unit.partition(b"<")[2].partition(b">")[0].decode()
        self._in_data = verb == b"DATA"
        return self._say(_REPLIES.get(verb, b"250 Ok"))

    def _say(self, line: bytes) -> None:
        self._transport.write(line + b"\r\n")
