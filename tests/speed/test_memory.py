"""What each process has in memory follows from what it imports."""

import subprocess
import sys
from functools import cache
from pathlib import Path

from config import processes

ROOT = Path(__file__).resolve().parents[2]
# What `celery beat` and `celery worker` do first with the application of their command line.
CELERY = """
from celery.app.utils import find_app
app = find_app({name!r})
app.loader.init_worker()
app.finalize()
"""


def test_beat_loads_neither_django_s_applications_nor_tasks() -> None:
    names, tasks = loaded_by_celery("beat")
    assert "config.celery" in names
    assert not {name for name in names if name.startswith(("apps.", "django.db", "rest_framework"))}
    assert all(task.startswith("celery.") for task in tasks)


def test_the_worker_loads_models_and_no_view() -> None:
    names, _ = loaded_by_celery("worker")
    assert "apps.tokens.models" in names
    assert "config.urls" not in names
    assert not {name for name in names if name.startswith("apps.dialects.") and name != "apps.dialects.apps"}


def test_the_worker_knows_every_task_that_beat_sends() -> None:
    script = "from config.celery import beat; print(*[entry['task'] for entry in beat.conf.beat_schedule.values()])"
    sent = set(output(script).split())
    assert sent
    assert sent <= loaded_by_celery("worker")[1]


def test_the_web_process_loads_views_and_no_celery() -> None:
    names = set(output("import config.wsgi, sys; print(*sys.modules)").split())
    assert "apps.dialects.urls" in names
    assert not {name for name in names if name.partition(".")[0] in ("celery", "kombu")}


def test_the_web_process_starts_no_thread_and_connects_to_nothing_before_it_forks() -> None:
    """config.preload forks it: a thread would be missing in the copies, and a connection would be everybody's."""
    script = """
import socket, threading
socket.socket.connect = None
import config.wsgi
from django.db import connection
print(threading.active_count(), connection.connection)
"""
    assert output(script).split() == ["1", "None"]


@cache
def loaded_by_celery(process: str) -> tuple[set[str], set[str]]:
    """Names of modules, and of tasks."""
    command = processes.command(process)
    script = CELERY.format(name=command[command.index("-A") + 1])
    modules, tasks = output(f"{script}import sys; print(*sys.modules); print(*app.tasks)").splitlines()
    return set(modules.split()), set(tasks.split())


def output(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout
