"""Wake a worker. A hint says nothing but "look": if it is lost, the worker's own clock looks a second later.

It is one command to Redis and no Celery task. Measured side by side, a task cost 0.36 ms of CPU in the web process and
about 1 ms in the worker, for a message that has nothing to say; this costs 0.05 and 0.1. The hint is the one member of
a sorted set, because adding it again changes nothing: however many sign-ins begin while no worker looks, one hint
waits, and the worker that takes it claims all their messages. A list would grow while no worker runs, and a publication
would wake every worker for one message.
"""

import redis
import structlog
from django.conf import settings

from apps.core import broker

log = structlog.get_logger()

KEY = "delivery.wake"
_MEMBER = "look"
_LISTEN_SECONDS = 1


def wake_workers() -> None:
    """Called after COMMIT. Costs nothing while the broker is known to be away, and one time-out when it goes."""
    if not broker.breaker.allows():
        return
    try:
        broker.client.zadd(KEY, {_MEMBER: 0})
    except redis.RedisError:
        broker.breaker.failed()
        log.warning("broker_away", step="wake_workers")
    else:
        broker.breaker.succeeded()


def listener() -> "redis.Redis":
    """A connection for `take`, whose time-out lets it wait for a hint."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=_LISTEN_SECONDS + 1, socket_connect_timeout=1, retry=None
    )


def take(client: "redis.Redis") -> bool:
    """Wait for a hint, at most a second, and take it from the other workers. Raises redis.RedisError."""
    return client.bzpopmin(KEY, timeout=_LISTEN_SECONDS) is not None
