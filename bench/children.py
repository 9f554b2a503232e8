"""The processes that a run starts. All are on the leash, so that a kill -9 of the bench leaves none behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

_INHERITED = ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0

Child = subprocess.Popen[bytes]


def environ(**more: str) -> dict[str, str]:
    """Nothing of the checkout that the bench was started from."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ} | more


def start(command: list[str], log: Path, *, cwd: Path, env: Mapping[str, str]) -> Child:
    """`cwd` is a checkout or a copy of one: the leash is a module of it."""
    with log.open("wb") as output:
        return subprocess.Popen(
            _leashed(command), cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )


def converse(command: list[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Child:
    """One that is talked to over its standard input and output."""
    return subprocess.Popen(_leashed(command), cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def end(*processes: Child) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        process.kill()
        process.wait()


def wait_until(is_so: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Raises SystemExit with what `otherwise` says after a minute."""
    deadline = time.monotonic() + _START_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"It did not start within {_START_SECONDS:.0f} s:\n{otherwise()}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address.
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _leashed(command: list[str]) -> list[str]:
    return [sys.executable, "-m", "config.leash", str(os.getpid()), *command]
