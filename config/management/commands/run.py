"""`manage.py run` is the whole of Latchkey in one terminal; `manage.py run web|worker|beat` is one process of it."""

import fcntl
import io
import os
import sys
import urllib.request
from typing import IO, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import processes, stack
from config.stack_places import make_var, open_lock
from config.supervisor import Supervisor


class Command(BaseCommand):
    help = "Migrate, create the demo tenant once, and run web, worker and beat until Ctrl-C; or run one of the three."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("process", nargs="?", choices=processes.NAMES)
        parser.add_argument("--port", type=int, help="instead of PORT, the port of the last run or 8000")
        parser.add_argument("--no-demo", action="store_true", help="do not create or show the demo tenant")

    def handle(self, *_args: Any, **options: Any) -> None:
        supplied = stack.public_url(os.environ)
        if options["port"]:
            os.environ["PORT"] = str(options["port"])
        if options["process"]:
            processes.become(options["process"])
        make_var()
        with open_lock("run.lock") as lock:
            _refuse_a_second_run(lock)
            _settle_address(supplied)
            self._run(options["no_demo"])

    def _run(self, no_demo: bool) -> None:
        call_command("migrate", interactive=False, verbosity=0, stdout=self.stdout)
        facts = "" if no_demo else _demo()
        commands = {name: processes.command(name) for name in processes.NAMES}
        Supervisor(commands).run(_is_up, lambda: self._announce(facts))

    def _announce(self, facts: str) -> None:
        self.stdout.write(f"\nLatchkey is ready: {settings.PUBLIC_URL}    (Ctrl-C stops it)\n\n{facts}")
        self.stdout.flush()


def _refuse_a_second_run(lock: IO[str]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CommandError("Latchkey is already running from this folder; stop that one first.") from None


def _settle_address(supplied: str) -> None:
    """Choose the port, and start over when that changes the public URL, which settings have already read."""
    if (port := processes.choose_port()) is None:
        raise CommandError(f"Port {os.environ['PORT']} is taken.")
    os.environ["PORT"] = str(port)
    if settings.PUBLIC_URL == supplied != stack.public_url(os.environ):
        os.environ["PUBLIC_URL"] = stack.public_url(os.environ)
        stack.hand_over()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell is the point.


def _demo() -> str:
    text = io.StringIO()
    call_command("demo", json=False, stdout=text)
    return text.getvalue()


def _is_up() -> bool:
    address = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(processes.host(), processes.host())  # noqa: S104
    try:
        with urllib.request.urlopen(f"http://{address}:{os.environ['PORT']}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False
