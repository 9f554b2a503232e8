"""Sessions: one sign-in of one end user on one client, and the rotation of its refresh token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, ClassVar

from django.db import connection, models
from django.db.models.functions import Now

from apps.audit.models import MAX_USER_AGENT, Event
from apps.core import crypto
from apps.core.context import RequestContext
from apps.core.database import first_row
from apps.core.errors import InvalidRefreshToken
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet
from apps.tokens import refresh
from apps.tokens.signing_keys import Profile
from apps.users.models import EndUser, Person

SECRET_BYTES = 32


class Outcome(Enum):
    """What became of a refresh token that was presented."""

    ROTATED = "rotated"
    RETURNED = "returned"  # It was the current one, and younger than the grace.
    REPLAYED = "replayed"  # It was the parent of the current one, within the grace: same successor.
    REUSED = "reused"  # It was older: somebody has a copy, so the session has been ended.


@dataclass(frozen=True, slots=True)
class Client:
    """The calling application, and the kind of tokens it understands."""

    id: uuid.UUID
    profile: Profile = Profile.ACCESS
    is_confidential: bool = False
    """It authenticated itself: by a secret that only it has."""
    longest_session: timedelta = timedelta.max


@dataclass(frozen=True, slots=True)
class Rotation:
    outcome: Outcome
    session: Session
    refresh_token: str


class SessionQuerySet(EnvironmentQuerySet["Session"]):
    # For the row of `active`, who has just proved to be its user. The event is part of the statement, so that no
    # session is ever there without it.
    OPENED = """
        opened AS (
            INSERT INTO tokens_session (id, environment_id, user_id, client_id, profile, generation, key_version,
                   secret, scope, created_at, rotated_at, idle_expires_at, absolute_expires_at)
            SELECT %(session)s, %(environment)s, id, %(client)s, %(profile)s, 0, %(key_version)s,
                   %(secret)s, %(scope)s, now(), now(), now() + least(%(idle)s, %(absolute)s), now() + %(absolute)s
              FROM active
            RETURNING idle_expires_at
        ), noted AS (
            INSERT INTO audit_event (id, environment_id, kind, created_at, user_id, session_id, client_id, ip,
                   user_agent, facts)
            SELECT %(event)s, %(environment)s, %(kind)s, clock_timestamp(), id, %(session)s, %(client)s, %(ip)s,
                   %(user_agent)s, jsonb_build_object('new', is_new)
              FROM active
        )
        SELECT active.id, opened.idle_expires_at FROM active, opened
    """
    # FOR SHARE: a user who is being disabled at this moment is waited for, and then gets no session.
    OPEN = f"""
        WITH active AS (
            SELECT id, %(is_new)s::boolean AS is_new FROM users_enduser
             WHERE id = %(user)s AND environment_id = %(environment)s AND disabled_at IS NULL
               FOR SHARE
        ), {OPENED}
    """  # noqa: S608 - Of our own parts.

    # One guarded statement rotates, replays or revokes, by the database's clock and by the row as it is once locked:
    # of fifty refreshes of one token at once the first rotates, and the others find themselves to be its replay.
    # A generation newer than the row cannot have been given out; it matches nothing and is only refused.
    ROTATE = """
        UPDATE tokens_session AS s
           SET generation = CASE WHEN generation = %(generation)s
                                  AND (generation = 0 OR rotated_at + %(grace)s <= clock_timestamp())
                                 THEN generation + 1 ELSE generation END,
               rotated_at = CASE WHEN generation = %(generation)s
                                  AND (generation = 0 OR rotated_at + %(grace)s <= clock_timestamp())
                                 THEN clock_timestamp() ELSE rotated_at END,
               idle_expires_at = least(clock_timestamp() + %(idle)s, absolute_expires_at),
               secret = CASE WHEN generation > %(generation)s + 1
                               OR generation = %(generation)s + 1 AND rotated_at + %(grace)s <= clock_timestamp()
                             THEN NULL ELSE secret END
         WHERE id = %(session)s AND environment_id = %(environment)s AND secret = %(secret)s
           AND client_id = %(client)s AND profile = %(profile)s AND generation >= %(generation)s
           AND idle_expires_at > clock_timestamp()
           AND EXISTS (SELECT FROM users_enduser u WHERE u.id = s.user_id AND u.disabled_at IS NULL)
        RETURNING old.generation, new.generation, new.secret IS NULL, new.idle_expires_at
    """

    def open(
        self, environment: Environment, client: Client, person: Person, *, context: RequestContext, scope: str = ""
    ) -> Session | None:
        """A new session and its event, inside the transaction that consumed the proof; None for a disabled person."""
        facts = {"user": person.user_id, "is_new": person.is_new}
        return self.opened_by(self.OPEN, facts, environment, client, context=context, scope=scope)

    def opened_by(
        self,
        statement: str,
        facts: dict[str, Any],
        environment: Environment,
        client: Client,
        *,
        context: RequestContext,
        scope: str,
    ) -> Session | None:
        """The session that a statement ending in OPENED opens; `facts` are the parameters of what stands before."""
        session = Session(environment=environment, client_id=client.id, profile=client.profile, scope=scope)
        session.secret, session.key_version = crypto.random_bytes(SECRET_BYTES), crypto.current_key_version()
        parameters: dict[str, Any] = {
            **facts,
            "session": session.id,
            "client": client.id,
            "profile": client.profile.value,
            "scope": scope,
            "key_version": session.key_version,
            "secret": session.secret,
            "idle": timedelta(seconds=environment.session_idle_ttl),
            "absolute": min(timedelta(seconds=environment.session_absolute_ttl), client.longest_session),
            "environment": environment.id,
            "event": crypto.new_id(),
            "kind": Event.Kind.SIGNED_IN.value,
            "ip": context.ip or None,
            "user_agent": context.user_agent[:MAX_USER_AGENT],
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            row = cursor.fetchone()
        if row is None:
            return None
        session.user_id, session.idle_expires_at = row
        return session

    def named(self, environment: Environment, text: str) -> tuple[Session, refresh.RefreshToken]:
        """The live session that a genuine refresh token belongs to. Raises InvalidRefreshToken; junk costs no query."""
        token = refresh.read(environment.id, text)
        place = [environment.id, token.session_id]
        session = first_row(self.model, "environment_id = %s AND id = %s AND secret IS NOT NULL", place)
        if session is None or not session.made(token, text):
            raise InvalidRefreshToken
        return session, token

    def rotate(self, environment: Environment, client: Client, text: str) -> Rotation:
        """Present a refresh token. Raises InvalidRefreshToken. A reuse is returned, not raised: its revocation is
        already committed, and the caller has an event to write."""
        session, token = self.named(environment, text)
        parameters: dict[str, Any] = {
            "generation": token.generation,
            # A client that authenticates can be asked to keep its tokens in order.
            "grace": timedelta(seconds=0 if client.is_confidential else environment.refresh_grace),
            "idle": timedelta(seconds=environment.session_idle_ttl),
            "session": session.id,
            "environment": environment.id,
            "secret": session.secret,
            "client": client.id,
            "profile": client.profile,
        }
        with connection.cursor() as cursor:
            cursor.execute(self.ROTATE, parameters)
            row = cursor.fetchone()
        if row is None:
            raise InvalidRefreshToken
        before, after, is_revoked, session.idle_expires_at = row
        outcome = _outcome(token.generation, before, after, is_revoked=is_revoked)
        return Rotation(outcome, session, session.refresh_token(after))

    def revoke(self, environment: Environment, text: str, *, client_id: uuid.UUID) -> Session | None:
        """End the session of a refresh token of any generation; None when there is nothing to end (RFC 7009)."""
        try:
            session, _token = self.named(environment, text)
        except InvalidRefreshToken:
            return None
        ended = self.for_environment(environment).filter(id=session.id, client_id=client_id, secret__isnull=False)
        return session if ended.update(secret=None) else None

    def end_others(self, environment: Environment, client: Client, user_id: uuid.UUID) -> int:
        """End all of a person's sessions on one client. Lock the user before, so that no other is opened meanwhile."""
        live = self.for_environment(environment).filter(user_id=user_id, client_id=client.id, secret__isnull=False)
        return live.update(secret=None)

    def alive(self, environment: Environment, session_id: uuid.UUID) -> Session | None:
        """A session that neither ended nor ran out, of a user who is not disabled."""
        live = self.filter(id=session_id, secret__isnull=False, user__disabled_at=None, idle_expires_at__gt=Now())
        return live.for_environment(environment).first()

    def purge(self, after: timedelta) -> int:
        return self.filter(idle_expires_at__lt=Now() - after).delete_in_batches()


