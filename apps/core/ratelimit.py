"""Rates per caller, kept in Redis by the generic cell rate algorithm (GCRA), exact under concurrency.

These limits keep noise and cost down. No security bound rests on them: while Redis is away every call is let through,
and what protects a code is counted in SQL (apps.challenges).
"""

from dataclasses import dataclass

import redis

from apps.core import broker
from apps.core.crypto import pseudonym
from apps.core.errors import RateLimited

# KEYS[1] the theoretical arrival time of the next call, in microseconds of Redis's own clock; ARGV: emission interval
# and burst tolerance in microseconds. Returns 0, or the microseconds to wait.
GCRA = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + tonumber(ARGV[1])
local wait = arrival - tonumber(ARGV[2]) - now
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
return 0
"""
_gcra = broker.client.register_script(GCRA)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `calls` at once, and `calls` in every `seconds` over time."""

    calls: int
    seconds: int


def spend(what: str, who: str, rate: Rate) -> None:
    """Take one call of `who` for `what`. Raises RateLimited when there is none left."""
    if not broker.breaker.allows():
        return
    emission = rate.seconds * 1_000_000 // rate.calls
    try:
        wait = int(_gcra(keys=[f"rate:{what}:{pseudonym(who)}"], args=[emission, emission * rate.calls]))
    except redis.RedisError:
        broker.breaker.failed()
        return
    broker.breaker.succeeded()
    if wait:
        raise RateLimited(wait / 1_000_000)
