"""A checkout of its own, beside the one whose tests are running: its servers can be killed without harm."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("config", "apps", "templates", "static", "locale", "manage.py")
_INHERITED = ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
_HOLD = "from config import stack; stack.hold(); print('held', flush=True); input()"


class Checkout:
    def __init__(self, folder: Path, user: int | None = None) -> None:
        self.folder = folder
        self.user = user
        for part in _PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)

    def environ(self, **extra: str) -> dict[str, str]:
        """Without the URLs of the checkout whose tests are running."""
        return {name: os.environ[name] for name in _INHERITED if name in os.environ} | {"WEB_WORKERS": "1"} | extra

    def start(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        as_user: dict[str, Any] = {}
        if self.user is not None:
            as_user = {"user": self.user, "group": self.user, "extra_groups": []}
        return subprocess.Popen(
            [python(self.user), *arguments],
            cwd=self.folder,
            env=self.environ(**extra) | _found_packages(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **as_user,
        )

    def output(self, *arguments: str, **extra: str) -> str:
        """What the command says; it must succeed."""
        process = self.start(*arguments, **extra)
        text, _ = process.communicate(timeout=60)
        assert process.returncode == 0, text
        return text

    @contextmanager
    def held(self) -> Iterator[subprocess.Popen[str]]:
        process = self.start("-c", _HOLD)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == "held\n", line + process.stdout.read()
        yield process
        process.communicate("\n", timeout=30)

    @cached_property
    def home(self) -> Path:
        return Path(self.ask("stack_places.home()"))

    def ask(self, question: str) -> str:
        """An expression about the stack's own modules, evaluated in the checkout without holding anything."""
        return self.output("-c", f"from config import stack, stack_places; print({question})").strip()

    def pid(self, server: str) -> int | None:
        """Of the living server, None when there is none."""
        path = self.home / {"postgresql": "postgresql/postmaster.pid", "valkey": "valkey/valkey.pid"}[server]
        try:
            pid = int(path.read_text().split()[0])
        except (OSError, IndexError):
            return None
        return pid if is_alive(pid) else None

    def answers(self, server: str) -> bool:
        return self.ask(f"stack.find_server({server!r}).answers()") == "True"

    def remove(self) -> None:
        for folder in (self.home, Path(self.ask("stack_places.sockets()"))):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def python(user: int | None) -> str:
    """This interpreter, or the system's one of the same version where another user cannot get to this one."""
    if user is None or all(parent.stat().st_mode & 0o001 for parent in Path(sys.executable).resolve().parents):
        return sys.executable
    return f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"


def _found_packages() -> dict[str, str]:
    return {"PYTHONPATH": next(path for path in sys.path if path.endswith("site-packages"))}


@contextmanager
def made(mode: int = 0o755, below: str = "", user: int | None = None) -> Iterator[Checkout]:
    """A checkout in a folder that others may enter, unless `mode` says otherwise."""
    top = Path(tempfile.mkdtemp(prefix="latchkey-test-", dir="/tmp"))
    folder = top / below if below else top / "checkout"
    folder.mkdir(parents=True)
    checkout = Checkout(folder, user)
    if user is not None:
        os.chown(folder, user, user)
    top.chmod(mode)
    try:
        yield checkout
    finally:
        wait_until(lambda: not checkout.pid("postgresql") and not checkout.pid("valkey"))
        checkout.remove()
        shutil.rmtree(top, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """A zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))


def wait_until(is_true: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.05)