def _outcome(presented: int, before: int, after: int, *, is_revoked: bool) -> Outcome:
    if is_revoked:
        return Outcome.REUSED
    if after > before:
        return Outcome.ROTATED
    return Outcome.RETURNED if presented == before else Outcome.REPLAYED


class Session(models.Model):
    id = models.UUIDField(primary_key=True, default=crypto.new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(EndUser, on_delete=models.CASCADE, related_name="sessions")
    client_id = models.UUIDField()
    profile = models.CharField(max_length=16, choices=Profile.choices, default=Profile.ACCESS)
    scope = models.CharField(max_length=500, blank=True, help_text="Of its access tokens (RFC 6749 section 3.3).")
    generation = models.PositiveIntegerField(default=0)
    key_version = models.PositiveSmallIntegerField()
    secret = models.BinaryField(null=True, max_length=SECRET_BYTES, editable=False, help_text="Null: revoked.")
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField()
    idle_expires_at = models.DateTimeField(help_text="Never after absolute_expires_at.")
    absolute_expires_at = models.DateTimeField()

    objects: ClassVar[SessionQuerySet] = SessionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (models.Index(fields=["environment", "user"], name="session_by_user"),)

    def __str__(self) -> str:
        return f"{self.id} of {self.user_id}"

    def refresh_token(self, generation: int) -> str:
        if self.secret is None:
            return ""
        secret = bytes(self.secret)
        return refresh.make(self.environment_id, self.id, generation, self.key_version, secret)

    def made(self, token: refresh.RefreshToken, text: str) -> bool:
        return crypto.equal(self.refresh_token(token.generation).encode(), text.encode())
