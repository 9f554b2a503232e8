"""Statements that go to PostgreSQL without a cursor."""

import datetime
import uuid
from typing import Any, cast

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from apps.core.database import row, rows
from apps.tenants.models import Tenant

pytestmark = pytest.mark.usefixtures("database")

VALUES = {
    "text": "Zürich 100 %",
    "number": 70_000,
    "bytes": b"\x00\xff",
    "uuid": uuid.UUID(int=7),
    "span": datetime.timedelta(days=1, microseconds=3),
    "moment": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
    "flag": True,
    "list": ["a", None, "b"],
    "nothing": None,
}
ALL = """SELECT %(text)s::text, %(number)s::int, %(bytes)s::bytea, %(uuid)s::uuid, %(span)s::interval,
                %(moment)s::timestamptz, %(flag)s::bool, %(list)s::text[], %(nothing)s::text"""
NEW_TENANT = "INSERT INTO tenants_tenant (id, name, is_system, created_at) VALUES (%(id)s, 'A', FALSE, now())"


@pytest.fixture
def borrowing() -> None:
    """As a request begins: without a connection of its own."""
    connection.close()


@pytest.mark.usefixtures("borrowing")
def test_values_come_back_as_they_went() -> None:
    assert row(ALL, VALUES) == tuple(VALUES.values())
    with transaction.atomic():
        assert row(ALL, VALUES) == tuple(VALUES.values())


@pytest.mark.usefixtures("borrowing")
def test_a_parameter_may_be_of_another_type_each_time() -> None:
    for value in (1, 70_000, 2**40, None, 1):
        assert row("SELECT %(value)s::bigint", {"value": value}) == (value,)


@pytest.mark.usefixtures("borrowing")
def test_percent_signs_and_repeated_parameters_are_understood() -> None:
    assert row("SELECT 7 %% 4, %(a)s::int + %(b)s::int, %(a)s::int", {"a": 1, "b": 2}) == (3, 3, 1)


@pytest.mark.usefixtures("borrowing")
def test_what_answers_nothing_has_no_rows() -> None:
    assert row("SELECT 1 WHERE FALSE", {}) is None
    assert rows("SET lock_timeout = '4s'", {}) == []


@pytest.mark.usefixtures("borrowing")
def test_it_keeps_no_connection() -> None:
    row("SELECT 1", {})
    assert connection.connection is None
    in_use = cast(DatabaseWrapper, connection).pool.get_stats()
    assert in_use["pool_available"] == in_use["pool_size"]


def test_it_belongs_to_the_transaction_that_is_open() -> None:
    new = uuid.uuid4()
    with transaction.atomic():
        rows(NEW_TENANT, {"id": new})
        transaction.set_rollback(True)
    assert not Tenant.objects.filter(id=new).exists()


@pytest.mark.usefixtures("borrowing")
def test_it_raises_what_django_raises_and_goes_on() -> None:
    new = uuid.uuid4()
    rows(NEW_TENANT, {"id": new})
    with pytest.raises(IntegrityError):
        rows(NEW_TENANT, {"id": new})
    for nonsense in ("SELECT nonsense", "nonsense"):
        with pytest.raises(ProgrammingError):
            rows(nonsense, {})
    assert row("SELECT 1", {}) == (1,)


def test_a_rollback_makes_it_forget_nothing_that_matters() -> None:
    statement = "SELECT %(value)s::int"
    assert row(statement, {"value": 1}) == (1,)
    with transaction.atomic():
        Tenant.objects.count()
        transaction.set_rollback(True)
    # psycopg gives up what is prepared after a rollback, with its next statement.
    Tenant.objects.count()
    assert row(statement, {"value": 2}) == (2,)


def test_a_statement_that_somebody_took_away_is_prepared_again() -> None:
    statement = "SELECT %(value)s::int"
    assert row(statement, {"value": 1}) == (1,)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert row(statement, {"value": 2}) == (2,)
    assert row(statement, {"value": 3}) == (3,)


def test_whoever_listens_to_statements_hears_it() -> None:
    heard: list[str] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        heard.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        assert row(ALL, VALUES) == tuple(VALUES.values())
        assert rows("SET lock_timeout = '4s'", {}) == []
    assert heard == [ALL, "SET lock_timeout = '4s'"]


def test_a_lost_connection_is_told_as_one() -> None:
    connection.ensure_connection()
    with pytest.raises(OperationalError, match="connection is lost"):
        row("SELECT pg_terminate_backend(pg_backend_pid())", {})
    connection.close()
    assert row("SELECT 1", {}) == (1,)
