"""One person's way through sign-up, verify and refresh, and many of them side by side."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty
from typing import Any
from urllib.parse import urlsplit

from bench.sink import Sink

STEPS = ("sign-up", "verify", "refresh")
MAIL = "mail"
FLOW = "flow"
_MAIL_SECONDS = 15.0


class FlowError(Exception):
    """A step that was not answered as it should be."""


@dataclass(frozen=True, slots=True)
class World:
    """What `manage.py demo --json` told, and where the mail arrives."""

    base_url: str
    app_key: str
    sink: Sink


@dataclass(slots=True)
class Round:
    """What came of a number of flows. `took` holds milliseconds, one for each flow."""

    concurrency: int
    took: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*STEPS, FLOW, MAIL)})
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def flows(self) -> int:
        return len(self.took[FLOW])


class Client:
    """One keep-alive connection of one client application."""

    def __init__(self, world: World) -> None:
        address = urlsplit(world.base_url)
        self._sink = world.sink
        self._root = address.path
        self._headers = {"APP-KEY": world.app_key, "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(address.netloc, timeout=_MAIL_SECONDS)

    def go(self, address: str) -> dict[str, float]:
        """The whole flow of one person; milliseconds by step, FLOW being the steps together. Raises FlowError."""
        took, code = self._receive_code(address)
        verified, took["verify"] = self.post("email-otp-verify", {"email": address, "otp_code": code})
        _, took["refresh"] = self.post("token/refresh", {"refresh_token": verified["refresh_token"]})
        return {**took, FLOW: sum(took[step] for step in STEPS)}

    def post(self, path: str, body: dict[str, str]) -> tuple[dict[str, Any], float]:
        started = time.perf_counter()
        try:
            self._connection.request("POST", f"{self._root}/{path}", json.dumps(body).encode(), self._headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise FlowError(f"{path}: {type(error).__name__}") from error
        took = (time.perf_counter() - started) * 1000
        if response.status not in (200, 201):
            raise FlowError(f"{path}: {response.status} {content.decode(errors='replace')[:80]}")
        return json.loads(content), took

    def close(self) -> None:
        self._connection.close()

    def _receive_code(self, address: str) -> tuple[dict[str, float], str]:
        box = self._sink.open_box(address)
        try:
            _, took = self.post("email-otp-signup", {"email": address})
            answered = time.perf_counter()
            mail = box.get(timeout=_MAIL_SECONDS)
        except Empty:
            raise FlowError(f"{MAIL}: none within {_MAIL_SECONDS:.0f} s") from None
        finally:
            self._sink.close_box(address)
        # Under load the mail can overtake the answer: then nobody waited for it.
        return {"sign-up": took, MAIL: max(0.0, (mail.at - answered) * 1000)}, mail.code


def people(label: str, count: int) -> Iterator[str]:
    return (f"{label}-{number}@example.com" for number in range(count))


def run_round(world: World, concurrency: int, addresses: Iterator[str]) -> Round:
    """Every address once, `concurrency` at a time."""
    result, lock = Round(concurrency), threading.Lock()
    threads = [threading.Thread(target=_work, args=(world, addresses, result, lock)) for _ in range(concurrency)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.seconds = time.perf_counter() - started
    return result


def _work(world: World, addresses: Iterator[str], result: Round, lock: threading.Lock) -> None:
    client = Client(world)
    while address := _next(addresses, lock):
        try:
            took = client.go(address)
        except FlowError as error:
            with lock:
                result.errors.append(str(error))
            continue
        with lock:
            for name, milliseconds in took.items():
                result.took[name].append(milliseconds)
    client.close()


def _next(addresses: Iterator[str], lock: threading.Lock) -> str | None:
    with lock:
        return next(addresses, None)
