"""What a session can do once it is open: refresh its tokens, and be ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from apps.audit.models import Actor, Event
from apps.core.context import RequestContext
from apps.core.errors import RefreshTokenReused
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import LONGEST_TOKEN, Client, Named, Opened, Outcome, Session

__all__ = ["Client", "Tokens", "refresh", "revoke", "sign"]

NOTEWORTHY = {Outcome.REPLAYED: Event.Kind.REFRESH_REPLAYED, Outcome.REUSED: Event.Kind.REFRESH_REUSED}


# What a dialect's access tokens say of a person beside the standard claims.
ClaimsOf = Callable[[Environment, uuid.UUID], Mapping[str, Any]]


def no_claims(_environment: Environment, _user_id: uuid.UUID) -> Mapping[str, Any]:
    return jwt.NO_CLAIMS


@dataclass(frozen=True, slots=True)
class Tokens:
    user_id: uuid.UUID
    access_token: str = field(repr=False)
    expires_at: int
    """Of the access token, in seconds since the epoch."""
    refresh_token: str = field(repr=False)
    refresh_expires_at: int
    """If it is not used before: each refresh moves it, up to the session's absolute end."""
    scope: str = ""


def refresh(
    environment: Environment,
    client: Client,
    *,
    refresh_token: str | Named,
    context: RequestContext,
    claims_of: ClaimsOf = no_claims,
    within: frozenset[str] | None = None,
) -> Tokens:
    """Rotate a refresh token. The access token has the session's scope, as far as it is `within` what the client may
    have now and asked for. Raises InvalidRefreshToken; RefreshTokenReused after the session has been ended."""
    limit(environment, "refresh", context)
    backend = jwt.signer(environment, client.profile)
    rotation = Session.objects.rotate(environment, client, refresh_token)
    actor = Actor(rotation.session.user_id, rotation.session.id, client.id)
    if rotation.outcome in NOTEWORTHY:
        Event.objects.record(environment, NOTEWORTHY[rotation.outcome], context=context, actor=actor)
    if rotation.outcome is Outcome.REUSED:
        raise RefreshTokenReused
    session = rotation.session
    if within is not None:
        session = replace(session, scope=" ".join(word for word in session.scope.split() if word in within))
    return sign(environment, backend, session, rotation.refresh_token, claims_of, longest=client.longest_token)


def revoke(environment: Environment, client: Client, *, refresh_token: str | Named, context: RequestContext) -> bool:
    """End the session of a refresh token; False for a token that opens nothing (RFC 7009 section 2.2: no error)."""
    with transaction.atomic():
        session = Session.objects.revoke(environment, refresh_token, client_id=client.id)
        if session:
            actor = Actor(session.user_id, session.id, client.id)
            Event.objects.record(environment, Event.Kind.SESSION_REVOKED, context=context, actor=actor)
    return session is not None


def sign(
    environment: Environment,
    backend: jwt.KeyBackend,
    session: Opened,
    refresh_token: str,
    claims_of: ClaimsOf = no_claims,
    *,
    longest: int = LONGEST_TOKEN,
) -> Tokens:
    """The tokens of an open session. Call it after COMMIT: no lock is held while a signature is made."""
    access = jwt.sign(
        backend,
        subject=session.user_id,
        session_id=session.id,
        client_id=session.client_id,
        scope=session.scope,
        ttl=min(environment.access_token_ttl, longest),
        extra=claims_of(environment, session.user_id),
    )
    ends = int(session.idle_expires_at.timestamp())
    return Tokens(session.user_id, access.text, access.expires_at, refresh_token, ends, session.scope)
