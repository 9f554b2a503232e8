"""Sessions: one sign-in of one end user on one client, and the rotation of its refresh token."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Any, ClassVar

from django.db import models

from apps.audit.models import MAX_USER_AGENT, Event
from apps.core import crypto
from apps.core.context import RequestContext
from apps.core.database import first_row, row
from apps.core.errors import InvalidRefreshToken
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet
from apps.tokens import refresh
from apps.tokens.api_keys import ApiKey
from apps.tokens.signing_keys import Profile
from apps.users.models import EndUser, Person

SECRET_BYTES = 32
# The upper bound of Environment.access_token_ttl.
LONGEST_TOKEN = 24 * 3600


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
    longest_token: int = LONGEST_TOKEN
    """Of an access token, in seconds: what a contract promises at most, whatever the environment allows."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that is open, as far as its tokens are made of it."""

    id: uuid.UUID
    environment_id: uuid.UUID
    user_id: uuid.UUID
    client_id: uuid.UUID
    scope: str
    key_version: int
    secret: bytes | None = field(repr=False)
    """None when it has just been ended."""
    idle_expires_at: datetime

    def refresh_token(self, generation: int = 0) -> str:
        if self.secret is None:
            return ""
        return refresh.make(self.environment_id, self.id, generation, self.key_version, self.secret)


@dataclass(frozen=True, slots=True)
class Rotation:
    outcome: Outcome
    session: Opened
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Live:
    """What the look at a live session tells of its person beside that it lives."""

    email: str | None
    email_verified: bool
    is_oauth_client: bool = False


