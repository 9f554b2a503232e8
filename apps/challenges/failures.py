"""The failure budget: wrong codes belong to the person they were tried for, not to a code, a route or an address."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.core import crypto
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet

BUDGET_TTL = timedelta(days=30)


class FailureCountQuerySet(EnvironmentQuerySet["FailureCount"]):
    def purge(self) -> int:
        return self.delete_in_batches("minute", BUDGET_TTL)

    def usual(self, days: int = 7) -> dict[uuid.UUID, int]:
        """Failures in ten minutes on the average of the last `days`, for the environments that had any."""
        recent = self.filter(minute__gt=Now() - timedelta(days=days)).values_list("environment_id")
        totals = recent.annotate(total=models.Sum("failures")).order_by()
        return {environment_id: total // (days * 24 * 6) for environment_id, total in totals}


class FailureCount(models.Model):
    """Wrong codes against live challenges, by person and minute: the budget that belongs to the person."""

    id = models.UUIDField(primary_key=True, default=crypto.new_row_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    identifier = models.CharField(max_length=254)
    minute: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    failures = models.PositiveIntegerField()

    objects: ClassVar[FailureCountQuerySet] = FailureCountQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["environment", "identifier", "minute"], name="failures_by_person"),
        )
        indexes = (models.Index(fields=["environment", "minute"], include=["failures"], name="failures_by_minute"),)

    def __str__(self) -> str:
        return f"{self.failures} at {self.minute:%Y-%m-%dT%H:%MZ}"
