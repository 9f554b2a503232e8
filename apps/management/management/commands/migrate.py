"""Django's `migrate` as the role that owns the schema; afterwards the application's role may use what there is.

The application must not be able to change the schema or to rewrite the record of what happened.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import environ
from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

OLDEST_POSTGRESQL = 180_000
APPEND_ONLY = ("audit_event",)
READ_ONLY = ("django_migrations",)
_WHO = ("USER", "PASSWORD", "HOST", "PORT")


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        application = connection.settings_dict["USER"]
        with _as_owner(connection):
            _prepare(connection)
            super().handle(*args, **options)
            is_real = not options["plan"] and not options["check_unapplied"]
            if is_real and application != connection.settings_dict["USER"]:
                _grant(connection, application)


@contextmanager
def _as_owner(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Connect as DATABASE_OWNER_URL's role meanwhile. The database stays the connection's: tests have their own."""
    owner = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    before = {name: connection.settings_dict[name] for name in _WHO}
    _switch(connection, {name: owner[name] for name in _WHO})
    try:
        yield
    finally:
        _switch(connection, before)


def _switch(connection: Any, who: dict[str, Any]) -> None:
    connection.close()
    connection.close_pool()  # Pooled connections would go on as the other role.
    connection.settings_dict.update(who)


def _prepare(connection: BaseDatabaseWrapper) -> None:
    """Lift the limits that are meant for requests, and refuse a server whose SQL is too old for ours."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET lock_timeout = 0")
        cursor.execute("SELECT current_setting('server_version_num')::int")
        (version,) = cursor.fetchone()
    if version < OLDEST_POSTGRESQL:
        # RETURNING old and new, by which a refresh token is judged (apps/tokens/sessions.py).
        raise CommandError(f"Latchkey needs PostgreSQL 18 or newer; this one is {version // 10_000}.")


def _grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Every right is given or taken by name each time, so running it again, or after a change here, is enough."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = cursor.fetchone()[0]
        tables = set(connection.introspection.table_names(cursor))
        for statement in _statements(tables):
            names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
            cursor.execute(sql.SQL(statement).format(**names))


def _statements(tables: set[str]) -> list[str]:
    return [
        "GRANT USAGE ON SCHEMA {schema} TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
        *(
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {{schema}}.{table} FROM {{role}}"
            for table in _kept(tables, APPEND_ONLY)
        ),
        *(
            f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON {{schema}}.{table} FROM {{role}}"
            for table in _kept(tables, READ_ONLY)
        ),
    ]


def _kept(tables: set[str], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in tables]
