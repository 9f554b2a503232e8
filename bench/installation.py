"""A whole Latchkey for the length of one run: a copy of the checkout with PostgreSQL, Valkey and a port of its own.

A copy because the servers follow from the checkout's path. In the developer's own PostgreSQL the CPU of two databases
could not be told apart, and in the developer's Valkey a worker of `make run` would take half of the hints.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from config import processes, stack_places
from config.stack_places import BASE_DIR, VAR

_PARTS = ("config", "apps", "templates", "static", "locale", "manage.py")
_INHERITED = ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
_PLACES = "from config import stack_places as at; print(at.home(), at.sockets(), sep='\\n')"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0


class Installation:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        self.address = f"127.0.0.1:{_free_port()}"

    def manage(self, *arguments: str) -> str:
        """What the command says. Raises CalledProcessError."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self._environ(), check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def start(self) -> None:
        """Web, worker and beat, each as `manage.py run` starts it in a container. Returns when sign-in is possible."""
        self.manage("manage.py", "migrate", "--verbosity=0")
        for name in processes.NAMES:
            self.children[name] = self._start(name)
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise SystemExit(f"It did not start within {_START_SECONDS:.0f} s:\n{self.log('web')}")
            time.sleep(0.1)

    def demo(self, *options: str) -> dict[str, Any]:
        """The first environment of the demo tenant."""
        facts: dict[str, Any] = json.loads(self.manage("manage.py", "demo", "--json", *options))
        environment: dict[str, Any] = facts["projects"][0]["environments"][0]
        return environment

    def pids(self) -> dict[str, int]:
        """Of what serves people: the keepers of the two servers are not there in production."""
        return {
            **{name: child.pid for name, child in self.children.items()},
            "postgresql": _first_number(self._home / "postgresql/postmaster.pid"),
            "valkey": _first_number(self._home / "valkey/valkey.pid"),
        }

    def log(self, name: str) -> str:
        """Of web, worker, beat, or postgresql."""
        return (self.folder / "var/log" / f"{name}.log").read_text(errors="replace")

    def superuser(self) -> psycopg.Connection[Any]:
        host = str(self._places[1])
        return psycopg.connect(host=host, port=5432, dbname="postgres", user="postgres", autocommit=True)

    def stop(self) -> None:
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(_STOP_SECONDS)
            child.kill()
            child.wait()
        # The keepers stop the servers a moment after their last user has gone.
        deadline = time.monotonic() + _STOP_SECONDS
        while any((self._home / name).exists() for name in ("postgresql/postmaster.pid", "valkey/valkey.pid")):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):  # A copy that was never finished has no places.
            for place in self._places:
                shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @cached_property
    def _places(self) -> list[Path]:
        return [Path(line) for line in self.manage("-c", _PLACES).splitlines()]

    @property
    def _home(self) -> Path:
        return self._places[0]

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        # On the leash, so that a kill -9 of this process leaves no server behind.
        leash = [sys.executable, "-m", "config.leash", str(os.getpid())]
        with (self.folder / "var/log" / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*leash, sys.executable, "manage.py", "run", name],
                cwd=self.folder,
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _environ(self) -> dict[str, str]:
        """Production's settings, and nothing of the checkout that the bench was started from."""
        return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {
            "PORT": self.address.rpartition(":")[2],
            "PUBLIC_URL": f"http://{self.address}",
            "WEB_WORKERS": "2",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "WARNING",
            "PRIVATE_PROVIDERS_ALLOWED": "true",
        }

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def installed() -> Iterator[Installation]:
    stack_places.make_var()
    _remove_leftovers()
    installation = Installation(_copy(VAR / f"bench-{os.getpid()}"))
    try:
        yield installation
    finally:
        installation.stop()
        installation.remove()


def _copy(folder: Path) -> Path:
    folder.mkdir()
    # As root the servers run as another user, who has to get to their data in here.
    folder.chmod(0o711)
    for part in _PARTS:
        source = BASE_DIR / part
        if source.is_dir():
            shutil.copytree(source, folder / part)
        elif source.exists():
            shutil.copy2(source, folder / part)
    return folder


def _remove_leftovers() -> None:
    """Copies of runs that were killed: their process is gone."""
    for folder in VAR.glob("bench-*"):
        if not Path("/proc", folder.name.removeprefix("bench-")).exists():
            Installation(folder).remove()


def _first_number(path: Path) -> int:
    return int(path.read_text().split()[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
