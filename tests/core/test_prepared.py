"""Statements that go to PostgreSQL without a cursor."""

import datetime
import uuid
from typing import Any, cast

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from apps.core.database import is_lost, row, rows
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
NOTHING = "DO $$ BEGIN END $$"


STATEMENT = "SELECT %(value)s::int"


def all_are_back() -> bool:
    pool = cast(DatabaseWrapper, connection).pool.get_stats()
    return bool(pool["pool_available"] == pool["pool_size"])


def prepared() -> int:
    """How many of this connection's statements are taken for prepared."""
    return len(connection.connection._statements)


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
    assert rows(NOTHING, {}) == []


@pytest.mark.usefixtures("borrowing")
def test_it_keeps_no_connection() -> None:
    row("SELECT 1", {})
    assert connection.connection is None
    assert all_are_back()


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
    assert all_are_back()


def test_a_rollback_costs_it_no_error() -> None:
    """psycopg gives up all that is prepared on a connection after a rollback, if it has prepared something itself."""
    connection.ensure_connection()
    assert row(STATEMENT, {"value": 1}) == (1,)
    with transaction.atomic():
        for _ in range(4):
            Tenant.objects.count()
        transaction.set_rollback(True)
    Tenant.objects.count()
    assert prepared() == 0
    assert row(STATEMENT, {"value": 2}) == (2,)
    assert prepared() == 1


def test_a_statement_that_somebody_took_away_is_prepared_again() -> None:
    connection.ensure_connection()
    assert row(STATEMENT, {"value": 1}) == (1,)
    taken_for_prepared = prepared()
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")  # Past psycopg, which would notice.
    assert prepared() == taken_for_prepared
    assert row(STATEMENT, {"value": 2}) == (2,)
    assert row(STATEMENT, {"value": 3}) == (3,)


def test_a_migration_of_a_column_costs_nobody_an_error() -> None:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE moved (name varchar(10))")
        assert rows("SELECT name FROM moved", {}) == []
        cursor.execute("ALTER TABLE moved ALTER name TYPE varchar(20)")
        assert rows("SELECT name FROM moved", {}) == []
        cursor.execute("DROP TABLE moved")


def test_what_it_writes_stays_whatever_the_connection_was_used_for_before() -> None:
    transaction.set_autocommit(False)
    Tenant.objects.count()
    connection.close()
    # As many as there are connections, which take turns.
    new = [uuid.uuid4() for _ in range(cast(DatabaseWrapper, connection).pool.get_stats()["pool_size"])]
    for tenant in new:
        rows(NEW_TENANT, {"id": tenant})
    assert Tenant.objects.filter(id__in=new).count() == len(new)


def test_a_transaction_that_has_failed_takes_nothing_more() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            rows("SELECT 1", {})


def test_whoever_listens_to_statements_hears_it() -> None:
    heard: list[str] = []

    def listen(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        heard.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        assert row(ALL, VALUES) == tuple(VALUES.values())
        assert rows(NOTHING, {}) == []
    assert heard == [ALL, NOTHING]


def test_a_lost_connection_is_told_as_one() -> None:
    connection.ensure_connection()
    with pytest.raises(OperationalError) as failure:
        row("SELECT pg_terminate_backend(pg_backend_pid())", {})
    assert is_lost(failure.value)
    connection.close()
    assert row("SELECT 1", {}) == (1,)
