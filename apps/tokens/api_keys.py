"""API keys: secrets for servers and integrations, scoped and revocable."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from apps.core import crypto
from apps.core.database import row
from apps.core.errors import InvalidToken
from apps.tenants.models import Address, Environment, note_use
from apps.tenants.querysets import EnvironmentQuerySet
from apps.users.models import EndUser

M = TypeVar("M", bound=models.Model)


class Scope(models.TextChoices):
    """What a key may do here. A key may hold other scopes too: those mean something to the customer's own servers."""

    READ_MESSAGES = "messages:read", "read captured messages"
    INTROSPECT = "tokens:introspect", "introspect tokens and keys"
    ACCOUNT = "account", "act for the person it belongs to"


# They open what is everybody's in the environment, so no key of a person has them.
PLATFORM_SCOPES = frozenset({Scope.READ_MESSAGES.value, Scope.INTROSPECT.value})


# What is read of a key that is presented, in the model's order; any other field would be a statement more.
PRESENTED_FIELDS = (
    "id",
    "environment_id",
    "user_id",
    "client_id",
    "scopes",
    "created_at",
    "expires_at",
    "last_used_at",
)


class ApiKeyQuerySet(EnvironmentQuerySet["ApiKey"]):
    # The key with its owner's address, in one statement: through the ORM, which builds it anew each time, it costs
    # seven times the CPU. Whatever opens nothing is left out here, so that there is one answer for all of it.
    PRESENTED = """
        SELECT $columns, i.value, i.verified_at IS NOT NULL
          FROM tokens_apikey k
          LEFT JOIN users_enduser u ON u.id = k.user_id
          LEFT JOIN LATERAL (SELECT value, verified_at FROM users_identifier
                              WHERE environment_id IS NOT DISTINCT FROM k.environment_id
                                AND user_id = k.user_id AND kind = 'email'
                              ORDER BY created_at LIMIT 1) i ON TRUE
         WHERE k.environment_id = %(environment)s AND k.digest = %(digest)s
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.disabled_at IS NULL
           AND $unchanged
    """.replace("$columns", ", ".join(f"k.{name}" for name in PRESENTED_FIELDS))

    def mint(
        self, environment: Environment, *, name: str, scopes: list[str], secret: str | None = None, **facts: Any
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is nowhere after this. `facts`: user_id, client_id, site_url, expires_at."""
        secret = secret or crypto.new_key(key_prefix(environment))
        key = self.create(
            environment=environment,
            name=name,
            scopes=scopes,
            digest=crypto.digest(secret),
            last_four=secret[-4:],
            **facts,
        )
        return key, secret

    def usable(self) -> ApiKeyQuerySet:
        """Neither revoked nor expired, and of nobody who is disabled."""
        lives = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        return self.filter(lives, revoked_at=None, user__disabled_at=None)

    def server(self, secret: str, address: Address, scope: str | None, ip: str) -> ApiKey:
        """A key with this scope, or any, that belongs to no person. Raises InvalidToken."""
        key = self.presented(secret, address, scope, ip)
        if scope in PLATFORM_SCOPES and key.user_id is not None:
            raise InvalidToken
        return key

    def presented(self, secret: str, address: Address, scope: str | None, ip: str = "") -> ApiKey:
        """The usable key that `secret` is at this address, with this scope or any. Raises InvalidToken; a broken
        checksum costs no query."""
        if not crypto.is_well_formed_key(secret):
            raise InvalidToken
        digest = crypto.digest(secret)
        key = Environment.objects.look(address, lambda environment: self._found(environment, digest))
        if key is None or (scope is not None and scope not in key.scopes):
            raise InvalidToken
        key.touch(ip)
        return key

    def _found(self, environment: Environment, digest: bytes) -> ApiKey | None:
        statement = self.PRESENTED.replace("$unchanged", environment.unchanged)
        parameters = {"environment": environment.id, "digest": digest, **environment.unchanged_parameters}
        found = row(statement, parameters)
        if found is None:
            return None
        environment.confirmed()
        *facts, email, is_verified = found
        key = ApiKey.from_db(DEFAULT_DB_ALIAS, PRESENTED_FIELDS, facts)
        key.environment = environment
        key.owner_email, key.owner_email_verified = email, is_verified
        return key

    def of_person(self, environment: Environment, user_id: uuid.UUID) -> ApiKeyQuerySet:
        return self.for_environment(environment).filter(user_id=user_id)

    def unused_longest(self) -> ApiKeyQuerySet:
        """Who was not used for longest comes first."""
        return self.order_by(Coalesce("last_used_at", "created_at"))

    def revoke_unused(self, size: int) -> list[ApiKey]:
        """Revoke up to `size` keys that were not used for longer than their environments allow. Call it inside the
        transaction that records it; a key in use at this moment is left alone."""
        allowed = models.ExpressionWrapper(
            models.F("environment__api_key_idle_ttl") * models.Value(timedelta(seconds=1), models.DurationField()),
            output_field=models.DurationField(),
        )
        last_used = Coalesce("last_used_at", "created_at", output_field=models.DateTimeField())
        unused = self.filter(revoked_at=None).alias(last_used=last_used).filter(last_used__lt=Now() - allowed)
        keys = list(unused.select_for_update(of=("self",), skip_locked=True).select_related("environment")[:size])
        self.filter(id__in=[key.id for key in keys]).update(revoked_at=Now())
        return keys


def key_prefix(environment: Environment) -> str:
    """Such as `sp_live`: what secret scanners and people know a key by."""
    return f"{environment.api_key_prefix}_{environment.key_mode}"


class ApiKey(models.Model):
    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="api_keys", db_index=False)
    user = models.ForeignKey(EndUser, on_delete=models.CASCADE, null=True, blank=True, related_name="api_keys")
    client_id = models.UUIDField(default=crypto.new_id, editable=False, help_text="Outlives rotation.")
    name = models.CharField(max_length=100)
    site_url = models.CharField(max_length=500, blank=True, help_text="Where its owner uses it, as they said.")
    digest = models.BinaryField(max_length=32, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, editable=False)

    # No columns: what `presented` has found out about the owner on the way.
    owner_email: str | None = None
    owner_email_verified: bool = False

    objects: ClassVar[ApiKeyQuerySet] = ApiKeyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["environment", "digest"], name="api_key_digest"),)
        indexes = (
            models.Index(fields=["environment", "user", "created_at"], name="api_key_by_user"),
            # For the operators' list of people's keys: without it, each page sorts all of an environment's.
            models.Index(fields=["environment", "created_at"], name="api_key_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def touch(self, ip: str) -> None:
        note_use(self, last_used_ip=ip or None)
