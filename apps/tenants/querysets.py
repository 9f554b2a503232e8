from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from apps.tenants.models import Environment

M = TypeVar("M", bound=models.Model)


class EnvironmentQuerySet(models.QuerySet[M], Generic[M]):
    """For every table inside the wall. Queries for tenant data start with `for_environment`."""

    def for_environment(self, environment: Environment) -> Self:
        return self.filter(environment_id=environment.id)

    def delete_in_batches(self, size: int = 5000) -> int:
        """Delete what matches without holding locks or a transaction for long; returns how many."""
        deleted = 0
        while ids := list(self.order_by().values_list("pk", flat=True)[:size]):
            deleted += models.QuerySet(self.model).filter(pk__in=ids).delete()[0]
        return deleted
