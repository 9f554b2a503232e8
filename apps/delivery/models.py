"""The outbox. It carries messages and knows neither codes nor users: `reference` is for the composer to read."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.crypto import new_id
from apps.core.identifiers import Channel
from apps.delivery.providers import http, smtp
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet

# Longer than the longest a provider may take, else a second worker would send what the first is still sending.
LEASE = timedelta(seconds=max(smtp.WORST_CASE_SECONDS, http.WORST_CASE_SECONDS) + 5)
FIRST_RETRY_SECONDS = 1
LONGEST_RETRY_SECONDS = 60
CAPTURED_TTL = timedelta(hours=24)


class MessageQuerySet(EnvironmentQuerySet["Message"]):
    # Claiming pushes `due_at` behind the lease, so a claim whose worker died falls due again by itself. `now()` and not
    # `clock_timestamp()`: the latter is volatile and would cost the index. SKIP LOCKED lets workers pass each other.
    CLAIM = """
        UPDATE delivery_message SET due_at = now() + %s, claim = claim + 1, attempts = attempts + 1
         WHERE id IN (SELECT id FROM delivery_message WHERE state = 'queued' AND due_at <= now()
                       ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
        RETURNING *
    """

    ENQUEUE = """
        INSERT INTO delivery_message (id, environment_id, channel, template, reference, recipient, language,
               state, created_at, due_at, expires_at, attempts, claim, outcome, segments)
        VALUES (%(id)s, %(environment)s, %(channel)s, %(template)s, %(reference)s, %(recipient)s, %(language)s,
               'queued', now(), now(), now() + %(ttl)s, 0, 0, '', 0)
    """

    def claim(self, limit: int) -> list[Message]:
        """Take at most `limit` due messages of all environments, each for the length of LEASE."""
        return list(self.raw(self.CLAIM, [LEASE, limit]))

    def enqueue(
        self,
        environment: Environment,
        *,
        channel: Channel,
        template: str,
        reference: uuid.UUID,
        recipient: str,
        language: str,
        ttl: float,
    ) -> None:
        """Add one message, in the caller's transaction. After `ttl` seconds it would be of no use to its reader.

        A statement of our own, because this is part of every start of a sign-in: the ORM's costs four times the CPU.
        """
        parameters: dict[str, Any] = {
            "id": new_id(),
            "environment": environment.id,
            "channel": channel,
            "template": template,
            "reference": reference,
            "recipient": recipient,
            "language": language,
            "ttl": timedelta(seconds=ttl),
        }
        with connection.cursor() as cursor:
            cursor.execute(self.ENQUEUE, parameters)

    def purge(self, before: timedelta) -> int:
        """Remove what is older than `before`, which has to be longer than any code lives; returns how many."""
        return self.delete_in_batches("created_at", before)


class Message(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        CAPTURED = "captured"
        OBSOLETE = "obsolete", "nothing to say any more"
        DEAD = "dead", "could not be delivered"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=8, choices=[(channel, channel) for channel in Channel])
    template = models.CharField(max_length=32)
    reference = models.UUIDField()
    recipient = models.CharField(max_length=254)
    language = models.CharField(max_length=16)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    claim = models.PositiveIntegerField(default=0, help_text="The fence: only the holder of the last claim may write.")
    outcome = models.CharField(max_length=200, blank=True, help_text="The provider's words, without addresses.")
    segments = models.PositiveSmallIntegerField(default=0, help_text="Of a text message: what it is billed by.")

    objects: ClassVar[MessageQuerySet] = MessageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (
            # For CLAIM alone. A statement that looks up one message and says that it is queued would else be taken for
            # one that may read this index, which is small as long as nothing waits: all of it, for each message of a
            # queue that has grown. CLAIM says by "due_at <=" that due_at is not NULL; the others say nothing of it.
            models.Index(
                fields=["due_at"], name="message_due", condition=models.Q(state="queued", due_at__isnull=False)
            ),
            models.Index(fields=["environment", "created_at"], name="message_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.template} by {self.channel}, {self.state}"

    def renew(self) -> bool:
        """Start the lease anew just before the provider is called; False when another worker holds it by now."""
        return self._settle(due_at=Now() + LEASE)

    def sent(self, outcome: str, *, segments: int = 0) -> bool:
        return self._settle(state=self.State.SENT, outcome=outcome[:200], segments=segments)

    def captured(self, *, segments: int = 0) -> bool:
        return self._settle(state=self.State.CAPTURED, segments=segments)

    def obsolete(self, why: str) -> bool:
        return self._settle(state=self.State.OBSOLETE, outcome=why)

    def dead(self, why: str) -> bool:
        """A dead letter: kept for the operator to see, and never tried again."""
        return self._settle(state=self.State.DEAD, outcome=why[:200])

    def retry(self, why: str) -> bool:
        """Due again after a growing pause; a dead letter when it would come too late for its reader."""
        pause = timedelta(seconds=min(FIRST_RETRY_SECONDS * 2 ** (self.attempts - 1), LONGEST_RETRY_SECONDS))
        if timezone.now() + pause >= self.expires_at:
            return self.dead(why)
        return self._settle(due_at=Now() + pause, outcome=why[:200])

    def _settle(self, **values: Any) -> bool:
        """Write only while this claim is the last one: a worker that stalled past its lease changes nothing."""
        return bool(Message.objects.filter(id=self.id, claim=self.claim, state=self.State.QUEUED).update(**values))


class CapturedMessageQuerySet(EnvironmentQuerySet["CapturedMessage"]):
    def fresh(self) -> CapturedMessageQuerySet:
        return self.filter(created_at__gt=Now() - CAPTURED_TTL)

    def purge(self) -> int:
        return self.delete_in_batches("created_at", CAPTURED_TTL)


class CapturedMessage(models.Model):
    """What would have been sent from an environment that has no provider; the body is sealed, and gone after a day."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    recipient = models.CharField(max_length=254)
    body_sealed = models.BinaryField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[CapturedMessageQuerySet] = CapturedMessageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (
            models.Index(fields=["environment", "recipient", "-created_at"], name="captured_by_recipient"),
            models.Index(fields=["environment", "created_at"], name="captured_by_time"),
        )

    def __str__(self) -> str:
        return f"captured at {self.created_at:%Y-%m-%dT%H:%M:%SZ}"

    def seal(self, body: bytes) -> None:
        self.body_sealed = self.environment.seal(body, "captured", "body_sealed", self.id)

    def unseal(self) -> bytes:
        return self.environment.unseal(bytes(self.body_sealed), "captured", "body_sealed", self.id)
