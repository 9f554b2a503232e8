"""Wake a worker. A hint says nothing but "look": if it is lost, the worker's own clock looks a second later."""

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from apps.core.broker import breaker

log = structlog.get_logger()

TASK = "delivery.wake"
# A hint that waited longer has been overtaken by the workers' own polling.
EXPIRES_SECONDS = 5


def wake_workers() -> None:
    """Called after COMMIT. Costs nothing while the broker is known to be away, and one time-out when it goes."""
    if not breaker.allows():
        return
    try:
        current_app.send_task(TASK, expires=EXPIRES_SECONDS, ignore_result=True, retry=False)
    except (OperationalError, OSError):
        breaker.failed()
        log.warning("broker_away", step="wake_workers")
    else:
        breaker.succeeded()
