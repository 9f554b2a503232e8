"""A Celery application with one task that does nothing, beside Latchkey's in the same Valkey."""

import os

import django
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.bare.settings")
django.setup()

app = Celery("bare")
app.conf.update(
    broker_url=f"redis+socket://{os.environ['BENCH_SOCKETS']}/valkey.sock?virtual_host=1",
    task_ignore_result=True,
    task_default_queue="bare",
)


@app.task(name="bare.nothing")
def nothing() -> None:
    pass


app.conf.beat_schedule = {"nothing": {"task": "bare.nothing", "schedule": 5, "options": {"expires": 5}}}
