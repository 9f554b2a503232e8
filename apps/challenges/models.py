"""Challenges: issue, check, consume. What bounds guessing is here, in SQL, and holds whatever Redis does."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from apps.challenges import codes, issuing
from apps.challenges.failures import FailureCount
from apps.core import crypto
from apps.core.database import first_row, row, rows
from apps.core.errors import ChallengeLocked, CodeExpired, CodeMismatch, RateLimited
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet

__all__ = ["Attempt", "Challenge", "FailureCount", "Issued", "Purpose"]

SECONDS_TO_TRY_AGAIN = 300
NONCE_BYTES = 16
SHARED_TRIES = 1  # PostgreSQL counts array elements from one; the tries of send number n are element n + 1.


class Purpose(models.TextChoices):
    SIGN_IN = "sign_in"
    API_KEY = "api_key"
    VERIFY_IDENTIFIER = "verify_identifier"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - The name of a purpose.
    OPERATOR = "operator"
    OPERATOR_LINK = "operator_link"


@dataclass(frozen=True, slots=True)
class Issued:
    """A start: the live challenge, new or carried on, and this start's own handle."""

    environment_id: uuid.UUID
    challenge_id: uuid.UUID
    provisional_user_id: uuid.UUID
    expires_in: float
    key_version: int
    send: int
    wait: float = 0
    """Seconds until a message may be sent again; none when one is due now."""

    @property
    def handle(self) -> str:
        return codes.handle(self.environment_id, self.challenge_id, self.send, self.key_version)

    @property
    def is_due(self) -> bool:
        return not self.wait


@dataclass(frozen=True, slots=True)
class Attempt:
    """A guess, read and compared but not yet decided: the row may change until one statement has counted it."""

    challenge: Challenge
    tries: int
    is_right: bool

    @property
    def is_spent(self) -> bool:
        """Whether no guess was left when the row was read."""
        return self.challenge.tries[self.tries - 1] >= self.challenge.max_tries

    def guard(self) -> dict[str, Any]:
        """The parameters of OPEN_TO_GUESS."""
        return {
            "challenge": self.challenge.id,
            "environment": self.challenge.environment_id,
            "nonce": self.challenge.nonce,
            "tries": self.tries,
        }


# What ending a challenge leaves of it: nothing that a code could be made or known by.
ENDED: dict[str, Any] = {"nonce": None, "code_digest": None, "password_digest": ""}
# The one live challenge of a person, by its unique index.
THEIRS = "environment_id = %(environment)s AND identifier = %(value)s AND nonce IS NOT NULL"


