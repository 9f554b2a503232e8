"""Tests run on the real stack with real commits: each builds a world of its own, so nothing is ever rolled back."""

from collections.abc import Iterator

import environ
import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

TEST_DATABASE = "latchkey_test"


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A fresh database, made and migrated by the owner role and then used by the application role, as in production."""
    connection = connections["default"]
    with django_db_blocker.unblock():
        recreate(settings.DATABASE_OWNER_URL, TEST_DATABASE)
        connection.close_pool()
        connection.settings_dict["NAME"] = TEST_DATABASE
        call_command("migrate", interactive=False, verbosity=0)
    yield
    connection.close_pool()


def recreate(owner_url: str, name: str) -> None:
    owner = environ.Env.db_url_config(owner_url)
    with psycopg.connect(
        dbname=owner["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"] or None,
        autocommit=True,
    ) as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """For tests that reach the database: committed for real, and closed again."""
    with django_db_blocker.unblock():
        yield
        connections.close_all()
