"""The connection to Redis that web processes use. Redis limits rates and wakes workers; no truth is kept there."""

import redis
from django.conf import settings

from apps.core.breaker import Breaker

# redis-py's default Retry turns a time-out of 0.1 s into 5.6 s on a frozen server, hence `retry=None`.
client: "redis.Redis" = redis.Redis.from_url(
    settings.REDIS_URL, socket_timeout=0.15, socket_connect_timeout=0.15, retry=None, retry_on_timeout=False
)
# One breaker for limits and wake-ups: whoever finds Redis away first spares everybody else the wait.
breaker = Breaker()
