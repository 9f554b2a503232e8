"""How many SQL statements each step sends, BEGIN and COMMIT included, counted in PostgreSQL's own log.

The wheel's PostgreSQL has no pg_stat_statements. Logging every statement costs time, so this comes after the rounds.
"""

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

from bench.flow import FLOW, MAIL, STEPS, Client, World, people, run_round
from bench.installation import Installation

_STATEMENT = re.compile(r"latchkey@latchkey LOG:  (?:statement|execute)\b")
_PEOPLE = 5
_QUIET_SECONDS = 0.05


class Counter:
    def __init__(self, installation: Installation, world: World) -> None:
        self._installation = installation
        self._world = world
        self._client = Client(world)

    def count(self) -> dict[str, float]:
        """Statements by step, and for one mail in the worker, where its look into the outbox each second counts too."""
        with self._logged():
            self._flows("learning")  # Connections begin to log with their next statement.
            people_counted = [self._steps(address) for address in people("counted", _PEOPLE)]
            everything = self._sent(lambda: self._flows("total")) / _PEOPLE
        steps = {name: float(median(one[name] for one in people_counted)) for name in STEPS}
        flow = sum(steps.values())
        return {**steps, FLOW: flow, MAIL: everything - flow}

    def _flows(self, label: str) -> None:
        run_round(self._world, 1, people(label, _PEOPLE))
        self._settle()

    def _steps(self, address: str) -> dict[str, int]:
        """The web process's statements alone: the worker is frozen while they are counted."""
        box = self._world.sink.open_box(address)
        with self._frozen_worker():
            sign_up, _ = self._post("email-otp-signup", {"email": address})
        code = box.get(timeout=15).code
        self._settle()
        with self._frozen_worker():
            verify, body = self._post("email-otp-verify", {"email": address, "otp_code": code})
            refresh, _ = self._post("token/refresh", {"refresh_token": body["refresh_token"]})
        return dict(zip(STEPS, (sign_up, verify, refresh), strict=True))

    def _post(self, path: str, body: dict[str, str]) -> tuple[int, dict[str, str]]:
        answers: list[dict[str, str]] = []
        count = self._sent(lambda: answers.append(self._client.post(path, body)[0]))
        return count, answers[0]

    def _sent(self, act: Callable[[], None]) -> int:
        before = self._logged_so_far()
        act()
        return self._logged_so_far() - before

    def _logged_so_far(self) -> int:
        return len(_STATEMENT.findall(self._installation.log("postgresql")))

    def _settle(self) -> None:
        """The worker notes that a mail is sent after the mail has come."""
        before = -1
        while before != (before := self._logged_so_far()):
            time.sleep(_QUIET_SECONDS)

    @contextmanager
    def _logged(self) -> Iterator[None]:
        with self._installation.superuser() as session:
            session.execute("ALTER SYSTEM SET log_statement = 'all'")
            session.execute("SELECT pg_reload_conf()")
            yield
            session.execute("ALTER SYSTEM RESET log_statement")
            session.execute("SELECT pg_reload_conf()")

    @contextmanager
    def _frozen_worker(self) -> Iterator[None]:
        worker = self._installation.pids()["worker"]
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)
