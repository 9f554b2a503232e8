"""Two answers for whoever runs us: is the process alive, and can it serve."""

from functools import cache

import redis
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from apps.core.database import first_query


def healthz(_request: HttpRequest) -> JsonResponse:
    """The process answers. No database: restarting us would not bring that back."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """503 only for what makes sign-in impossible. Redis limits rates and wakes workers, so without it we are slower."""
    database, broker = _database(), _redis()
    facts = {"database": database, "redis": broker}
    if database != "ok":
        return JsonResponse({"status": "unavailable", **facts}, status=503, headers={"Retry-After": "2"})
    return JsonResponse({"status": "ok" if broker == "ok" else "degraded", **facts})


def _database() -> str:
    try:
        first_query(_ask_for_one)
        return "ok" if _is_migrated() else "migrations are missing"
    except Error:
        # Whatever state the connection is in, the next request gets another one.
        connections[DEFAULT_DB_ALIAS].close()
        return "unavailable"


def _ask_for_one() -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1")


_migrated: set[str] = set()


def _is_migrated() -> bool:
    """Asked until it is true: what this process's code needs does not change while it lives."""
    if not _migrated:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _migrated.add(DEFAULT_DB_ALIAS)
    return True


def _redis() -> str:
    try:
        _client().ping()
    except redis.RedisError:
        return "unavailable"
    return "ok"


@cache
def _client() -> redis.Redis:
    # Without retry=None redis-py multiplies the time-out by its own retries, and a probe hangs with a frozen server.
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.3, socket_connect_timeout=0.3, retry=None)
