"""The outbox. It carries messages and knows neither codes nor users: `reference` is for the composer to read."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from datetime import timedelta
from typing import ClassVar

from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone

from apps.core.crypto import new_row_id
from apps.core.identifiers import Channel
from apps.delivery.outcomes import Outcome, parameters
from apps.delivery.providers import http, smtp
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet

# A claim this young needs no renewal: what is left of its lease is still longer than the longest call of a provider.
FRESH_SECONDS = 2.0
# Longer than the longest a provider may take, else a second worker would send what the first is still sending; the five
# seconds are for writing down how it went.
LEASE = timedelta(seconds=FRESH_SECONDS + max(smtp.WORST_CASE_SECONDS, http.WORST_CASE_SECONDS) + 5)
FIRST_RETRY_SECONDS = 1
LONGEST_RETRY_SECONDS = 60
CAPTURED_TTL = timedelta(hours=24)


class MessageQuerySet(EnvironmentQuerySet["Message"]):
    # Claiming pushes `due_at` behind the lease, so a claim whose worker died falls due again by itself. `now()` and not
    # `clock_timestamp()`: the latter is volatile and would cost the index. SKIP LOCKED lets workers pass each other.
    # ARRAY() is run once; a plan may run an IN () again for each row and so claim more than was asked for.
    # It takes messages of all environments. apps/passwordless/claims.py puts it into a statement that reads, with the
    # messages, what composing them needs; here nothing is known of codes and users.
    CLAIM = """
        UPDATE delivery_message SET due_at = now() + %(lease)s, claim = claim + 1, attempts = attempts + 1
         WHERE id = ANY (ARRAY(SELECT id FROM delivery_message WHERE state = 'queued' AND due_at <= now()
                                                                  AND environment_id <> ALL(%(full)s::uuid[])
                                ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
        RETURNING *
    """

    # One statement for all that has ended since the last one. The fence stands in it: a worker that stalled past its
    # lease changes nothing, because `claim` has moved on. The ids stand in it twice, because a plan does not know how
    # few outcomes there are and could, made while the table was small, go through all of it.
    SETTLE = """
        UPDATE delivery_message AS m
           SET state = o.state, outcome = o.words, segments = o.segments, due_at = coalesce(now() + o.pause, m.due_at)
          FROM unnest(%(ids)s::uuid[], %(claims)s::integer[], %(states)s::text[], %(words)s::text[],
                      %(segments)s::integer[], %(pauses)s::interval[])
            AS o (id, claim, state, words, segments, pause)
         WHERE m.id = ANY(%(ids)s::uuid[]) AND m.id = o.id AND m.claim = o.claim AND m.state = 'queued'
    """

    def settle(self, outcomes: Collection[Outcome]) -> int:
        """Write down what became of claimed messages; returns how many of the claims were still the last ones."""
        with connection.cursor() as cursor:
            cursor.execute(self.SETTLE, parameters(outcomes))
            return int(cursor.rowcount)

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

    id = models.UUIDField(primary_key=True, default=new_row_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
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

    claimed_at: float = -math.inf
    """By time.monotonic(), of this process: the lease is at least that old. Only a claim sets it."""

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
        """Make sure of the lease just before the provider is called; False when another worker holds it by now.

        A claim that was made just now is sure of it by the clock: it was measured from before the statement began, and
        nobody else can claim before its lease ends. Any other starts its lease anew, if the fence lets it.
        """
        if time.monotonic() - self.claimed_at < FRESH_SECONDS:
            return True
        held = Message.objects.filter(id=self.id, claim=self.claim, state=self.State.QUEUED)
        return bool(held.update(due_at=Now() + LEASE))

    def sent(self, words: str, *, segments: int = 0) -> Outcome:
        return Outcome(self.id, self.claim, self.State.SENT, words[:200], segments)

    def captured(self, *, segments: int = 0) -> Outcome:
        return Outcome(self.id, self.claim, self.State.CAPTURED, segments=segments)

    def obsolete(self, why: str) -> Outcome:
        return Outcome(self.id, self.claim, self.State.OBSOLETE, why)

    def dead(self, why: str) -> Outcome:
        """A dead letter: kept for the operator to see, and never tried again."""
        return Outcome(self.id, self.claim, self.State.DEAD, why[:200])

    def given_back(self) -> Outcome:
        """It was never begun: due at once for whoever claims next."""
        return Outcome(self.id, self.claim, self.State.QUEUED, pause=timedelta(0))

    def retry(self, why: str) -> Outcome:
        """Due again after a growing pause; a dead letter when it would come too late for its reader."""
        pause = timedelta(seconds=min(FIRST_RETRY_SECONDS * 2 ** (self.attempts - 1), LONGEST_RETRY_SECONDS))
        if timezone.now() + pause >= self.expires_at:
            return self.dead(why)
        return Outcome(self.id, self.claim, self.State.QUEUED, why[:200], pause=pause)


class CapturedMessageQuerySet(EnvironmentQuerySet["CapturedMessage"]):
    def fresh(self) -> CapturedMessageQuerySet:
        return self.filter(created_at__gt=Now() - CAPTURED_TTL)

    def purge(self) -> int:
        return self.delete_in_batches("created_at", CAPTURED_TTL)


class CapturedMessage(models.Model):
    """What would have been sent from an environment that has no provider; the body is sealed, and gone after a day."""

    id = models.UUIDField(primary_key=True, default=new_row_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
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
