"""Who owns what: tenant → project → environment → application key. An Environment is the wall."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core import crypto
from apps.core.database import first_query
from apps.tenants import validators
from apps.tenants.operators import Membership, Operator
from apps.tenants.querysets import EnvironmentQuerySet
from apps.tenants.snapshots import Snapshot, Snapshots

__all__ = ["ApplicationKey", "Environment", "Membership", "Operator", "Project", "Tenant"]

LAST_USED_PRECISION = timedelta(minutes=1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """How a URL names an environment: by project and name, or by its own id."""

    environment_id: uuid.UUID | None = None
    project_id: uuid.UUID | None = None
    name: str = ""

    def lookup(self, prefix: str = "") -> dict[str, object]:
        if self.environment_id:
            return {f"{prefix}id": self.environment_id}
        return {f"{prefix}project_id": self.project_id, f"{prefix}name": self.name}


def note_use(row: Any, **facts: Any) -> None:
    """Keep a credential's `last_used_at` right within a minute, at the price of one statement a minute. A row that was
    revoked since it was read has no uses any more."""
    now: datetime = timezone.now()
    if row.last_used_at is None or row.last_used_at < now - LAST_USED_PRECISION:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_PRECISION)
        rows = type(row).objects.filter(stale, id=row.id, revoked_at=None)
        rows.update(last_used_at=now, **facts)


class Tenant(models.Model):
    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    name = models.CharField(max_length=100)
    is_system = models.BooleanField(default=False, editable=False, help_text="Holds the operators' own sign-in.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["is_system"], condition=models.Q(is_system=True), name="one_system_tenant"),
        )

    def __str__(self) -> str:
        return self.name


class Project(models.Model):
    """A product of a tenant. Its data key seals whatever its environments must keep secret."""

    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=100, help_text="Shown to end users, in the messages they receive.")
    data_key_sealed = models.BinaryField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        if not self.data_key_sealed:
            self.data_key_sealed = crypto.wrap_data_key(crypto.random_bytes(32), self.id)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @property
    def data_key(self) -> bytes:
        return crypto.unwrap_data_key(bytes(self.data_key_sealed), self.id)


def seconds(default: int, low: int, high: int, help_text: str) -> models.PositiveIntegerField[int, int]:
    bounds = [MinValueValidator(low), MaxValueValidator(high)]
    return models.PositiveIntegerField(default=default, validators=bounds, help_text=f"{help_text} In seconds.")


class EnvironmentsQuerySet(models.QuerySet["Environment"]):
    snapshots: Snapshots[Environment] = Snapshots(
        "tenants_environment",
        "tenants_project",
        joins="JOIN tenants_project ON tenants_project.id = tenants_environment.project_id",
    )

    def at(self, address: Address) -> Environment | None:
        """The environment that a URL names, with its project: one statement."""
        return self.snapshots.get(address, lambda: self.filter(**address.lookup()).select_related("project"))

    def recalled(self, address: Address) -> Environment | None:
        """The same as it was remembered; its statements ask whether it is still so (Environment.unchanged)."""
        known = self.snapshots.recall(address)
        return known and known[0].asking(known[1])

    def look(self, address: Address, find: Callable[[Environment], T | None]) -> T | None:
        """What `find` finds in the environment at this address; None also where there is none.

        What is remembered of the environment costs no statement of its own where that of `find` asks whether it is
        still so (Environment.unchanged). Where none has asked, which is so for what it refuses, this does, before
        anybody hears of it. A request's first query, which reads only.
        """
        remembered = self.recalled(address)
        if remembered is not None:
            found = first_query(lambda: find(remembered))
            if remembered.is_current():
                return found
        environment = self.at(address)
        return find(environment) if environment else None


class Environment(models.Model):
    """A project's development, staging or production world, and the policy that holds in it."""

    class Kind(models.TextChoices):
        DEVELOPMENT = "development"
        STAGING = "staging"
        PRODUCTION = "production"

    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=32, validators=[RegexValidator(r"^[a-z][a-z0-9-]*$")])
    kind = models.CharField(max_length=16, choices=Kind.choices, default=Kind.DEVELOPMENT)
    issuer = models.CharField(
        max_length=200, help_text="Who signs this environment's tokens; clients compare it to the character."
    )
    passage_issuer = models.CharField(
        max_length=200, help_text="The same for its Passage tokens: the address that dialect's clients use."
    )
    default_language = models.CharField(max_length=16, default="en")
    created_at = models.DateTimeField(auto_now_add=True)

    concealment = models.BooleanField(
        default=True, help_text="Answer alike whether a person exists or not, until they proved a code."
    )
    sign_up_open = models.BooleanField(default=True, help_text="Whether new end users are allowed.")

    code_length = models.PositiveSmallIntegerField(
        default=6, validators=[MinValueValidator(4), MaxValueValidator(10)], help_text="Digits."
    )
    code_ttl = seconds(600, 60, 1800, "How long a code lives.")
    max_tries = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1), MaxValueValidator(10)])
    resend_after = seconds(30, 0, 600, "Between two messages while a code lives.")
    code_requests_per_day = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Messages for one purpose to one address in 24 hours; empty means no limit beyond that of an hour.",
    )
    usual_failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Wrong codes in ten minutes, on the average of the last week."
    )

    access_token_ttl = seconds(3600, 60, 86_400, "How long an access token lives.")
    session_idle_ttl = seconds(30 * 86_400, 600, 400 * 86_400, "A session not refreshed for so long ends.")
    session_absolute_ttl = seconds(90 * 86_400, 600, 400 * 86_400, "No session lives longer.")
    refresh_grace = seconds(60, 0, 120, "How long the refresh token before the current one still answers.")

    requests_per_minute = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=300,
        validators=[MinValueValidator(1)],
        help_text="Per client address and step; empty means no limit.",
    )

    allows_keyless_clients = models.BooleanField(
        default=False, help_text="For clients that cannot send an APP-KEY, such as Passage's SDKs."
    )
    password_grant = models.BooleanField(
        default=False, help_text="Let SMTPD's clients send a person's password or code in exchange for tokens."
    )
    otp_send = models.BooleanField(default=False, help_text="Let Satellite's clients request codes for people.")
    api_key_prefix = models.CharField(
        max_length=10,
        default="sp",
        validators=[RegexValidator(r"^[a-z]{2,10}$", "Two to ten small letters.")],
        help_text="What its API keys start with; sp makes sp_live_… in production and sp_test_… elsewhere.",
    )
    api_key_idle_ttl = models.PositiveIntegerField(
        null=True,
        blank=True,
        default=90 * 86_400,
        validators=[MinValueValidator(86_400), MaxValueValidator(3650 * 86_400)],
        help_text="An API key not used for so long is revoked; empty means never. In seconds.",
    )
    auth_origin = models.CharField(
        max_length=200,
        blank=True,
        validators=[validators.origin],
        help_text="Where the product is: an audience of its Passage tokens.",
    )
    redirect_url = models.CharField(
        max_length=200,
        default="/",
        validators=[validators.destination],
        help_text="Where Passage's clients go after a sign-in.",
    )

    default_region = models.CharField(
        max_length=2,
        blank=True,
        validators=[validators.region],
        help_text="The country of phone numbers without a country code (ISO 3166).",
    )
    sms_countries = ArrayField(
        models.CharField(max_length=2, validators=[validators.region]),
        default=list,
        blank=True,
        help_text="Where text messages may go (ISO 3166); empty means everywhere.",
    )
    sms_domain = models.CharField(
        max_length=253,
        blank=True,
        validators=[validators.host_name],
        help_text="The site whose code fields phones fill in by themselves.",
    )
    sms_provider_sealed = models.BinaryField(null=True, editable=False)

    mail_from = models.CharField(
        max_length=254,
        blank=True,
        validators=[validators.sender],
        help_text="For its own mail server; through the platform's, the platform's sender is used.",
    )
    mail_url_sealed = models.BinaryField(null=True, editable=False)

    objects: ClassVar[EnvironmentsQuerySet] = EnvironmentsQuerySet.as_manager()  # type: ignore[assignment]

    snapshot: Snapshot | None = None
    """Set while nobody has asked yet whether it is still as it was remembered."""

    class Meta:
        constraints = (models.UniqueConstraint(fields=["project", "name"], name="environment_name"),)

    def __str__(self) -> str:
        return f"{self.project} {self.name}"

    def asking(self, snapshot: Snapshot) -> Environment:
        """A copy for one request; what is remembered is everybody's."""
        twin = Environment.__new__(Environment)
        twin.__dict__ = {**self.__dict__, "snapshot": snapshot}
        return twin

    def confirmed(self) -> None:
        """The statement that asked has found what it looked for, so it is as it was remembered."""
        if self.snapshot is not None:
            self.snapshot = None

    def is_current(self) -> bool:
        """Whether it is as it was remembered, asked unless somebody has already."""
        return self.snapshot is None or self.snapshot.is_current()

    @property
    def unchanged(self) -> str:
        """A condition for a step's first statement, with the parameters of `unchanged_parameters`. Whoever uses it says
        `confirmed` when the statement has answered."""
        return self.snapshot.unchanged if self.snapshot else "TRUE"

    @property
    def unchanged_parameters(self) -> dict[str, Any]:
        return self.snapshot.parameters if self.snapshot else {}

    @property
    def is_production(self) -> bool:
        return self.kind == self.Kind.PRODUCTION

    @property
    def key_mode(self) -> str:
        """The word in a key that tells people what it opens: `live` in production, else `test`."""
        return "live" if self.is_production else "test"

    @property
    def mail_url(self) -> str | None:
        """The SMTP settings of this environment's own provider as a URL; None when it uses the platform's."""
        if self.mail_url_sealed is None:
            return None
        return self.unseal(bytes(self.mail_url_sealed), "environment", "mail_url_sealed", self.id).decode()

    @mail_url.setter
    def mail_url(self, url: str | None) -> None:
        self.mail_url_sealed = (
            self.seal(url.encode(), "environment", "mail_url_sealed", self.id) if url is not None else None
        )

    @property
    def sms_provider(self) -> str | None:
        """JSON as apps.delivery.providers.sms reads it; None when the environment uses the platform's."""
        if self.sms_provider_sealed is None:
            return None
        return self.unseal(bytes(self.sms_provider_sealed), "environment", "sms_provider_sealed", self.id).decode()

    @sms_provider.setter
    def sms_provider(self, provider: str | None) -> None:
        self.sms_provider_sealed = (
            self.seal(provider.encode(), "environment", "sms_provider_sealed", self.id)
            if provider is not None
            else None
        )

    def seal(self, plaintext: bytes, table: str, column: str, row: uuid.UUID) -> bytes:
        return crypto.seal(self.project.data_key, plaintext, table=table, column=column, row=row)

    def unseal(self, sealed: bytes, table: str, column: str, row: uuid.UUID) -> bytes:
        return crypto.unseal(self.project.data_key, sealed, table=table, column=column, row=row)


