"""The floor as a side: a bare Django project on the same servers, run the way Latchkey is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench import children
from bench.bare.statements import APP_KEY
from bench.installation import Installation
from bench.sides import CONNECTED, EMPTY, EMPTY_IN_DRF, FLOOR, Side
from bench.targets import REFRESH, START, VERIFY, Step, Target, get
from config import processes

DATABASE = "floor"
_HERE = Path(__file__).parent / "bare"
_STEPS = (
    Step(START, "/start", '{"email": "%(email)s"}'),
    Step(VERIFY, "/verify", '{"email": "%(email)s", "code": "%(code)s"}'),
    Step(REFRESH, "/refresh", '{"session_id": "%(session_id)s", "secret": "%(secret)s"}'),
)


@contextmanager
def running(installation: Installation) -> Iterator[Side]:
    """In a database of its own in the installation's PostgreSQL."""
    _make_database(installation)
    port = children.free_port()
    env = children.environ(
        PORT=str(port), WEB_WORKERS="2", BENCH_SOCKETS=str(installation.sockets), PYTHONDONTWRITEBYTECODE="1"
    )
    started = {
        name: children.start(command, installation.logs / f"bare-{name}.log", cwd=installation.folder, env=env)
        for name, command in _commands(str(port)).items()
    }
    try:
        log = installation.logs / "bare-web.log"
        children.wait_until(lambda: children.answers(f"http://127.0.0.1:{port}/empty"), log.read_text)
        pids = {name: child.pid for name, child in started.items()} | installation.server_pids()
        yield _side(port, pids)
    finally:
        children.end(*started.values())


def _side(port: int, pids: Mapping[str, int]) -> Side:
    flow = Target("127.0.0.1", port, _STEPS, {"APP-KEY": APP_KEY})
    checks = {EMPTY: get(flow, "/empty"), EMPTY_IN_DRF: get(flow, "/empty-in-drf"), CONNECTED: get(flow, "/connected")}
    return Side(FLOOR, flow, pids, lambda _facts: checks)


def _commands(port: str) -> dict[str, list[str]]:
    """Latchkey's own command lines with another application at their end, and without its log's format."""
    web = processes.command("web")
    at = web.index("--log-config")
    web[at : at + 2] = []
    web[web.index("--port") + 1] = port
    web[-1] = "bench.bare.wsgi:application"
    return {"web": web} | {name: _with_bare_app(processes.command(name)) for name in ("worker", "beat")}


def _with_bare_app(command: list[str]) -> list[str]:
    command[command.index("-A") + 1] = "bench.bare.worker:app"
    return command


def _make_database(installation: Installation) -> None:
    with installation.superuser() as session:
        session.execute(f"CREATE DATABASE {DATABASE} OWNER latchkey")
    with installation.superuser(DATABASE) as session:
        session.execute("SET ROLE latchkey")

        session.execute((_HERE / "schema.sql").read_bytes())
        session.execute("ANALYZE")
