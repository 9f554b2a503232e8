"""What the application's role may do once `migrate` has run as the owner."""

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.utils import ProgrammingError

from apps.management.management.commands.migrate import APPEND_ONLY, READ_ONLY

pytestmark = pytest.mark.usefixtures("database")


@pytest.mark.parametrize("table", [*APPEND_ONLY, *READ_ONLY])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET id = id"])
def test_it_cannot_rewrite_the_record(table: str, statement: str) -> None:
    with connection.cursor() as cursor, pytest.raises(ProgrammingError) as refusal:
        cursor.execute(statement.format(table))
    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)


def test_it_can_read_the_record_but_not_change_the_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_event")
        with pytest.raises(ProgrammingError):
            cursor.execute("CREATE TABLE surprise (id int)")


def test_it_is_not_the_owner_and_no_superuser() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (settings.DATABASES["default"]["USER"], False)
