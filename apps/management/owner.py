"""What the application's role may not do: change the schema, and remove what is on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import environ
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.audit.models import Event

_WHO = ("USER", "PASSWORD", "HOST", "PORT")


@contextmanager
def as_owner(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Connect as DATABASE_OWNER_URL's role meanwhile. The database stays the connection's: tests have their own."""
    owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    before = {name: connection.settings_dict[name] for name in _WHO}
    _switch(connection, {name: owner[name] for name in _WHO})
    try:
        yield
    finally:
        _switch(connection, before)


def prune_events(age: timedelta) -> int:
    """Remove events older than `age`; returns how many. It may be stopped at any time and run again."""
    with as_owner(connection):
        return Event.objects.delete_in_batches("created_at", age)


def _switch(connection: Any, who: dict[str, Any]) -> None:
    connection.close()
    connection.close_pool()  # Pooled connections would go on as the other role.
    connection.settings_dict.update(who)
