"""Django's `migrate` as the role that owns the schema; afterwards the application's role may use what there is.

The application must not be able to change the schema or to rewrite the record of what happened.
"""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from apps.management.owner import as_owner

OLDEST_POSTGRESQL = 180_000
APPEND_ONLY = ("audit_event",)
READ_ONLY = ("django_migrations",)


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        application = connection.settings_dict["USER"]
        with as_owner(connection):
            _prepare(connection)
            super().handle(*args, **options)
            is_real = not options["plan"] and not options["check_unapplied"]
            if is_real and application != connection.settings_dict["USER"]:
                _grant(connection, application)


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
