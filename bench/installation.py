"""A whole Latchkey for the length of one run: a copy of the checkout with PostgreSQL, Valkey and a port of its own.

A copy because the servers follow from the checkout's path. In the developer's own PostgreSQL the CPU of two databases
could not be told apart, and in the developer's Valkey a worker of `make run` would take half of the hints.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from bench import children
from config import processes, stack_places
from config.stack_places import BASE_DIR, VAR

_PARTS = ("bench", "config", "apps", "templates", "static", "locale", "manage.py")
_PLACES = "from config import stack_places as at; print(at.home(), at.sockets(), sep='\\n')"
_STOP_SECONDS = 20.0


class Installation:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, children.Child] = {}
        self.port = children.free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        return self.folder / "var/log"

    def manage(self, *arguments: str) -> str:
        """What the command says. Raises CalledProcessError."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ(), check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    def migrate(self) -> None:
        """From here on there are servers and a database; they stop a moment after `stop`."""
        self.manage("manage.py", "migrate", "--verbosity=0")

    def start(self) -> None:
        """Web, worker and beat, each as `manage.py run` starts it in a container. Returns when sign-in is possible."""
        for name in processes.NAMES:
            self.children[name] = self._start(name)
        children.wait_until(lambda: children.answers(f"{self.url}/readyz"), lambda: self.log("web"))

    def demo(self, *options: str) -> dict[str, Any]:
        """The first environment of the demo tenant."""
        facts: dict[str, Any] = json.loads(self.manage("manage.py", "demo", "--json", *options))
        environment: dict[str, Any] = facts["projects"][0]["environments"][0]
        return environment

    def pids(self) -> dict[str, int]:
        """Of what serves people: the keepers of the two servers are not there in production."""
        return {name: child.pid for name, child in self.children.items()} | self.server_pids()

    def server_pids(self) -> dict[str, int]:
        return {
            "postgresql": _first_number(self._home / "postgresql/postmaster.pid"),
            "valkey": _first_number(self._home / "valkey/valkey.pid"),
        }

    def log(self, name: str) -> str:
        """Of web, worker, beat, or postgresql."""
        return (self.logs / f"{name}.log").read_text(errors="replace")

    @property
    def sockets(self) -> Path:
        """Of PostgreSQL, which trusts whoever gets here, and of Valkey."""
        return self._places[1]

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.sockets), port=5432, dbname=database, user="postgres", autocommit=True)

    def others_backends(self) -> list[int]:
        """The processes of PostgreSQL that serve databases which are not Latchkey's."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname NOT IN ('latchkey', 'postgres')"
        with self.superuser() as session:
            return [pid for (pid,) in session.execute(query)]

    def backends_of(self, name: str) -> list[int]:
        """The processes of PostgreSQL that serve one of ours."""
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
        with self.superuser() as session:
            return [pid for (pid,) in session.execute(query, [_application(name)])]

    def analyze(self) -> None:
        """Every database of the server: the peers are measured with statistics, too."""
        with self.superuser() as session:
            databases = session.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()
        for (name,) in databases:
            with self.superuser(name) as session:
                session.execute("ANALYZE")

    def setting(self, name: str) -> str:
        with self.superuser() as session:
            row = session.execute("SELECT current_setting(%s)", [name]).fetchone()
            return str(row[0]) if row else ""

    def stop(self) -> None:
        children.end(*self.children.values())
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

    def _start(self, name: str) -> children.Child:
        command = [sys.executable, "manage.py", "run", name]
        env = self.environ() | {"PGAPPNAME": _application(name)}
        return children.start(command, self.logs / f"{name}.log", cwd=self.folder, env=env)

    def environ(self) -> dict[str, str]:
        """Production's settings."""
        return children.environ(
            PORT=str(self.port),
            PUBLIC_URL=self.url,
            WEB_WORKERS="2",
            LOG_FORMAT="json",
            LOG_LEVEL="WARNING",
            PRIVATE_PROVIDERS_ALLOWED="true",
        )


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


def _application(name: str) -> str:
    return f"latchkey {name}"


def _first_number(path: Path) -> int:
    return int(path.read_text().split()[0])
