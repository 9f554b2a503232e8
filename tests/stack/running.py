"""Latchkey's real processes on the tests' own database, with servers of their own that may be frozen and killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from django.db import connection

from config.stack_servers import PostgreSQL, Server, Valkey, identity
from tests.stack.checkout import ROOT, wait_until
from tests.world import World


def database_url() -> str:
    """The URL that this process was given, with the name of the database that the tests made."""
    url = urlsplit(os.environ["DATABASE_URL"])
    return url._replace(path=f"{url.path.rpartition('/')[0]}/{connection.settings_dict['NAME']}").geturl()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Process:
    """One of Latchkey's processes, in its own process group; what it says is kept in a file."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.log = folder / f"{'-'.join(arguments[1:3])}.{os.urandom(4).hex()}.log"
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**os.environ, "PRIVATE_PROVIDERS_ALLOWED": "true", "LOG_LEVEL": "INFO", **environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
            )

    def says(self, text: str) -> bool:
        assert self.popen.poll() is None, self.log.read_text()
        return text in self.log.read_text()

    def kill(self) -> None:
        """SIGKILL to all of it, as the kernel does when memory runs out."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)

    def stop(self, seconds: float = 20) -> int:
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            return self.popen.wait(seconds)
        finally:
            if self.popen.poll() is None:
                self.kill()


class Web(Process):
    """granian, and a client that speaks to it over a real socket as if it were at the public URL."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.port = int(environ.get("PORT") or free_port())
        workers = {"WEB_WORKERS": "1", "PORT": str(self.port), "HOST": "127.0.0.1", **environ}
        super().__init__(folder, "manage.py", "run", "web", **workers)
        host = {"Host": urlsplit(environ.get("PUBLIC_URL", settings.PUBLIC_URL)).netloc}
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=host, timeout=10, trust_env=False)

    def wait_until_ready(self) -> None:
        wait_until(self._answers)

    def post(self, root: str, path: str, app_key: str, body: Mapping[str, Any]) -> httpx.Response:
        return self.client.post(f"{root}/{path}", json=dict(body), headers={"APP-KEY": app_key})

    def stop(self, seconds: float = 20) -> int:
        self.client.close()
        return super().stop(seconds)

    def _answers(self) -> bool:
        assert self.popen.poll() is None, self.log.read_text()
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


class Worker(Process):
    """Celery with the outbox."""

    def __init__(self, folder: Path, **environ: str) -> None:
        super().__init__(folder, "manage.py", "run", "worker", **environ)

    def wait_until_ready(self) -> None:
        wait_until(lambda: self.says("ready."))


class PrivateServer:
    """A PostgreSQL or Valkey of our own kind in a folder of its own."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        server.log = folder / f"{server.name}.log"
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = self.server.prepare()
        with self.server.log.open("ab") as log:
            self.popen = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **identity())
        wait_until(self.server.accepts)
        self.server.arrange()

    def send(self, number: signal.Signals) -> None:
        assert self.popen
        self.popen.send_signal(number)

    def stop(self, number: signal.Signals | None = None) -> None:
        if self.popen and self.popen.poll() is None:
            self.send(signal.SIGCONT)
            self.send(number or self.server.stop_signals[0])
            self.popen.wait(20)


@contextmanager
def private_folder() -> Iterator[Path]:
    """In the system's own folder for such things, because the servers run as another user where we are root."""
    folder = Path(tempfile.mkdtemp(prefix="latchkey-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def private_valkey(folder: Path) -> Iterator[tuple[PrivateServer, str]]:
    server = Valkey()
    server.folder, server.socket = folder / "valkey", folder / "run" / "valkey.sock"
    server.pid_file, server.mark = server.folder / "valkey.pid", str(server.socket)
    valkey = PrivateServer(folder, server)
    try:
        valkey.start()
        yield valkey, f"unix://{server.socket}"
    finally:
        valkey.stop(signal.SIGKILL)


@contextmanager
def private_postgresql(folder: Path) -> Iterator[tuple[PrivateServer, dict[str, str]]]:
    """The server and the variables that make a process use it."""
    server = PostgreSQL()
    server.data, server.sockets = folder / "data", folder / "run"
    server.pid_file, server.mark = server.data / "postmaster.pid", str(server.data)
    urls = {
        name: f"postgres://{role}@:5432/{server.sockets}/latchkey"
        for name, role in (("DATABASE_URL", "latchkey"), ("DATABASE_OWNER_URL", "latchkey_owner"))
    }
    postgresql = PrivateServer(folder, server)
    try:
        postgresql.start()
        yield postgresql, urls
    finally:
        postgresql.stop()


@dataclass
class Installation:
    """Web and worker on the tests' database, and their own Valkey."""

    folder: Path
    valkey: PrivateServer
    environ: dict[str, str]
    web: Web = field(init=False)
    worker: Worker = field(init=False)
    processes: list[Process] = field(default_factory=list, init=False)

    def start_web(self) -> None:
        self.web = Web(self.folder, **self.environ)
        self.processes.append(self.web)
        self.web.wait_until_ready()

    def start_worker(self) -> None:
        self.worker = Worker(self.folder, **self.environ)
        self.processes.append(self.worker)
        self.worker.wait_until_ready()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()

    def post(self, world: World, path: str, **body: str) -> httpx.Response:
        return self.web.post(world.root, path, world.app_key, body)

    def logs(self) -> str:
        """All that our processes have said so far."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


@contextmanager
def installation(**environ: str) -> Iterator[Installation]:
    with ExitStack() as stack:
        folder = stack.enter_context(private_folder())
        valkey, redis_url = stack.enter_context(private_valkey(folder))
        environ = {"DATABASE_URL": database_url(), "REDIS_URL": redis_url, **environ}
        running = Installation(folder, valkey, environ)
        stack.callback(running.stop)
        running.start_web()
        running.start_worker()
        yield running
