from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Self, TypeVar

from django.db import models

if TYPE_CHECKING:
    from apps.tenants.models import Environment

M = TypeVar("M", bound=models.Model)


class EnvironmentQuerySet(models.QuerySet[M], Generic[M]):
    """For every table inside the wall. A query for tenant data starts with `for_environment`; there is no other door."""

    def for_environment(self, environment: Environment) -> Self:
        return self.filter(environment_id=environment.id)
