"""As little of an HTTP/1.1 client as can be: on a small machine the measured wait for the measuring."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    head: bytes
    content: bytes
    at: float
    """When its last byte came, by time.perf_counter()."""

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    def header(self, name: str) -> str:
        """Empty when there is none. `name` in lower case."""
        at = self.head.lower().find(f"\r\n{name}: ".encode())
        return self.head[at + 2 :].partition(b": ")[2].partition(b"\r\n")[0].decode() if at >= 0 else ""


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(self, request: bytes) -> Answer:
        """Raises ConnectionError."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionError("it is closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        content = _content(head.lower(), rest) if found else None
        if content is None or self._waiting is None or self._waiting.done():
            return
        self._received = b""
        self._waiting.set_result(Answer(head, content, time.perf_counter()))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(ConnectionError("it was closed"))

    def close(self) -> None:
        if self._transport:
            self._transport.close()


def _content(head: bytes, rest: bytes) -> bytes | None:
    """The body that belongs to a head in lower case; None while some of it is still to come."""
    if b"transfer-encoding: chunked" in head:
        return _chunks(rest) if rest.endswith(b"0\r\n\r\n") else None
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    return rest if len(rest) >= length else None


def _chunks(rest: bytes) -> bytes:
    content = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        content, rest = content + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return content