class ChallengeQuerySet(EnvironmentQuerySet["Challenge"]):
    ISSUE = issuing.ISSUE

    # While this holds, a challenge takes a guess. It compares the nonce that the code was derived from, so a code
    # cannot outlive its challenge, and reads the clock, because the statement may have waited for a lock. Two
    # columns are not compared by "=", because that could take the planner to another index than the one of ids: through
    # all live challenges, which are those that have a nonce, or, while statistics are young, through all of the
    # environment's.
    OPEN_TO_GUESS = """
        id = %(challenge)s AND environment_id IS NOT DISTINCT FROM %(environment)s
        AND nonce IS NOT DISTINCT FROM %(nonce)s
        AND tries[%(tries)s] < max_tries AND expires_at > clock_timestamp()
    """

    # The same for a guess that names the person, where the row has a digest of its code: of the usual length, as nearly
    # all are. For the others it does not hold, and the code is derived again to compare it.
    OPEN_BY_DIGEST = """
        environment_id = %(environment)s AND purpose = %(purpose)s AND identifier = %(identifier)s
        AND nonce IS NOT NULL AND code_digest IS NOT NULL
        AND tries[%(tries)s] < max_tries AND expires_at > clock_timestamp()
    """
    RIGHT_BY_DIGEST = "code_digest = ANY(%(digests)s)"

    # Adds one to what a person has failed, for each row of `wrong`.
    FAILED = """
        INSERT INTO challenges_failurecount AS f (id, environment_id, identifier, minute, failures)
        SELECT uuidv7(), environment_id, identifier, date_trunc('minute', now()), 1 FROM wrong
        ON CONFLICT (environment_id, identifier, minute) DO UPDATE SET failures = f.failures + 1
        RETURNING failures
    """

    # Counts a wrong guess against its challenge and, only if the challenge was still open to it, against the person.
    # With 200 at once exactly max_tries of them find the condition true; the rest change nothing.
    COUNT_FAILURE = f"""
        WITH wrong AS (
            UPDATE challenges_challenge SET tries[%(tries)s] = tries[%(tries)s] + 1
             WHERE {OPEN_TO_GUESS}
            RETURNING environment_id, identifier
        ) {FAILED}
    """  # noqa: S608 - Of our own parts.

    # The statement that decides. It nulls the nonce, so the code can never be derived again. A password that waited is
    # handed over as it is at this moment, because another sign-up may have disputed it since the row was read.
    CONSUME = f"""
        UPDATE challenges_challenge
           SET nonce = NULL, code_digest = NULL, password_digest = '', tries[%(tries)s] = tries[%(tries)s] + 1
         WHERE {OPEN_TO_GUESS}
        RETURNING old.password_digest
    """  # noqa: S608 - Of our own parts.

    def issue(
        self,
        environment: Environment,
        *,
        purpose: Purpose,
        channel: str,
        identifier: str,
        creates_user: bool,
        by_handle: bool = False,
        template: str = "",
        language: str = "",
        password_digest: str = "",
    ) -> Issued:
        """Make or carry on the one live challenge, and enqueue the message of this `template` that tells its code.

        Raises RateLimited while the last message is too recent, except for a caller who redeems by handle. A password
        waits only for the first start of a day: with a second one nobody can tell which of the passwords is the
        owner's, so none waits any more (see `dispute`).
        """
        parameters = {
            **issuing.policy(environment),
            "environment": environment.id,
            "purpose": purpose,
            "channel": channel,
            "identifier": identifier,
            "creates_user": creates_user,
            "by_handle": by_handle,
            "password_digest": password_digest,
            "key_versions": crypto.key_versions(),
            "user": crypto.new_id(),
            "template": template,
            "language": language,
            **_code(environment, purpose, channel, identifier),
            **environment.unchanged_parameters,
        }
        issued = row(self.ISSUE.replace("$unchanged", environment.unchanged), parameters)
        if issued is None:
            return self._unsent(environment, purpose, identifier, by_handle=by_handle)
        environment.confirmed()
        challenge_id, user_id, version, send, expires_in = issued
        return Issued(environment.id, challenge_id, user_id, float(expires_in), version, send)

    def _unsent(self, environment: Environment, purpose: Purpose, identifier: str, *, by_handle: bool) -> Issued:
        """What a start gets that may send nothing now. Raises RateLimited, except where a handle is of use.

        The code that is in the mailbox already is of no use to its owner without a handle, so a stranger who used up
        the messages would have locked them out. That handle shares the tries of those who have none.
        """
        challenge = self._one(f"{THEIRS} AND expires_at > now()", environment, purpose, identifier)
        if challenge is None:
            raise RateLimited(self._until_less_was_sent(environment, purpose, identifier) or SECONDS_TO_TRY_AGAIN)
        wait = self._wait(environment, challenge)
        if not by_handle or challenge.tries[SHARED_TRIES - 1] >= challenge.max_tries:
            raise RateLimited(max(wait, self._until_less_was_sent(environment, purpose, identifier)))
        left = (challenge.expires_at - timezone.now()).total_seconds()
        user_id, version = challenge.provisional_user_id, challenge.key_version
        return Issued(environment.id, challenge.id, user_id, left, version, SHARED_TRIES - 1, wait)

    def _until_less_was_sent(self, environment: Environment, purpose: Purpose, identifier: str) -> float:
        """Seconds until the bounds of an hour and a day may leave room; none where they do."""
        facts: dict[str, Any] = {"environment": environment.id, "purpose": purpose, "identifier": identifier}
        ((seconds,),) = rows(issuing.UNTIL_LESS_WAS_SENT, {**issuing.policy(environment), **facts})
        return float(seconds or 0)

    @staticmethod
    def _wait(environment: Environment, challenge: Challenge) -> float:
        """Seconds until a start would send again, as far as the challenge itself is concerned."""
        paused = challenge.last_sent_at + timedelta(seconds=environment.resend_after)
        is_full = len(challenge.tries) > issuing.MAX_SENDS
        again = max(paused, challenge.renewable_until) if is_full else paused
        return max((again - timezone.now()).total_seconds(), 1)

    @staticmethod
    def by_digest(environment: Environment, purpose: Purpose, identifier: str, code: str) -> dict[str, Any]:
        """The parameters of OPEN_BY_DIGEST and RIGHT_BY_DIGEST."""
        guess = code.zfill(environment.code_length)  # As in `_compare`.
        versions = crypto.key_versions()
        return {
            "environment": environment.id,
            "purpose": purpose.value,
            "identifier": identifier,
            "digests": [codes.digest(environment.id, purpose, identifier, version, guess) for version in versions],
            "tries": SHARED_TRIES,
        }

    def check_code(self, environment: Environment, *, purpose: Purpose, identifier: str, code: str) -> Attempt:
        """Compare a guess with the live code of `identifier`. Raises CodeExpired when there is none."""
        challenge = self._one(THEIRS, environment, purpose, identifier)
        return _compare(challenge, code, SHARED_TRIES)

    def check_handle(self, environment: Environment, *, purpose: Purpose, handle: str, code: str) -> Attempt:
        """Compare a guess with the code that `handle` was given out for. Raises CodeExpired when it names none."""
        named = codes.read_handle(environment.id, handle)
        if named is None:
            raise CodeExpired
        challenge_id, send = named
        # That it is live is asked here: asked in SQL, it would be looked for among all live ones, as in OPEN_TO_GUESS.
        challenge = self._one(
            "id = %(value)s AND environment_id IS NOT DISTINCT FROM %(environment)s", environment, purpose, challenge_id
        )
        return _compare(challenge if challenge and challenge.nonce else None, code, send + 1)

    def _one(self, condition: str, environment: Environment, purpose: Purpose, value: object) -> Challenge | None:
        place = f"{condition} AND purpose = %(purpose)s AND {environment.unchanged}"
        parameters = {"environment": environment.id, "purpose": purpose, "value": value}
        challenge = first_row(self.model, place, {**parameters, **environment.unchanged_parameters})
        if challenge is not None:
            environment.confirmed()
        return challenge

    def refuse(self, attempt: Attempt) -> None:
        """Count a wrong guess, then always raise: CodeMismatch, or why it came too late to be counted."""
        if row(self.COUNT_FAILURE, attempt.guard()):
            raise CodeMismatch
        raise ChallengeLocked if attempt.challenge.expires_at > timezone.now() else CodeExpired

    def consume(self, attempt: Attempt) -> bool:
        """End the challenge for a right guess. False: another request was faster, the tries or the time ran out."""
        consumed = row(self.CONSUME, attempt.guard())
        if consumed:
            (attempt.challenge.password_digest,) = consumed
        return consumed is not None

    def dispute(self, environment: Environment, *, purpose: Purpose, identifier: str) -> None:
        """Let no password wait on the live challenge: for a second sign-up that starts nothing. Whoever follows the
        link then chooses one there."""
        live = self.for_environment(environment).filter(purpose=purpose, identifier=identifier, nonce__isnull=False)
        live.exclude(password_digest="").update(password_digest="")

    def end(self, environment: Environment, *, purpose: Purpose, identifier: str) -> None:
        """Give up the live challenge, so that the next one is fresh whatever became of this one."""
        live = self.for_environment(environment).filter(purpose=purpose, identifier=identifier)
        live.filter(nonce__isnull=False).update(**ENDED)

    def end_expired(self) -> int:
        """Forget the nonces of codes that nobody may use any more."""
        return self.filter(nonce__isnull=False, expires_at__lte=Now()).update(**ENDED)

    def purge(self, after: timedelta) -> int:
        """Remove what is older than `after`, which has to be longer than any code lives; returns how many."""
        return self.delete_in_batches("created_at", after)


