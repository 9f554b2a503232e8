import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.checkout import Checkout, is_alive, kill, made, wait_until


class Run:
    """`manage.py run` with its output."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.process = checkout.start("manage.py", "run", PYTHONUNBUFFERED="1")
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: self.says("Latchkey is ready") or self.process.poll() is not None, 40)
        assert self.process.poll() is None, "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def says(self, text: str) -> bool:
        return any(text in line for line in list(self.lines))

    def children(self) -> dict[str, int]:
        """Process ids by the first word that tells them apart."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found: dict[str, int] = {}
        for pid in map(int, path.read_text().split()):
            line = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            found |= {name: pid for name in ("config.preload", "worker", "beat") if name in line}
        return found

    def get(self, path: str, **headers: str) -> tuple[int, Any, Any]:
        port = (self.checkout.folder / "var/port").read_text().strip()
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return answer.status, json.load(answer), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, json.load(error), error.headers


@pytest.fixture(scope="module")
def running() -> Iterator[Run]:
    with made() as checkout:
        run = Run(checkout)
        yield run
        if run.process.poll() is None:
            run.process.send_signal(signal.SIGINT)
            run.process.wait(20)


def test_it_tells_where_it_is_and_what_to_try(running: Run) -> None:
    wait_until(lambda: running.says("curl"))
    assert running.says("APP-KEY")
    assert running.get("/healthz")[:2] == (200, {"status": "ok"})
    assert running.get("/readyz")[:2] == (200, {"status": "ok", "database": "ok", "redis": "ok"})


def test_it_refuses_to_run_twice_from_one_folder(running: Run) -> None:
    second = running.checkout.start("manage.py", "run")
    text, _ = second.communicate(timeout=30)
    assert second.returncode == 1
    assert "already running" in text


def test_a_foreign_host_is_answered_421_and_a_request_id_comes_back(running: Run) -> None:
    status, body, headers = running.get("/nowhere", **{"Host": "evil.example", "X-Request-Id": "abcdefgh-1"})
    assert (status, body["error"], headers["X-Request-Id"]) == (421, "misdirected_request", "abcdefgh-1")
    status, body, headers = running.get("/nowhere?token=abc", **{"X-Request-Id": "no good id"})
    assert (status, body["error"]) == (404, "not_found")
    assert len(headers["X-Request-Id"]) == 32
    assert headers["Cache-Control"] == "no-store"


def test_a_frozen_valkey_makes_it_degraded_and_not_slow(running: Run) -> None:
    valkey = running.checkout.pid("valkey")
    assert valkey is not None
    os.kill(valkey, signal.SIGSTOP)
    try:
        started = time.monotonic()
        status, body, _ = running.get("/readyz")
        assert time.monotonic() - started < 1
    finally:
        os.kill(valkey, signal.SIGCONT)
    assert (status, body["status"], body["redis"]) == (200, "degraded", "unavailable")


@pytest.mark.parametrize("name", ["config.preload", "worker", "beat"])
def test_a_killed_child_is_started_again(running: Run, name: str) -> None:
    before = running.children()[name]
    kill(before)
    wait_until(lambda: running.children().get(name, before) != before)
    wait_until(lambda: _answers(running))


def test_a_process_that_answers_shares_what_the_one_that_started_it_has_imported(running: Run) -> None:
    wait_until(lambda: _answers(running))
    web = running.children()["config.preload"]
    answering = int(Path(f"/proc/{web}/task/{web}/children").read_text().split()[0])
    lines = [line.split() for line in Path(f"/proc/{answering}/smaps_rollup").read_text().splitlines()[1:]]
    kilobytes = {name: int(size) for name, size, _ in lines}
    assert kilobytes["Private_Dirty:"] < kilobytes["Rss:"] / 2


def test_a_killed_process_that_answers_is_replaced(running: Run) -> None:
    web = running.children()["config.preload"]
    children = Path(f"/proc/{web}/task/{web}/children")
    before = children.read_text().split()
    kill(int(before[0]))
    wait_until(lambda: children.read_text().split() not in ([], before) and _answers(running))
    assert running.children()["config.preload"] == web


def _answers(running: Run) -> bool:
    try:
        return running.get("/healthz")[0] == 200
    except OSError:
        return False


def test_ctrl_c_stops_everything(running: Run) -> None:
    wait_until(lambda: len(running.children()) == 3)
    children = running.children().values()
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(20) == 0
    assert not any(is_alive(pid) for pid in children)


def test_nothing_outlives_a_killed_supervisor() -> None:
    with made() as checkout:
        run = Run(checkout)
        children = run.children().values()
        assert len(children) == 3
        run.process.kill()
        wait_until(lambda: not any(is_alive(pid) for pid in children))
        wait_until(lambda: not checkout.pid("postgresql"))


def test_a_process_of_its_own_keeps_the_servers_that_it_was_started_with() -> None:
    """`manage.py run worker` becomes Celery by exec, and the hold has to survive that."""
    with made() as checkout:
        worker = checkout.start("manage.py", "run", "worker")
        assert worker.stdout is not None
        for line in worker.stdout:
            if "ready." in line:
                break
        time.sleep(2)
        assert checkout.answers("valkey")
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=20)
        assert worker.returncode in (0, -signal.SIGTERM)


def test_the_port_moves_when_it_is_taken_and_stays_the_next_time() -> None:
    script = "from config import processes; print(processes.choose_port())"
    listen = (
        "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with made() as checkout:
        (checkout.folder / "var").mkdir(mode=0o755)
        other = checkout.start("-c", listen)
        assert other.stdout is not None
        taken = other.stdout.readline().strip()
        (checkout.folder / "var/port").write_text(taken)
        chosen = checkout.output("-c", script).strip()
        other.communicate("\n")
        assert chosen != taken
        assert checkout.output("-c", script).strip() == chosen
