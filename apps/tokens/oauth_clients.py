"""OAuth clients (RFC 6749 section 2): `client_id` and `client_secret`, for applications that can keep a secret."""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core import crypto
from apps.core.database import row
from apps.tenants.models import Address, Environment, Project, note_use
from apps.tenants.querysets import EnvironmentQuerySet
from apps.tenants.rows import columns, with_environment
from apps.tokens.scopes import MAX_SCOPE_LENGTH, SCOPE_TOKEN

CLIENT_ID = re.compile(r"[0-9a-f]{32}")


class Grant(models.TextChoices):
    CLIENT_CREDENTIALS = "client_credentials", "client credentials"
    PASSWORD = "password", "password or code"
    REFRESH_TOKEN = "refresh_token", "refresh token"


def default_grants() -> list[str]:
    return [Grant.CLIENT_CREDENTIALS, Grant.REFRESH_TOKEN]


class OAuthClientQuerySet(EnvironmentQuerySet["OAuthClient"]):
    # Asked with every request to a token endpoint: through the ORM it costs as much as the rest of the request.
    PRESENTED = """
        SELECT {columns}
          FROM tokens_oauthclient k
          JOIN tenants_environment e ON e.id = k.environment_id
          JOIN tenants_project p ON p.id = e.project_id
         WHERE k.id = %(client)s AND {place}
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    """

    def usable(self) -> OAuthClientQuerySet:
        now = timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)

    def register(
        self,
        environment: Environment,
        *,
        name: str,
        grants: list[str] | None = None,
        scopes: list[str] | None = None,
        secret: str | None = None,
    ) -> tuple[OAuthClient, str]:
        """A new client and its secret, which is nowhere after this. Raises ValidationError for what is no scope."""
        client = OAuthClient(environment=environment, name=name, scopes=scopes or [])
        client.grants = default_grants() if grants is None else grants
        client.clean()
        secret = secret or crypto.new_client_secret()
        client.set_secret(secret)
        client.save(force_insert=True)
        return client, secret

    def presented(self, client_id: str, secret: str, address: Address) -> OAuthClient | None:
        """The usable client at this address, with environment and project in the same statement. Junk costs none."""
        known = parse_client_id(client_id)
        if known is None or not crypto.is_well_formed_key(secret):
            return None
        place: dict[str, Any] = address.lookup()
        statement = self.PRESENTED.format(
            columns=columns(OAuthClient, Environment, Project),
            place=" AND ".join(f"e.{column} = %({column})s" for column in place),
        )
        parameters: dict[str, Any] = {**place, "client": known}
        found = row(statement, parameters)
        if found is None:
            return None
        client, environment = with_environment(OAuthClient, found)
        client.environment = environment
        return client if client.opens(secret) else None


class OAuthClient(models.Model):
    """`client_id` on the wire is the id in hexadecimal: letters and digits, as the secret, because clients disagree on
    how to encode anything else for HTTP Basic (contracts/clients.md, trap 2)."""

    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="oauth_clients", db_index=False)
    name = models.CharField(max_length=100)
    grants = ArrayField(models.CharField(max_length=32, choices=Grant.choices), default=default_grants)
    scopes = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    digest = models.BinaryField(max_length=32, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    previous_digest = models.BinaryField(null=True, max_length=32, editable=False)
    previous_expires_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_ip = models.GenericIPAddressField(null=True, editable=False)

    objects: ClassVar[OAuthClientQuerySet] = OAuthClientQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (models.Index(fields=["environment", "created_at"], name="oauth_client_by_time"),)

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"

    def clean(self) -> None:
        """Raises ValidationError for scopes that no request could ask for, or that no session could keep."""
        if not all(SCOPE_TOKEN.fullmatch(scope) for scope in self.scopes) or len(self.scope) > MAX_SCOPE_LENGTH:
            raise ValidationError({"scopes": "Each a word without quotes, and not too many of them."})

    @property
    def scope(self) -> str:
        """All it may have, as RFC 6749 section 3.3 writes it."""
        return " ".join(self.scopes)

    @property
    def client_id(self) -> str:
        return self.id.hex

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def set_secret(self, secret: str) -> None:
        self.digest, self.last_four = crypto.digest(secret), secret[-4:]

    def replace_secret(self, secret: str, *, previous_ends_at: datetime) -> None:
        """The secret until now works until `previous_ends_at`, so that servers can be changed over."""
        self.previous_digest, self.previous_expires_at = self.digest, previous_ends_at
        self.set_secret(secret)

    def opens(self, secret: str) -> bool:
        """Whether this is its secret, or the one before while that still works. Both are always compared."""
        presented = crypto.digest(secret)
        is_current = crypto.equal(presented, bytes(self.digest))
        is_previous = crypto.equal(presented, bytes(self.previous_digest or b""))
        return is_current or (is_previous and self._previous_works())

    def _previous_works(self) -> bool:
        return self.previous_expires_at is not None and self.previous_expires_at > timezone.now()

    def touch(self, ip: str) -> None:
        note_use(self, last_used_ip=ip or None)


def parse_client_id(text: str) -> uuid.UUID | None:
    """None for what no client is called. One spelling only: UUID takes underscores and other scripts' digits too."""
    return uuid.UUID(hex=text) if CLIENT_ID.fullmatch(text) else None
