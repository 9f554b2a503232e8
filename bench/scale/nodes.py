"""A second web node and a second worker for an installation, as another machine would run them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.installation import Installation

_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Node:
    address: str
    pids: Mapping[str, int]
    """Of the first node and of this one, by name."""


@contextmanager
def second_node(installation: Installation) -> Iterator[Node]:
    first = installation.pids()
    address = f"127.0.0.1:{_free_port()}"
    with ExitStack() as stack:
        started = {name: stack.enter_context(_running(installation, name, first[name], address)) for name in _NAMES}
        _wait_for(f"http://{address}/readyz")
        pids = {name: first[name] for name in _NAMES} | {f"second {name}": pid for name, pid in started.items()}
        yield Node(address, pids)


_NAMES = ("web", "worker")


@contextmanager
def _running(installation: Installation, name: str, first: int, address: str) -> Iterator[int]:
    # What the first process was given, whatever that is, but for the port that the second listens on.
    given = Path(f"/proc/{first}/environ").read_bytes().rstrip(b"\0").split(b"\0")
    environ = dict(entry.decode().split("=", 1) for entry in given) | {"PORT": address.rpartition(":")[2]}
    command = [sys.executable, "manage.py", "run", name]
    process = subprocess.Popen(
        command,
        cwd=installation.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own.
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"No answer from {url} within {_PATIENCE:.0f} s.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
