"""The Celery application: it carries hints, never facts, so nothing of it is stored and nothing waits for it."""

import os
import re
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def broker_url(redis_url: str) -> str:
    """kombu calls redis-py's unix:// another name, and the number of the database in its query too."""
    if not redis_url.startswith("unix://"):
        return redis_url
    return re.sub(r"([?&])db=", r"\1virtual_host=", redis_url.replace("unix://", "redis+socket://", 1))


@setup_logging.connect
def keep_our_logging(**_options: Any) -> None:
    """A receiver of this signal is what stops Celery from putting handlers of its own over ours."""


# Celery warns root because of pickle, which is not accepted here.
warnings.simplefilter("ignore", SecurityWarning)

# Before a task is imported, Celery would run Django's checks and throw away what they found. They import every view,
# which a worker never calls: 10 MB.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")


def _application(**options: Any) -> Celery:
    """Without tasks."""
    made = Celery("latchkey", **options)
    made.conf.update(
        broker_url=broker_url(settings.REDIS_URL),
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue="latchkey",
        timezone="UTC",
        # A publisher gives up fast: with Celery's defaults a publish to a frozen broker had not returned after a
        # minute. A publish can meet it twice: once on the connection it had, once on the new one.
        # The worker's own reads are not bound by this time-out, because kombu reads only what select() has announced.
        task_publish_retry=False,
        broker_transport_options={
            "socket_timeout": 0.2,
            "socket_connect_timeout": 0.2,
            "max_retries": 0,
            "retry_on_timeout": False,
        },
        # A worker outlives any outage of the broker: its poller of the database needs none.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_hijack_root_logger=False,
    )
    return made


def _every(task: str, seconds: int) -> dict[str, Any]:
    # Without `expires`, entries pile up while no worker runs, and are all worked off when one comes back.
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


app = _application()
app.set_default()
app.autodiscover_tasks(["apps.passwordless", "apps.dashboard"])
# By name, because the step's module needs Django's apps to be ready, and they are not while this one is read.
app.steps["worker"].add("apps.passwordless.dispatcher:OutboxStep")

# Another one for beat, which sends tasks by name and loads neither them nor Django (a fixup of Celery's): 30 MB.
beat = _application(fixups=())
beat.conf.beat_schedule = {
    "keep house": _every("passwordless.keep_house", 60),
    "purge": _every("passwordless.purge", 3600),
    "revoke unused keys": _every("passwordless.revoke_unused_keys", 3600),
    "learn usual failures": _every("passwordless.learn_usual_failures", 3600),
    "forget operators' sessions": _every("dashboard.forget_sessions", 3600),
}
