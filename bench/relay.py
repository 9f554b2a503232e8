"""Stands between a process and its server, and counts what is said.

A round trip is a time that the client waits: a turn from listening to speaking. So several statements that are sent in
one go (a pipeline) are one, whatever the protocol calls them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

_CHUNK = 65536
_STARTUP_HEAD = 4
_HEAD = 5
# A simple query and an Execute of the extended protocol, where Parse, Bind and Sync go with it (PostgreSQL 18, 54.7).
_STATEMENTS = b"QE"


class Tally:
    """What went through one relay so far, over all its connections."""

    def __init__(self) -> None:
        self.statements = 0
        self.round_trips = 0


class Conversation:
    """One connection. `is_sql`: whether it is PostgreSQL's, in which statements can be told apart."""

    def __init__(self, tally: Tally, *, is_sql: bool) -> None:
        self._tally = tally
        self._is_sql = is_sql
        self._is_speaking = False
        self._is_started = False
        self._unread = b""

    def ask(self, data: bytes) -> None:
        if not self._is_speaking:
            self._tally.round_trips += 1
        self._is_speaking = True
        if self._is_sql:
            self._read(data)

    def answer(self, _data: bytes) -> None:
        self._is_speaking = False

    def _read(self, data: bytes) -> None:
        """The length of a message counts itself, but not the letter before it, which the very first one lacks."""
        self._unread += data
        while len(self._unread) >= _HEAD:
            letter = self._unread[:1] if self._is_started else b""
            length = int.from_bytes(self._unread[len(letter) : len(letter) + _STARTUP_HEAD]) + len(letter)
            if len(self._unread) < length:
                return
            self._tally.statements += bool(letter) and letter in _STATEMENTS
            self._unread, self._is_started = self._unread[length:], True


class Relays:
    """Listen on Unix sockets, in a thread of their own, from `with` to the end of it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relays", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def listen(self, here: Path, there: Path, *, is_sql: bool) -> Tally:
        """Whoever connects to `here` speaks with `there`."""
        tally = Tally()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _relay(reader, writer, there, Conversation(tally, is_sql=is_sql))

        asyncio.run_coroutine_threadsafe(asyncio.start_unix_server(serve, here), self._loop).result(5)
        return tally


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, there: Path, conversation: Conversation
) -> None:
    answers, questions = await asyncio.open_unix_connection(there)
    asking = asyncio.ensure_future(_pump(reader, questions, conversation.ask))
    await _pump(answers, writer, conversation.answer)
    await asking


async def _pump(source: asyncio.StreamReader, drain: asyncio.StreamWriter, note: Callable[[bytes], None]) -> None:
    with suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            note(data)
            drain.write(data)
    drain.close()
