"""Tests run on the real stack with real commits: each builds a world of its own, so nothing is ever rolled back."""

import os
from collections.abc import Iterator
from typing import Any

import environ
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql
from psycopg_pool import ConnectionPool
from pytest_django.plugin import DjangoDbBlocker

from tests.dialects.judge import exchanges

__all__ = ["exchanges"]  # A fixture that every test uses.
PREFIX = "latchkey_test_"


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A fresh database, made and migrated by the owner role and then used by the application role, as in production.

    It is named for this process, so that two runs of the tests at once do not meet.
    """
    connection: Any = connections["default"]
    name = f"{PREFIX}{os.getpid()}"
    with django_db_blocker.unblock(), owner() as session:
        drop_leftovers(session)
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        connection.settings_dict["NAME"] = name
        call_command("migrate", interactive=False, verbosity=0)
    yield
    connection.close()
    connection.close_pool()
    with owner() as session:
        drop(session, name)


def owner() -> psycopg.Connection[Any]:
    """A session of the owner role outside Django, in the development database."""
    facts = environ.Env.db_url_config(settings.DATABASE_OWNER_URL)
    address = {name.lower(): facts[name] for name in ("USER", "PASSWORD", "HOST", "PORT") if facts[name]}
    return psycopg.connect(dbname=facts["NAME"], autocommit=True, **address)


def drop_leftovers(session: psycopg.Connection[Any]) -> None:
    """Databases of test runs that were killed: their process is gone."""
    names = session.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}%"]).fetchall()
    for (name,) in names:
        try:
            os.kill(int(name.removeprefix(PREFIX)), 0)
        except ProcessLookupError:
            drop(session, name)


def drop(session: psycopg.Connection[Any], name: str) -> None:
    session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session", autouse=True)
def no_way_around() -> Iterator[None]:
    """A test without `database` reaches none, also not by apps.core.database, which pytest-django knows nothing of."""
    take = ConnectionPool.getconn
    blocked = BaseDatabaseWrapper.ensure_connection  # As pytest-django has it until a test may.

    def take_if_allowed(pool: ConnectionPool[Any], timeout: float | None = None) -> Any:
        assert BaseDatabaseWrapper.ensure_connection != blocked, "This test needs the fixture `database`."
        return take(pool, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConnectionPool, "getconn", take_if_allowed)
        yield


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """For tests that reach the database: committed for real, and closed again."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
