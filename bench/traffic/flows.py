"""Many people's flows side by side, in one thread: with a thread for each, 32 of them would wait for one another."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

from bench.targets import FLOW, MAIL, Order, Round, Step, Target
from bench.traffic.connection import Connection
from bench.traffic.sinks import Boxes

_PATIENCE = 20.0
_WELL = range(200, 300)


class FlowError(Exception):
    """A step that was not answered as it should be."""


class Client:
    """One client application with one connection, which is made anew when it was lost."""

    def __init__(self, order: Order, boxes: Boxes) -> None:
        self._target = target = order.target
        self._known = order.facts
        self._boxes = boxes
        self._connection: Connection | None = None
        self._head = f"Host: {target.host}:{target.port}\r\n" + _lines(target.headers)

    async def go(self, address: str) -> tuple[dict[str, float], dict[str, Any]]:
        """The whole flow of one person: milliseconds by step, and what the answers said. Raises FlowError."""
        facts: dict[str, Any] = {"email": address, **self._known}
        first, *others = self._target.steps
        took = (
            await self._mailed(first, facts) if self._target.is_mailed else {first.name: await self.ask(first, facts)}
        )
        for step in others:
            took[step.name] = await self.ask(step, facts)
        return {FLOW: sum(took[step.name] for step in self._target.steps), **took}, facts

    async def ask(self, step: Step, facts: dict[str, Any]) -> float:
        """Milliseconds from the first byte out to the last one in; `facts` learns from the answer. Raises FlowError."""
        connection, request = await self._connected(), self._request(step, facts)
        started = time.perf_counter()
        try:
            answer = await connection.ask(request)
        except ConnectionError as error:
            raise FlowError(f"{step.name}: {error}") from error
        if answer.status not in _WELL:
            raise FlowError(f"{step.name}: {answer.status} {answer.content.decode(errors='replace')[:80]}")
        if answer.content.startswith(b"{"):
            facts.update(json.loads(answer.content))
        if step.keeps:
            facts[step.keeps] = answer.header(step.keeps)
        return (answer.at - started) * 1000

    async def _mailed(self, step: Step, facts: dict[str, Any]) -> dict[str, float]:
        box = self._boxes.open(facts["email"])
        try:
            took = await self.ask(step, facts)
            answered = time.perf_counter()
            code = await box
        finally:
            self._boxes.close(facts["email"])
        facts["code"] = code.text
        # Under load the mail can overtake the answer: then nobody waited for it.
        return {step.name: took, MAIL: max(0.0, (code.at - answered) * 1000)}

    def _request(self, step: Step, facts: dict[str, Any]) -> bytes:
        body = step.body % facts
        bearer = f"Authorization: Bearer {facts[step.bearer]}\r\n" if step.bearer else ""
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if step.method == "POST" else ""
        return f"{step.method} {step.path} HTTP/1.1\r\n{self._head}{bearer}{length}\r\n{body}".encode()

    async def _connected(self) -> Connection:
        if self._connection is None:
            loop = asyncio.get_running_loop()
            _, self._connection = await loop.create_connection(Connection, self._target.host, self._target.port)
        return self._connection

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


async def run(order: Order, boxes: Boxes) -> Round:
    """Every person once, so many at a time."""
    result = Round(order.concurrency, {name: [] for name in _names(order.target)}, [], 0.0, 0.0, {})
    people, started, spent = iter(order.people()), time.perf_counter(), time.process_time()
    await asyncio.gather(*(_serve(order, people, boxes, result) for _ in range(order.concurrency)))
    seconds, cpu = time.perf_counter() - started, (time.process_time() - spent) * 1000
    return Round(order.concurrency, result.took, result.errors, seconds, cpu, result.facts)


async def _serve(order: Order, people: Iterator[str], boxes: Boxes, result: Round) -> None:
    client = Client(order, boxes)
    for address in people:
        try:
            async with asyncio.timeout(_PATIENCE):
                took, facts = await client.go(address)
        except (FlowError, TimeoutError, OSError) as error:
            result.errors.append(str(error) or f"no answer or no mail within {_PATIENCE:.0f} s")
            client.close()
            continue
        result.facts.update(facts)
        for name, milliseconds in took.items():
            result.took[name].append(milliseconds)
    client.close()


def _names(target: Target) -> list[str]:
    return [FLOW, *(step.name for step in target.steps), *([MAIL] if target.is_mailed else [])]


def _lines(headers: Any) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())
