"""The people being signed in, and what they are known by. An id is random and never given twice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from apps.core.crypto import new_id, new_row_id
from apps.core.database import row, rows
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet


@dataclass(frozen=True, slots=True)
class Person:
    """What one look at an identifier tells of the end user behind it."""

    user_id: uuid.UUID
    is_verified: bool
    is_disabled: bool
    is_new: bool = False


# A person's own count of wrong passwords. It has nothing to do with codes: whoever is being delayed can still use one.
FREE_FAILURES = 4
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=15)
FAILURES_FORGOTTEN_AFTER = timedelta(days=1)
NO_PASSWORD = ""


@dataclass(frozen=True, slots=True)
class PasswordHolder:
    """A person and the digest of their password as they were read; nobody's where there is none to be found."""

    person: Person
    digest: str = field(repr=False)


class EndUserQuerySet(EnvironmentQuerySet["EndUser"]):
    # Both statements are guarded by the digest that the guess was compared with and by the delay as it is once the row
    # is locked: of 200 guesses at once the first few are counted, and what the others found out is told to nobody.
    # Without a row to count on, the same is written to the log of the database, so that an unknown name and a delayed
    # one take as long as a wrong password: most of the time of a commit is waiting for the disk.
    COUNT_FAILURE = """
        WITH counted AS (
            UPDATE users_enduser
               SET password_failures = CASE WHEN password_refused_until < clock_timestamp() - %(forgotten)s
                                            THEN 1 ELSE password_failures + 1 END,
                   password_refused_until = CASE
                       WHEN password_failures < %(free)s THEN NULL
                       WHEN password_refused_until < clock_timestamp() - %(forgotten)s THEN NULL
                       ELSE clock_timestamp()
                            + least(%(first)s * 2 ^ least(password_failures - %(free)s, 20), %(longest)s) END
             WHERE id = %(user)s AND environment_id = %(environment)s AND password_digest = %(digest)s
               AND coalesce(password_refused_until <= clock_timestamp(), TRUE)
            RETURNING id
        )
        SELECT CASE WHEN NOT EXISTS (SELECT FROM counted)
                    THEN pg_logical_emit_message(TRUE, 'latchkey', repeat(' ', 150)) END
    """

    ACCEPT = """
        UPDATE users_enduser SET password_failures = 0, password_refused_until = NULL
         WHERE id = %(user)s AND environment_id = %(environment)s AND password_digest = %(digest)s
           AND coalesce(password_refused_until <= clock_timestamp(), TRUE)
        RETURNING id
    """

    def count_password_failure(self, environment: Environment, holder: PasswordHolder | None) -> None:
        """Count a wrong guess against its person and delay the next; the same work where there is nobody."""
        delays: dict[str, Any] = {"first": FIRST_DELAY, "longest": LONGEST_DELAY, "forgotten": FAILURES_FORGOTTEN_AFTER}
        rows(self.COUNT_FAILURE, {**_guard(environment, holder), **delays, "free": FREE_FAILURES})

    def accept_password(self, environment: Environment, holder: PasswordHolder | None) -> bool:
        """Let a right guess count, and lock the person. False: too soon after wrong ones, changed meanwhile, nobody."""
        return row(self.ACCEPT, _guard(environment, holder)) is not None

    def set_password(self, environment: Environment, user_id: uuid.UUID, digest: str) -> None:
        """A new password, and no count of wrong ones."""
        person = self.for_environment(environment).filter(id=user_id)
        person.update(password_digest=digest, password_failures=0, password_refused_until=None)

    def disown(self, environment: Environment, user_id: uuid.UUID, *, unless: str) -> bool:
        """Lock somebody who has proved no identifier yet and remove their password, unless it is the one with that
        digest; whether it was so."""
        unproved = self.for_environment(environment).exclude(identifiers__verified_at__isnull=False).filter(id=user_id)
        if unless:
            unproved = unproved.exclude(password_digest=unless)
        nothing = {"password_digest": NO_PASSWORD, "password_failures": 0, "password_refused_until": None}
        return bool(unproved.update(**nothing))

    def replace_digest(self, environment: Environment, holder: PasswordHolder, digest: str) -> None:
        """The same password under other parameters, unless it was changed meanwhile."""
        same = self.for_environment(environment).filter(id=holder.person.user_id, password_digest=holder.digest)
        same.update(password_digest=digest)


def _guard(environment: Environment, holder: PasswordHolder | None) -> dict[str, Any]:
    return {
        "environment": environment.id,
        "user": holder.person.user_id if holder else new_id(),
        "digest": holder.digest if holder else NO_PASSWORD,
    }


class EndUser(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    password_digest = models.CharField(
        max_length=128, blank=True, db_default="", editable=False, help_text="Argon2id, encoded."
    )
    password_failures = models.PositiveIntegerField(
        default=0, db_default=0, editable=False, help_text="Since the last right one."
    )
    password_refused_until = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[EndUserQuerySet] = EndUserQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (models.Index(fields=["environment", "created_at"], name="end_user_by_time"),)

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


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
            SELECT uuidv7(), %(environment)s, id, %(kind)s, %(value)s, %(verified_at)s, now() FROM fresh_user
            ON CONFLICT (environment_id, kind, value) DO NOTHING
            RETURNING user_id, verified_at IS NOT NULL, FALSE
        )
        SELECT *, FALSE FROM known UNION ALL SELECT *, TRUE FROM fresh
    """

    FIND = """
        SELECT i.user_id, i.verified_at IS NOT NULL, u.disabled_at IS NOT NULL
          FROM users_identifier i JOIN users_enduser u ON u.id = i.user_id
         WHERE i.environment_id = %(environment)s AND i.kind = %(kind)s AND i.value = %(value)s
    """

    def find(self, environment: Environment, kind: str, value: str) -> Person | None:
        known = row(self.FIND, {"environment": environment.id, "kind": kind, "value": value})
        return Person(*known) if known else None

    def holder(self, environment: Environment, kind: str, value: str) -> PasswordHolder | None:
        """Who has a password by this name."""
        known = (
            self.for_environment(environment)
            .filter(kind=kind, value=value)
            .exclude(user__password_digest=NO_PASSWORD)
            .values_list("user_id", "verified_at", "user__disabled_at", "user__password_digest")
            .first()
        )
        if known is None:
            return None
        user_id, verified_at, disabled_at, digest = known
        person = Person(user_id, is_verified=verified_at is not None, is_disabled=disabled_at is not None)
        return PasswordHolder(person, digest)

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
        registered = row(self.REGISTER, {**facts, "user": user_id})
        if registered:
            return Person(*registered)
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

    id = models.UUIDField(primary_key=True, default=new_row_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    value = models.CharField(max_length=254, help_text="Canonical (apps.core.identifiers).")
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[IdentifierQuerySet] = IdentifierQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["environment", "kind", "value"], name="identifier_value"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.user_id}"
