"""better-auth, from npm, as a side: the same flow on the same PostgreSQL, with a process for each CPU as well."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import children
from bench.generator import Generator
from bench.installation import Installation
from bench.sides import ACCESS_TOKEN, API_KEY, PEER, Side
from bench.targets import REFRESH, START, VERIFY, Step, Target, get
from config.stack_places import BASE_DIR

DATABASE = "peer"
_SERVER = Path(__file__).parent / "peers/better-auth/server.mjs"
_INSTALLED = BASE_DIR / ".venv/peers/better-auth"
# A session's token with its signature, as the bearer plugin hands it to clients.
_SESSION_TOKEN = "set-auth-token"  # noqa: S105 - the name of a header.
_STEPS = (
    Step(START, "/api/auth/email-otp/send-verification-otp", '{"email": "%(email)s", "type": "sign-in"}'),
    Step(VERIFY, "/api/auth/sign-in/email-otp", '{"email": "%(email)s", "otp": "%(code)s"}', keeps=_SESSION_TOKEN),
    # What a client of better-auth's does when its JWT has run out: the long-lived token buys the next short-lived one.
    # It writes nothing, where a refresh rotates, so the comparison is in the peer's favour.
    Step(REFRESH, "/api/auth/token", method="GET", bearer=_SESSION_TOKEN),
)


def missing() -> str:
    """Why it cannot run here; empty when it can."""
    if not shutil.which("node"):
        return "there is no Node.js (Debian, Ubuntu: apt install npm)"
    if not (_INSTALLED / "node_modules/better-auth").exists():
        return "better-auth is not installed (`make bench` does that where there is npm)"
    return ""


@contextmanager
def running(installation: Installation, generator: Generator) -> Iterator[Side]:
    """In a database of its own in the installation's PostgreSQL."""
    with installation.superuser() as session:
        session.execute(f"CREATE DATABASE {DATABASE} OWNER latchkey")
    # Beside its node_modules, where its imports are looked for.
    server, port = shutil.copy2(_SERVER, _INSTALLED), children.free_port()
    env = children.environ(
        NODE_ENV="production",
        PORT=str(port),
        WORKERS="2",
        PGHOST=str(installation.sockets),
        LINES_PORT=str(generator.lines_port),
    )
    child = children.converse([str(shutil.which("node")), str(server)], cwd=BASE_DIR, env=env)
    try:
        yield _side(port, {"web": child.pid} | installation.server_pids(), _hear(child))
    finally:
        children.end(child)


def _side(port: int, pids: Mapping[str, int], told: Mapping[str, Any]) -> Side:
    flow = Target("127.0.0.1", port, _STEPS, is_mailed=True)
    return Side(
        PEER,
        flow,
        pids,
        lambda facts: {
            ACCESS_TOKEN: get(flow, "/api/auth/get-session", facts[_SESSION_TOKEN]),
            API_KEY: get(flow, "/verify-api-key", told["api_key"]),
        },
    )


def _hear(child: children.Child) -> dict[str, Any]:
    """What it says once all its processes listen."""
    assert child.stdout
    line = child.stdout.readline()
    if not line:
        raise SystemExit("better-auth did not start; what it said is above.")
    told: dict[str, Any] = json.loads(line)
    return told
