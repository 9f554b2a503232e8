"""The people being signed in, and what they are known by. An id is random and never given twice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, models
from django.db.models.functions import Now

from apps.core.crypto import new_id
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet


class EndUser(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    password_digest = models.CharField(
        max_length=128, blank=True, db_default="", editable=False, help_text="Argon2id, encoded."
    )
    password_failures = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Since the last right one."
    )
    password_refused_until = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[EnvironmentQuerySet[EndUser]] = EnvironmentQuerySet["EndUser"].as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (models.Index(fields=["environment", "created_at"], name="end_user_by_time"),)

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


@dataclass(frozen=True, slots=True)
class Person:
    """What one look at an identifier tells of the end user behind it."""

    user_id: uuid.UUID
    is_verified: bool
    is_disabled: bool
    is_new: bool = False


class IdentifierQuerySet(EnvironmentQuerySet["Identifier"]):
    # One statement for the look, the user and the identifier. Two sign-ups of one address at once meet at the unique
    # key: the second waits for the first, inserts nothing, and `register` reads again.
    REGISTER = """
        WITH known AS (
            SELECT i.user_id, i.verified_at IS NOT NULL AS verified, u.disabled_at IS NOT NULL AS disabled
              FROM users_identifier i JOIN users_enduser u ON u.id = i.user_id
             WHERE i.environment_id = %(environment)s AND i.kind = %(kind)s AND i.value = %(value)s
        ), fresh_user AS (
            INSERT INTO users_enduser (id, environment_id, created_at)
            SELECT %(user)s, %(environment)s, now() WHERE NOT EXISTS (SELECT FROM known)
            RETURNING id
        ), fresh AS (
            INSERT INTO users_identifier (id, environment_id, user_id, kind, value, verified_at, created_at)
            SELECT %(id)s, %(environment)s, id, %(kind)s, %(value)s, %(verified_at)s, now() FROM fresh_user
            ON CONFLICT (environment_id, kind, value) DO NOTHING
            RETURNING user_id, verified_at IS NOT NULL, FALSE
        )
        SELECT *, FALSE FROM known UNION ALL SELECT *, TRUE FROM fresh
    """

    FIND = """
        SELECT i.user_id, i.verified_at IS NOT NULL, u.disabled_at IS NOT NULL
          FROM users_identifier i JOIN users_enduser u ON u.id = i.user_id
         WHERE i.environment_id = %s AND i.kind = %s AND i.value = %s
    """

    def find(self, environment: Environment, kind: str, value: str) -> Person | None:
        with connection.cursor() as cursor:
            cursor.execute(self.FIND, [environment.id, kind, value])
            row = cursor.fetchone()
        return Person(*row) if row else None

    def register(
        self,
        environment: Environment,
        kind: str,
        value: str,
        *,
        user_id: uuid.UUID | None = None,
        verified_at: datetime | None = None,
    ) -> Person:
        """The person behind the identifier: the one there is, else a new one. Call it inside a transaction."""
        user_id = user_id or new_id()
        facts: dict[str, Any] = {
            "environment": environment.id,
            "kind": kind,
            "value": value,
            "verified_at": verified_at,
        }
        with connection.cursor() as cursor:
            cursor.execute(self.REGISTER, {**facts, "id": new_id(), "user": user_id})
            row = cursor.fetchone()
        if row:
            return Person(*row)
        EndUser.objects.for_environment(environment).filter(id=user_id).delete()
        found = self.find(environment, kind, value)
        if found is None:
            raise RuntimeError("an identifier vanished while it was registered")
        return found

    def verify(self, environment: Environment, kind: str, value: str) -> None:
        self.for_environment(environment).filter(kind=kind, value=value, verified_at=None).update(verified_at=Now())


class Identifier(models.Model):
    class Kind(models.TextChoices):
        EMAIL = "email"
        PHONE = "phone"
        USERNAME = "username"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = models.CharField(max_length=254, help_text="Canonical (apps.core.identifiers).")
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[IdentifierQuerySet] = IdentifierQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["environment", "kind", "value"], name="identifier_value"),)
        indexes = (models.Index(fields=["environment", "user"], name="identifier_by_user"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
