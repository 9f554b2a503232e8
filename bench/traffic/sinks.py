"""Where the codes arrive: a mail server that speaks the least of SMTP that a client needs, and one for bare lines.

aiosmtpd, which the tests use, parses and checks everything and costs ten times as much CPU.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

_SUBJECT = re.compile(rb"^Subject: (\d{4,10}) ", re.MULTILINE)
_REPLIES = {b"EHLO": b"250-sink\r\n250 PIPELINING", b"DATA": b"354 Go on", b"QUIT": b"221 Bye"}


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    at: float
    """By time.perf_counter()."""


class Boxes:
    """Hands each code to whoever waits for it."""

    def __init__(self) -> None:
        self._boxes: dict[str, asyncio.Future[Code]] = {}

    def open(self, address: str) -> asyncio.Future[Code]:
        """Before the code is asked for, so that none comes too early."""
        box = self._boxes[address] = asyncio.get_running_loop().create_future()
        return box

    def close(self, address: str) -> None:
        self._boxes.pop(address, None)

    def put(self, address: str, code: str) -> None:
        box = self._boxes.get(address)
        if box and not box.done():
            box.set_result(Code(code, time.perf_counter()))


async def listen(make: Callable[[], asyncio.BaseProtocol]) -> int:
    """The free loopback port that it listens on from now on."""
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


class MailSink(asyncio.Protocol):
    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes
        self._received = b""
        self._in_data = False
        self._recipient = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._received += data
        replies = b""
        while (end := self._received.find(ending := b"\r\n.\r\n" if self._in_data else b"\r\n")) >= 0:
            unit, self._received = self._received[:end], self._received[end + len(ending) :]
            replies += self._reply(unit) + b"\r\n"
        if replies:
            self._transport.write(replies)

    def _reply(self, unit: bytes) -> bytes:
        if self._in_data:
            self._in_data = False
            self._keep(unit)
            return b"250 Kept"
        verb = unit[:4].upper()
        if verb == b"RCPT":
            self._recipient = unit.partition(b"<")[2].partition(b">")[0].decode()
        self._in_data = verb == b"DATA"
        return _REPLIES.get(verb, b"250 Ok")

    def _keep(self, content: bytes) -> None:
        if found := _SUBJECT.search(content):
            self._boxes.put(self._recipient, found[1].decode())


class LineSink(asyncio.Protocol):
    """`<address> <code>` and a line feed: how a peer that sends no mail hands its codes over at the least cost."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            address, _, code = line.decode().partition(" ")
            self._boxes.put(address, code)
