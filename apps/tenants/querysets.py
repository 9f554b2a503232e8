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