# A genuine refresh token, after its session as it was when the two were compared.
Named = tuple["Session", refresh.RefreshToken]


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
            SELECT uuidv7(), %(environment)s, %(kind)s, clock_timestamp(), id, %(session)s, %(client)s, %(ip)s,
                   %(user_agent)s, jsonb_build_object('new', is_new)
              FROM active
        )
    """
    # FOR SHARE: a user who is being disabled at this moment is waited for, and then gets no session.
    OPEN = f"""
        WITH active AS (
            SELECT id, %(is_new)s::boolean AS is_new FROM users_enduser
             WHERE id = %(user)s AND environment_id IS NOT DISTINCT FROM %(environment)s AND disabled_at IS NULL
               FOR SHARE
        ), {OPENED}
        SELECT active.id, opened.idle_expires_at FROM active, opened
    """  # noqa: S608 - Of our own parts.

    # Whether a genuine refresh token is one of this session's. Not "=" for the environment, as in
    # Challenge.objects.OPEN_TO_GUESS: this has to be looked up by its id.
    NAMED = """
        id = %(session)s AND environment_id IS NOT DISTINCT FROM %(environment)s
        AND key_version = %(key_version)s AND sha256(secret || %(head)s::bytea) = %(proof)s
    """

    # One guarded statement rotates, replays or revokes, by the database's clock and by the row as it is once locked:
    # of fifty refreshes of one token at once the first rotates, and the others find themselves to be its replay.
    # A generation newer than the row cannot have been given out; it matches nothing and is only refused.
    ROTATE = f"""
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
         WHERE {NAMED} AND client_id = %(client)s AND profile = %(profile)s AND generation >= %(generation)s
           AND idle_expires_at > clock_timestamp()
           AND EXISTS (SELECT FROM users_enduser u WHERE u.id = s.user_id AND u.disabled_at IS NULL)
           AND $unchanged
        RETURNING old.generation, new.generation, new.user_id, new.scope, new.key_version, new.secret,
                  new.idle_expires_at
    """  # noqa: S608 - Of our own parts.

    # All that can have ended since a token was signed, in one look: the session, the person and the application. The
    # person's email is an index look-up here; elsewhere it is another round trip.
    LIVE = """
        SELECT i.value, i.verified_at IS NOT NULL, c.id IS NOT NULL
          FROM tokens_session s
          JOIN users_enduser u ON u.id = s.user_id AND u.disabled_at IS NULL
          LEFT JOIN tokens_oauthclient c
                 ON c.id = s.client_id AND c.environment_id IS NOT DISTINCT FROM s.environment_id
          LEFT JOIN LATERAL (SELECT value, verified_at FROM users_identifier
                              WHERE environment_id IS NOT DISTINCT FROM s.environment_id
                                AND user_id = s.user_id AND kind = 'email'
                              ORDER BY created_at LIMIT 1) i ON TRUE
         WHERE s.id = %(session)s AND s.environment_id IS NOT DISTINCT FROM %(environment)s AND s.secret IS NOT NULL
           AND s.user_id = %(user)s AND s.client_id = %(client)s AND s.profile = %(profile)s
           AND s.idle_expires_at > clock_timestamp() AND $client_lives AND $unchanged
    """
    # An application with a key, or an OAuth client. What a statement has not in it costs PostgreSQL nothing, so the
    # API keys of the person are looked at only where they are traded for sessions.
    CLIENT_LIVES = """
        (EXISTS (SELECT FROM tenants_applicationkey k
                  WHERE k.environment_id = s.environment_id AND k.client_id = s.client_id
                    AND k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), TRUE))
         OR c.id IS NOT NULL AND c.revoked_at IS NULL AND coalesce(c.expires_at > clock_timestamp(), TRUE)
         $or_traded)
    """
    OR_TRADED = """
         OR EXISTS (SELECT FROM tokens_apikey k
                     WHERE k.environment_id = s.environment_id AND k.user_id = s.user_id AND k.client_id = s.client_id
                       AND k.revoked_at IS NULL AND coalesce(k.expires_at > clock_timestamp(), TRUE))
    """

    def open(
        self, environment: Environment, client: Client, person: Person, *, context: RequestContext, scope: str = ""
    ) -> Opened | None:
        """A new session and its event, inside the transaction that consumed the proof; None for a disabled person."""
        facts = {"user": person.user_id, "is_new": person.is_new}
        opened, _ = self.opened_by(self.OPEN, facts, environment, client, context=context, scope=scope)
        return opened

    def opened_by(
        self,
        statement: str,
        facts: dict[str, Any],
        environment: Environment,
        client: Client,
        *,
        context: RequestContext,
        scope: str,
    ) -> tuple[Opened | None, tuple[Any, ...]]:
        """The session that a statement with OPENED opens, and what else its row says, which is nothing for no row.
        `facts` are the parameters of the rest of it."""
        session_id, secret = crypto.new_row_id(), crypto.random_bytes(SECRET_BYTES)
        version = crypto.current_key_version()
        parameters: dict[str, Any] = {
            **facts,
            "session": session_id,
            "client": client.id,
            "profile": client.profile.value,
            "scope": scope,
            "key_version": version,
            "secret": secret,
            "idle": timedelta(seconds=environment.session_idle_ttl),
            "absolute": min(timedelta(seconds=environment.session_absolute_ttl), client.longest_session),
            "environment": environment.id,
            "kind": Event.Kind.SIGNED_IN.value,
            "ip": context.ip or None,
            "user_agent": context.user_agent[:MAX_USER_AGENT],
        }
        found = row(statement, parameters)
        if found is None:
            return None, ()
        user_id, idle_expires_at, *rest = found
        if user_id is None:
            return None, tuple(rest)
        opened = Opened(session_id, environment.id, user_id, client.id, scope, version, secret, idle_expires_at)
        return opened, tuple(rest)

    def named(self, environment: Environment, text: str) -> Named:
        """The live session that a genuine refresh token belongs to. Raises InvalidRefreshToken; junk costs no query."""
        token = refresh.read(environment.id, text)
        parameters = {**self._named(environment, token), **environment.unchanged_parameters}
        session = first_row(self.model, f"{self.NAMED} AND {environment.unchanged}", parameters)
        if session is None:
            raise InvalidRefreshToken
        environment.confirmed()
        return session, token

    def rotate(self, environment: Environment, client: Client, presented: str | Named) -> Rotation:
        """Present a refresh token, or what `named` found for it. Raises InvalidRefreshToken. A reuse is returned, not
        raised: its revocation is already committed, and the caller has an event to write."""
        token = refresh.read(environment.id, presented) if isinstance(presented, str) else presented[1]
        parameters: dict[str, Any] = {
            **self._named(environment, token),
            **environment.unchanged_parameters,
            "generation": token.generation,
            # A client that authenticates can be asked to keep its tokens in order.
            "grace": timedelta(seconds=0 if client.is_confidential else environment.refresh_grace),
            "idle": timedelta(seconds=environment.session_idle_ttl),
            "client": client.id,
            "profile": client.profile.value,
        }
        found = row(self.ROTATE.replace("$unchanged", environment.unchanged), parameters)
        if found is None:
            raise InvalidRefreshToken
        environment.confirmed()
        before, after, user_id, scope, version, secret, idle_expires_at = found
        session = Opened(token.session_id, environment.id, user_id, client.id, scope, version, secret, idle_expires_at)
        outcome = _outcome(token.generation, before, after, is_revoked=secret is None)
        return Rotation(outcome, session, session.refresh_token(after))

    @staticmethod
    def _named(environment: Environment, token: refresh.RefreshToken) -> dict[str, Any]:
        """The parameters of NAMED."""
        return {
            "session": token.session_id,
            "environment": environment.id,
            "key_version": token.key_version,
            "head": token.head,
            "proof": token.proof,
        }

    def revoke(self, environment: Environment, presented: str | Named, *, client_id: uuid.UUID) -> Session | None:
        """End the session of a refresh token of any generation; None when there is nothing to end (RFC 7009)."""
        try:
            session, _token = self.named(environment, presented) if isinstance(presented, str) else presented
        except InvalidRefreshToken:
            return None
        return session if self.end(environment, session.id, client_id=client_id) else None

    def end(self, environment: Environment, session_id: uuid.UUID, *, client_id: uuid.UUID) -> bool:
        """End a client's session; False when there is nothing to end."""
        live = self.for_environment(environment).filter(id=session_id, client_id=client_id, secret__isnull=False)
        return live.update(secret=None) > 0

    def end_others(self, environment: Environment, client: Client, user_id: uuid.UUID) -> int:
        """End all of a person's sessions on one client, or opened with one of their API keys: the one contract that
        wants this trades those for sessions. Lock the user before, so that no other is opened meanwhile."""
        keys = ApiKey.objects.of_person(environment, user_id).values("client_id")
        theirs = models.Q(client_id=client.id) | models.Q(client_id__in=keys)
        live = self.for_environment(environment).filter(theirs, user_id=user_id, secret__isnull=False)
        return live.update(secret=None)

    def live(
        self,
        environment: Environment,
        client: Client,
        *,
        session_id: uuid.UUID,
        user_id: uuid.UUID,
        client_is_known: bool = False,
        trades_keys: bool = False,
    ) -> Live | None:
        """A session that neither ended nor ran out, of this person and client, neither of whom has been shut out.

        `client_is_known`: it has neither a key nor a secret, and the environment serves it all the same.
        `trades_keys`: it gives sessions for the API keys of its people, which end with the key.
        """
        parameters: dict[str, Any] = {
            "environment": environment.id,
            "session": session_id,
            "user": user_id,
            "client": client.id,
            "profile": client.profile,
            **environment.unchanged_parameters,
        }
        found = row(_live(client_is_known, trades_keys, environment.unchanged), parameters)
        if found is None:
            return None
        environment.confirmed()
        return Live(*found)

    def purge(self, after: timedelta) -> int:
        """Remove what is past its absolute end for longer than `after`, however early it ended; returns how many.

        An index on `idle_expires_at` would find sooner what nobody refreshed, and every refresh would pay for it: it
        moves that moment, and an update of an indexed column has to write into each index of the table.
        """
        return self.delete_in_batches("absolute_expires_at", after)


@lru_cache
def _live(client_is_known: bool, trades_keys: bool, unchanged: str) -> str:
    lives = "TRUE" if client_is_known else SessionQuerySet.CLIENT_LIVES
    statement = SessionQuerySet.LIVE.replace("$client_lives", lives).replace("$unchanged", unchanged)
    return statement.replace("$or_traded", SessionQuerySet.OR_TRADED if trades_keys else "")


def _outcome(presented: int, before: int, after: int, *, is_revoked: bool) -> Outcome:
    if is_revoked:
        return Outcome.REUSED
    if after > before:
        return Outcome.ROTATED
    return Outcome.RETURNED if presented == before else Outcome.REPLAYED


class Session(models.Model):
    id = models.UUIDField(primary_key=True, default=crypto.new_row_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
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
        indexes = (models.Index(fields=["environment", "absolute_expires_at"], name="session_by_end"),)

    def __str__(self) -> str:
        return f"{self.id} of {self.user_id}"
