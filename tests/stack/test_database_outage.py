"""PostgreSQL goes and comes back under a running web process. The server is its own, so nobody else is disturbed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from config.stack_servers import PostgreSQL
from tests.stack.checkout import wait_until
from tests.stack.running import PrivateServer, Process, Web, private_folder, private_postgresql


@dataclass
class Served:
    postgresql: PrivateServer
    web: Web
    root: str
    app_key: str
    numbers: Iterator[int] = field(default_factory=count)

    def sign_up(self) -> httpx.Response:
        """Another address each time, because one address has to wait for its next message."""
        email = f"person{next(self.numbers)}@example.com"
        return self.web.post(self.root, "email-otp-signup", self.app_key, {"email": email})

    def execute(self, statement: str) -> list[Any]:
        """As the superuser, in a session that Latchkey knows nothing of."""
        server = self.postgresql.server
        assert isinstance(server, PostgreSQL)
        with psycopg.connect(host=str(server.sockets), port=5432, user="postgres", dbname="latchkey") as session:
            return session.execute(statement.encode()).fetchall()


def run(folder: Path, *arguments: str, **environ: str) -> str:
    process = Process(folder, "manage.py", *arguments, **environ)
    status = process.popen.wait(60)
    text = process.log.read_text()
    assert status == 0, text
    return text


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with private_folder() as folder, private_postgresql(folder) as (postgresql, environ):
        run(folder, "migrate", "-v0", **environ)
        facts = json.loads(run(folder, "demo", "--json", LOG_LEVEL="ERROR", **environ))
        environment = facts["projects"][0]["environments"][0]
        web = Web(folder, **environ)
        root = urlsplit(environment["base_url"]).path
        served = Served(postgresql, web, root, environment["app_key"])
        try:
            web.wait_until_ready()
            assert served.sign_up().status_code == 201
            yield served
        finally:
            web.stop()


def connections(served: Served) -> int:
    (row,) = served.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'latchkey'")
    return int(row[0])


def test_requests_succeed_after_postgresql_closed_every_connection(served: Served) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: served.sign_up(), range(20)))
    assert connections(served) > 1
    served.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'latchkey'")
    assert [served.sign_up().status_code for _ in range(5)] == [201] * 5


def test_while_postgresql_is_down_it_answers_503_within_two_seconds_and_then_as_before(served: Served) -> None:
    served.postgresql.stop()
    for _ in range(3):
        started = time.monotonic()
        refused = served.sign_up()
        assert time.monotonic() - started < 2
        assert refused.status_code == 503
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.json()["error"] == "service_unavailable"
    assert served.web.client.get("/healthz").status_code == 200
    assert served.web.client.get("/readyz").status_code == 503
    served.postgresql.start()
    wait_until(lambda: served.sign_up().status_code == 201, 5)
    assert [served.sign_up().status_code for _ in range(5)] == [201] * 5
