"""API keys: secrets for servers and integrations, scoped and revocable."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.core import crypto
from apps.core.errors import InvalidToken
from apps.tenants.models import LAST_USED_PRECISION, Address, Environment
from apps.tenants.querysets import EnvironmentQuerySet

DEFAULT_PREFIX = "sk"


class Scope(models.TextChoices):
    READ_MESSAGES = "messages:read", "read captured messages"


class ApiKeyQuerySet(EnvironmentQuerySet["ApiKey"]):
    def mint(
        self, environment: Environment, *, name: str, scopes: list[str], secret: str | None = None
    ) -> tuple[ApiKey, str]:
        """A new key and its secret, which is nowhere after this."""
        secret = secret or crypto.new_key(f"{DEFAULT_PREFIX}_{environment.key_mode}")
        key = self.create(
            environment=environment,
            name=name,
            scopes=scopes,
            digest=crypto.digest(secret),
            last_four=secret[-4:],
        )
        return key, secret

    def presented(self, secret: str, address: Address, scope: Scope) -> ApiKey:
        """The usable key that `secret` is at this address. Raises InvalidToken; a broken checksum costs no query."""
        if not crypto.is_well_formed_key(secret):
            raise InvalidToken
        now = timezone.now()
        here = self.filter(**address.lookup("environment__"))
        usable = here.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=now), revoked_at=None)
        key = usable.filter(digest=crypto.digest(secret)).select_related("environment__project").first()
        if key is None or scope not in key.scopes:
            raise InvalidToken
        key.touch(now)
        return key


class ApiKey(models.Model):
    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="api_keys", db_index=False)
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    scopes = ArrayField(models.CharField(max_length=40))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[ApiKeyQuerySet] = ApiKeyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["environment", "digest"], name="api_key_digest"),)

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def touch(self, now: datetime) -> None:
        """Keep `last_used_at` right within a minute."""
        if self.last_used_at is None or self.last_used_at < now - LAST_USED_PRECISION:
            stale = models.Q(last_used_at=None) | models.Q(last_used_at__lt=now - LAST_USED_PRECISION)
            ApiKey.objects.filter(stale, id=self.id).update(last_used_at=now)
