from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from django.apps import apps
from django.db import connection, models

if TYPE_CHECKING:
    from apps.tenants.models import Environment

M = TypeVar("M", bound=models.Model)

# Environments that one statement looks through: each costs a look into the index, a few microseconds, when nothing in
# it is old.
ENVIRONMENTS_AT_ONCE = 500


class EnvironmentQuerySet(models.QuerySet[M], Generic[M]):
    """For every table inside the wall. Queries for tenant data start with `for_environment`."""

    # All indexes start with the environment, so "older than" alone would read the whole table, once for each batch.
    # This goes from one environment to the next along the index that `moment` stands second in. ORDER BY holds the
    # planner to that index however much is old. By ctid, the row's own place, because 5000 random ids would be looked
    # up one by one; a row that was changed meanwhile has another place, and is left for the next time.
    DELETE_OLD = """
        DELETE FROM {table} WHERE ctid = ANY(ARRAY(
            SELECT old.ctid FROM unnest(%(environments)s::uuid[]) AS e (id)
             CROSS JOIN LATERAL (SELECT t.ctid FROM {table} t
                                  WHERE t.environment_id = e.id AND t.{moment} < now() - %(age)s
                                  ORDER BY t.{moment} LIMIT %(size)s) AS old
             LIMIT %(size)s))
    """

    def for_environment(self, environment: Environment) -> Self:
        return self.filter(environment_id=environment.id)

    def delete_in_batches(self, moment: str, age: timedelta, size: int = 5000) -> int:
        """Delete every row, of all environments, whose `moment` is longer than `age` ago; returns how many.

        No lock and no transaction lasts longer than one batch. There has to be an index on (environment, `moment`).
        """
        names = {"table": self.model._meta.db_table, "moment": moment}  # noqa: SLF001 - documented, whatever its name.
        statement = self.DELETE_OLD.format(**{name: connection.ops.quote_name(text) for name, text in names.items()})
        deleted = 0
        for environments in self._environments():
            parameters = {"environments": environments, "age": age, "size": size}
            while batch := _execute(statement, parameters):
                deleted += batch
                if batch < size:
                    break
        return deleted

    def _environments(self) -> Iterator[list[uuid.UUID]]:
        environments: Any = apps.get_model("tenants", "Environment")
        ids = list(environments.objects.order_by("id").values_list("id", flat=True))
        for start in range(0, len(ids), ENVIRONMENTS_AT_ONCE):
            yield ids[start : start + ENVIRONMENTS_AT_ONCE]


def _execute(statement: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        removed: int = cursor.rowcount
        return removed
