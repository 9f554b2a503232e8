"""What a session can do once it is open: refresh its tokens, be ended, and say whose it is."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from apps.audit.models import Actor, Event
from apps.core.context import RequestContext
from apps.core.errors import InvalidToken, RefreshTokenReused
from apps.core.identifiers import Kind
from apps.passwordless.start import limit
from apps.tenants.models import ApplicationKey, Environment
from apps.tokens import jwt
from apps.tokens.sessions import Outcome, Session
from apps.tokens.signing_keys import Profile
from apps.users.models import Identifier

NOTEWORTHY = {Outcome.REPLAYED: Event.Kind.REFRESH_REPLAYED, Outcome.REUSED: Event.Kind.REFRESH_REUSED}


@dataclass(frozen=True, slots=True)
class Tokens:
    user_id: uuid.UUID
    access_token: str = field(repr=False)
    expires_at: int
    """Of the access token, in seconds since the epoch."""
    refresh_token: str = field(repr=False)
    refresh_expires_at: int
    """If it is not used before: each refresh moves it, up to the session's absolute end."""


@dataclass(frozen=True, slots=True)
class CurrentUser:
    user_id: uuid.UUID
    email: str | None
    email_verified: bool


@dataclass(frozen=True, slots=True)
class Client:
    """The calling application, and the kind of tokens it understands."""

    id: uuid.UUID
    profile: Profile = Profile.ACCESS


def refresh(environment: Environment, client: Client, *, refresh_token: str, context: RequestContext) -> Tokens:
    """Rotate a refresh token. Raises InvalidRefreshToken; RefreshTokenReused after the session has been ended."""
    limit(environment, "refresh", context)
    backend = jwt.signer(environment, client.profile)
    rotation = Session.objects.rotate(environment, refresh_token, client_id=client.id, profile=client.profile)
    actor = Actor(rotation.session.user_id, rotation.session.id, client.id)
    if rotation.outcome in NOTEWORTHY:
        Event.objects.record(environment, NOTEWORTHY[rotation.outcome], context=context, actor=actor)
    if rotation.outcome is Outcome.REUSED:
        raise RefreshTokenReused
    return sign(environment, backend, rotation.session, rotation.refresh_token)


def revoke(environment: Environment, client: Client, *, refresh_token: str, context: RequestContext) -> None:
    """End the session of a refresh token; silent about tokens that open nothing (RFC 7009 section 2.2)."""
    session = Session.objects.revoke(environment, refresh_token, client_id=client.id)
    if session:
        actor = Actor(session.user_id, session.id, client.id)
        Event.objects.record(environment, Event.Kind.SESSION_REVOKED, context=context, actor=actor)


def current_user(environment: Environment, *, access_token: str) -> CurrentUser:
    """Whose access token this is. Raises InvalidToken also for a genuine one whose session has ended."""
    claims = jwt.read(environment, Profile.ACCESS, access_token)
    session = Session.objects.alive(environment, claims.session_id)
    if session is None or (session.user_id, session.client_id) != (claims.user_id, claims.client_id):
        raise InvalidToken
    if not _is_client_alive(environment, session.client_id):
        raise InvalidToken
    email = Identifier.objects.for_environment(environment).filter(user_id=session.user_id, kind=Kind.EMAIL).first()
    if email is None:
        return CurrentUser(session.user_id, None, email_verified=False)
    return CurrentUser(session.user_id, email.value, email_verified=email.verified_at is not None)


def _is_client_alive(environment: Environment, client_id: uuid.UUID) -> bool:
    """Whether the application may still call: by one of its keys, or without any where that is allowed."""
    if client_id == environment.id:
        return environment.allows_keyless_clients
    keys = ApplicationKey.objects.for_environment(environment).usable()
    return keys.filter(client_id=client_id).exists()


def sign(environment: Environment, backend: jwt.KeyBackend, session: Session, refresh_token: str) -> Tokens:
    """The tokens of an open session. Call it after COMMIT: no lock is held while a signature is made."""
    access = jwt.sign(
        backend,
        user_id=session.user_id,
        session_id=session.id,
        client_id=session.client_id,
        ttl=environment.access_token_ttl,
    )
    ends = int(session.idle_expires_at.timestamp())
    return Tokens(session.user_id, access.text, access.expires_at, refresh_token, ends)