def _code(environment: Environment, purpose: str, channel: str, identifier: str) -> dict[str, Any]:
    """A new challenge's id and nonce, and the digest of the code that follows from them."""
    source = codes.CodeSource(
        environment_id=environment.id,
        purpose=purpose,
        channel=channel,
        identifier=identifier,
        challenge_id=crypto.new_id(),
        nonce=crypto.random_bytes(NONCE_BYTES),
        key_version=crypto.current_key_version(),
        length=environment.code_length,
    )
    return {
        "id": source.challenge_id,
        "nonce": source.nonce,
        "key_version": source.key_version,
        "code_digest": codes.digest(environment.id, purpose, identifier, source.key_version, source.code()),
    }


def _compare(challenge: Challenge | None, code: str, tries: int) -> Attempt:
    if challenge is None:
        raise CodeExpired
    # A number loses its leading zeros on the way here (contracts/clients.md, trap 12).
    guess = code.zfill(challenge.code_length)
    try:
        right = challenge.code()
    except KeyError:
        # Its master key was taken out of ENCRYPTION_KEYS: nobody can derive that code any more.
        raise CodeExpired from None
    return Attempt(challenge, tries, crypto.equal(right.encode(), guess.encode()))


class Challenge(models.Model):
    """A demand to prove control of an identifier. The nonce is there exactly while a code for it is live."""

    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    channel = models.CharField(max_length=8)
    identifier = models.CharField(max_length=254)
    nonce = models.BinaryField(null=True, max_length=NONCE_BYTES, editable=False)
    key_version = models.PositiveSmallIntegerField()
    code_length = models.PositiveSmallIntegerField()
    code_digest = models.BinaryField(
        null=True, max_length=codes.DIGEST_BYTES, editable=False, help_text="Of a live code of the usual length."
    )
    max_tries = models.PositiveSmallIntegerField()
    tries = ArrayField(models.PositiveSmallIntegerField(), help_text="Without a handle, then per send.")
    ttl = models.DurationField()
    created_at = models.DateTimeField(auto_now_add=True)
    last_sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    renewable_until = models.DateTimeField(help_text="Later a resend would get less than half a code_ttl.")
    provisional_user_id = models.UUIDField(help_text="Of the user that this challenge creates, if it creates one.")
    creates_user = models.BooleanField(help_text="One of its starts was a sign-up.")
    password_digest = models.CharField(
        max_length=128, blank=True, help_text="Of a sign-up with a password, until its address is proved."
    )
    has_handles = models.BooleanField(default=False, help_text="One of its starts was given a handle to redeem by.")

    objects: ClassVar[ChallengeQuerySet] = ChallengeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["environment", "purpose", "identifier"],
                condition=models.Q(nonce__isnull=False),
                name="one_live_challenge",
            ),
        )
        indexes = (
            models.Index(fields=["environment", "created_at"], name="challenge_by_time"),
            models.Index(fields=["environment", "identifier", "created_at"], name="challenge_by_person"),
        )

    def __str__(self) -> str:
        return f"{self.purpose} by {self.channel} at {self.created_at:%Y-%m-%dT%H:%M:%SZ}"

    def code(self) -> str:
        """The code of a live challenge, derived anew. Raises ValueError when the challenge has ended."""
        if self.nonce is None:
            raise ValueError("the challenge has ended")
        return codes.CodeSource(
            environment_id=self.environment_id,
            purpose=self.purpose,
            channel=self.channel,
            identifier=self.identifier,
            challenge_id=self.id,
            nonce=bytes(self.nonce),
            key_version=self.key_version,
            length=self.code_length,
        ).code()