class ApplicationKeyQuerySet(EnvironmentQuerySet["ApplicationKey"]):
    snapshots: Snapshots[ApplicationKey] = Snapshots(
        "tenants_applicationkey",
        "tenants_environment",
        "tenants_project",
        joins="JOIN tenants_environment ON tenants_environment.id = tenants_applicationkey.environment_id"
        " JOIN tenants_project ON tenants_project.id = tenants_environment.project_id",
    )

    def usable(self) -> ApplicationKeyQuerySet:
        now = timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)

    def presented(self, secret: str, address: Address) -> ApplicationKey | None:
        """The usable key that `secret` is at this address, with environment and project: one statement.

        Junk costs no query: its checksum is wrong. A key of another environment is as unknown as any other.
        """
        if not crypto.is_well_formed_key(secret):
            return None
        digest = crypto.digest(secret)
        here = {**address.lookup("environment__"), "digest": digest}
        key = self.snapshots.get((address, digest), lambda: self.filter(**here).select_related("environment__project"))
        return key if key and key.is_usable else None

    def recalled(self, secret: str, address: Address) -> tuple[ApplicationKey, Environment] | None:
        """The same as it was remembered, without a statement; those of its environment ask whether it is still so."""
        known = self.snapshots.recall((address, crypto.digest(secret)))
        if known is None or not known[0].is_usable:
            return None
        key, snapshot = known
        return key, key.environment.asking(snapshot)


class ApplicationKey(models.Model):
    """The `APP-KEY` header. Keys come and go; `client_id` names the application and outlives them."""

    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="application_keys", db_index=False
    )
    client_id = models.UUIDField(default=crypto.new_id, editable=False)
    name = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32, editable=False)
    last_four = models.CharField(max_length=4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[ApplicationKeyQuerySet] = ApplicationKeyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["environment", "digest"], name="application_key_digest"),)

    def __str__(self) -> str:
        return f"{self.name} …{self.last_four}"

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > timezone.now())

    def touch(self) -> None:
        note_use(self)
