"""The checkout's own PostgreSQL and Valkey, for everyone who does not bring their own.

`supply` fills in the variables that are missing: they follow from the checkout's path, so it starts nothing. `hold`
keeps the servers running for as long as this process lives: every user holds a shared lock on a file, a keeper process
(config/stack_keeper.py) waits for an exclusive one, and the kernel drops a lock whichever way its owner dies.
Nothing else in the code asks whose servers it is running on.
"""

import base64
import fcntl
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from config import stack_places
from config.stack_places import BASE_DIR, LOGS, VAR, StackError

if TYPE_CHECKING:
    from config.stack_servers import Server

_PATIENCE = 60.0
_held: list[IO[str]] = []


def supply(environ: MutableMapping[str, str]) -> None:
    """Fill in what is unset. Secrets are made up only for our own database: a given one must come with its secrets."""
    if _is_set(environ, "DATABASE_URL"):
        _default_owner(environ)
    else:
        environ["DATABASE_URL"] = database_url("latchkey")
        environ.setdefault("DATABASE_OWNER_URL", database_url("latchkey_owner"))
        for name, value in _secrets().items():
            if not _is_set(environ, name):
                environ[name] = value
    if not _is_set(environ, "REDIS_URL"):
        environ["REDIS_URL"] = redis_url()
    if not _is_set(environ, "PUBLIC_URL"):
        environ["PUBLIC_URL"] = public_url(environ)


def hold() -> None:
    """Have the servers of this environment running until this process ends; nothing to do for given URLs."""
    try:
        supply(os.environ)
        names = _ours(os.environ)
        if names and not _held:
            _hold(names)
    except (StackError, OSError) as error:
        raise SystemExit(f"Latchkey cannot start its own servers. {error}") from None


def hand_over() -> None:
    """Let the program that this process is about to become (exec) inherit the hold."""
    for lock in _held:
        os.set_inheritable(lock.fileno(), True)


def pytest_sessionstart() -> None:
    """This module is a pytest plugin too: tests run on the same servers as everything else."""
    hold()


def database_url(role: str) -> str:
    # The port is spelt out because libpq would otherwise take it from a PGPORT that is meant for another server.
    return f"postgres://{role}@:5432/{stack_places.sockets()}/latchkey"


def redis_url() -> str:
    return f"unix://{stack_places.sockets()}/valkey.sock"


def public_url(environ: MutableMapping[str, str]) -> str:
    return f"http://127.0.0.1:{environ.get('PORT') or remembered_port()}"


def remembered_port() -> int:
    """The port that `manage.py run` chose last time: base URLs that were handed out stay right."""
    try:
        return int((VAR / "port").read_text())
    except (OSError, ValueError):
        return 8000


def _is_set(environ: MutableMapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def _default_owner(environ: MutableMapping[str, str]) -> None:
    if _is_set(environ, "DATABASE_OWNER_URL"):
        return
    for suffix in ("", "_FILE"):
        if f"DATABASE_URL{suffix}" in environ:
            environ[f"DATABASE_OWNER_URL{suffix}"] = environ[f"DATABASE_URL{suffix}"]


def _ours(environ: MutableMapping[str, str]) -> list[str]:
    """The servers whose URL is our own; a child inherits its parent's environment, so the value tells, not the lack."""
    names = []
    if environ.get("DATABASE_URL") == database_url("latchkey"):
        names.append("postgresql")
    if environ.get("REDIS_URL") == redis_url():
        names.append("valkey")
    return names


def _secrets() -> dict[str, str]:
    """SECRET_KEY and ENCRYPTION_KEYS of this checkout, made by whichever process comes first."""
    path = VAR / "secrets.json"
    if not path.exists():
        stack_places.make_var()
        _publish(path, json.dumps({"SECRET_KEY": secrets.token_urlsafe(50), "ENCRYPTION_KEYS": _new_master_key()}))
    try:
        stored: dict[str, str] = json.loads(path.read_text())
    except OSError as error:
        raise SystemExit(f"Latchkey cannot read its own secrets: {error}") from None
    return stored


def _new_master_key() -> str:
    return "1:" + base64.b64encode(secrets.token_bytes(32)).decode()


def _publish(path: Path, text: str) -> None:
    """Make the file whole or not at all; of two processes at once the first one's text stays."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent) as draft:  # 0600 from the first byte.
        draft.write(text)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, path)
        except FileExistsError:
            return


def _hold(names: list[str]) -> None:
    stack_places.make_home()
    deadline = time.monotonic() + _PATIENCE
    with _locked("start.lock", fcntl.LOCK_EX, deadline):
        # A keeper that is stopping its server owns this lock until it is done, and then a new one is started.
        _held.extend(_locked(f"{name}.users", fcntl.LOCK_SH, deadline) for name in names)
        for name in names:
            _keep(name)
        for name in names:
            _await(name, deadline)


def _locked(lock: str, kind: int, deadline: float) -> IO[str]:
    file = stack_places.open_lock(lock)
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StackError(f"{VAR / lock} has been locked for {_PATIENCE:.0f} s by another process.") from None
            time.sleep(0.02)
        else:
            return file


def _is_kept(name: str) -> bool:
    """Whether a keeper lives; the caller owns start.lock, so no new one is in the middle of taking this lock."""
    with stack_places.open_lock(f"{name}.keeper") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _keep(name: str) -> None:
    """Start the keeper unless there is one. It returns once its detached half owns the keeper's lock."""
    if _is_kept(name):
        return
    (VAR / f"{name}.failure").unlink(missing_ok=True)
    with (LOGS / "keeper.log").open("a") as log:
        subprocess.run(  # noqa: S603 - our own module.
            [sys.executable, "-m", "config.stack_keeper", name],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the servers.
            check=False,
        )


def find_server(name: str) -> "Server":
    from config import stack_servers  # noqa: PLC0415 - psycopg is not loaded by those who only want URLs.

    return stack_servers.SERVERS[name]()


def _await(name: str, deadline: float) -> None:
    server = find_server(name)
    failure = VAR / f"{name}.failure"
    while not server.answers():
        if failure.exists():
            raise StackError(failure.read_text())
        if time.monotonic() > deadline:
            raise StackError(f"{name} did not answer within {_PATIENCE:.0f} s: see {server.log}.")
        if not _is_kept(name):
            _keep(name)
        time.sleep(0.02)
