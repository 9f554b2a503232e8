"""The three processes of a running Latchkey: how each is started, and on which port the web one listens."""

import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from config import stack
from config.stack_places import BASE_DIR, VAR

NAMES = ("web", "worker", "beat")


def command(name: str) -> list[str]:
    return [sys.executable, "-m", *{"web": _web, "worker": _worker, "beat": _beat}[name]()]


def become(name: str) -> NoReturn:
    """Turn this process into that one, as a container's main process: signals reach it with nothing in between."""
    stack.hand_over()
    os.chdir(BASE_DIR)
    line = command(name)
    os.execv(line[0], line)  # noqa: S606 - no shell is the point.


def host() -> str:
    return os.environ.get("HOST", "127.0.0.1")


def choose_port() -> int | None:
    """PORT when given (None if it is taken); else last time's, so that URLs stay right; else 8000 or a free one."""
    given = os.environ.get("PORT")
    wanted = (int(given),) if given else (stack.remembered_port(), *range(8000, 8100))
    port = next((port for port in wanted if _is_free(port)), None if given else _any_port())
    if port:
        _remember(port)
    return port


def _remember(port: int) -> None:
    """For the next run, and for every other command that has to know the public URL."""
    draft = VAR / "port.new"
    draft.write_text(f"{port}\n")
    draft.rename(VAR / "port")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host() else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # The last run's closed connections are no owner.
        try:
            probe.bind((host(), port))
        except OSError:
            return False
    return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _web() -> list[str]:
    """granian, with nothing left at a default that depends on the machine.

    Back-pressure counts open connections of a worker, idle ones too, and the rest wait in the kernel's backlog.
    """
    environ = os.environ
    options = {
        "--interface": "wsgi",
        "--http": "1",
        "--host": host(),
        "--port": environ.get("PORT", "8000"),
        "--workers": environ.get("WEB_WORKERS", "2"),
        "--blocking-threads": environ.get("WEB_THREADS", "16"),
        "--backlog": "1024",
        "--backpressure": "512",
        "--workers-kill-timeout": "10",
        "--respawn-interval": "0.5",
        "--log-config": str(Path(__file__).with_name("granian.json")),
    }
    switches = ["--no-ws", "--respawn-failed-workers"]
    given = [part for option in options.items() for part in option]
    return ["config.preload", *given, *switches, "config.wsgi:application"]


def _worker() -> list[str]:
    """Threads: sending is waiting, and the pool of database connections does not survive Celery's prefork."""
    threads = os.environ.get("WORKER_THREADS", "4")
    options = ["--pool=threads", f"--concurrency={threads}", "-l", "INFO"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return ["celery", "-A", "config.celery:app", "-q", "worker", *options, *quiet]


def _beat() -> list[str]:
    """The base class of Celery's schedulers keeps its schedule in memory: the jobs are fixed and may run once more."""
    return ["celery", "-A", "config.celery:beat", "-q", "beat", "--scheduler", "celery.beat:Scheduler", "-l", "INFO"]
