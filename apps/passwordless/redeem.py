"""Redeem: a right code becomes a session and its tokens. And what a session can do after that."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.audit.models import Event
from apps.challenges.models import Attempt, Challenge, Purpose
from apps.core.context import RequestContext
from apps.core.errors import AuthError, CodeExpired, CodeMismatch, InvalidToken, RefreshTokenReused, UserDisabled
from apps.passwordless.start import EMAIL, limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.jwt import KeyBackend
from apps.tokens.sessions import Outcome, Rotation, Session
from apps.tokens.signing_keys import Profile
from apps.users.models import Identifier, Person


@dataclass(frozen=True, slots=True)
class Tokens:
    user_id: uuid.UUID
    access_token: str
    expires_at: int
    refresh_token: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    identifier: str
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class CurrentUser:
    user_id: uuid.UUID
    email: str | None
    email_verified: bool


def redeem(
    environment: Environment, *, client_id: uuid.UUID, email: str, code: str, context: RequestContext
) -> SignedIn:
    """Sign a person in with the code sent to `email` (canonical).

    Raises a subclass of InvalidGrant whatever is wrong with the code, and UserDisabled only where the environment does
    not conceal. Every refusal is raised after COMMIT: raised inside the transaction it would undo its own count.
    """
    limit(environment, "redeem", context)
    backend = jwt.signer(environment, Profile.ACCESS)
    attempt = Challenge.objects.check_code(environment, purpose=Purpose.SIGN_IN, identifier=email, code=code)
    if not attempt.is_right:
        Challenge.objects.refuse(attempt)
    with transaction.atomic():
        opened = _consume(environment, attempt, client_id, context)
    if isinstance(opened, AuthError):
        raise opened
    return SignedIn(email, _tokens(environment, backend, opened.user_id, opened.id, client_id, opened.refresh_token(0)))


def _consume(
    environment: Environment, attempt: Attempt, client_id: uuid.UUID, context: RequestContext
) -> Session | AuthError:
    """Locks in the order challenge, user, session. Returns the refusal instead of raising it."""
    if not Challenge.objects.consume(attempt):
        return CodeExpired()
    person = _prove(environment, attempt.challenge, context)
    if person is None:
        return CodeMismatch()
    session = Session.objects.open(environment, user_id=person.user_id, client_id=client_id)
    if session is None:
        return CodeMismatch() if environment.concealment else UserDisabled()
    facts = {"user_id": person.user_id, "session_id": session.id, "client_id": client_id}
    Event.objects.record(environment, Event.Kind.SIGNED_IN, context=context, facts={"new": person.is_new}, **facts)
    return session


def _prove(environment: Environment, challenge: Challenge, context: RequestContext) -> Person | None:
    """The person whose identifier the code has just proved: the known one, or the one this challenge may create."""
    known = Identifier.objects.find(environment, EMAIL, challenge.identifier)
    if known and not known.is_verified:
        Identifier.objects.verify(environment, EMAIL, challenge.identifier)
    if known or not (challenge.creates_user and environment.sign_up_open):
        return known
    return Identifier.objects.register(
        environment,
        EMAIL,
        challenge.identifier,
        user_id=challenge.provisional_user_id,
        verified_at=timezone.now(),
    )


def refresh(environment: Environment, *, client_id: uuid.UUID, refresh_token: str, context: RequestContext) -> Tokens:
    """Rotate a refresh token. Raises InvalidRefreshToken; RefreshTokenReused after the session has been ended."""
    limit(environment, "refresh", context)
    backend = jwt.signer(environment, Profile.ACCESS)
    rotation = Session.objects.rotate(environment, refresh_token, client_id=client_id)
    if rotation.outcome is Outcome.REUSED:
        _record(environment, Event.Kind.REFRESH_REUSED, rotation, client_id, context)
        raise RefreshTokenReused
    if rotation.outcome is Outcome.REPLAYED:
        _record(environment, Event.Kind.REFRESH_REPLAYED, rotation, client_id, context)
    return _tokens(environment, backend, rotation.user_id, rotation.session_id, client_id, rotation.refresh_token)


def revoke(environment: Environment, *, client_id: uuid.UUID, refresh_token: str, context: RequestContext) -> None:
    """End the session of a refresh token; silent about tokens that open nothing (RFC 7009 section 2.2)."""
    session = Session.objects.revoke(environment, refresh_token, client_id=client_id)
    if session:
        facts = {"user_id": session.user_id, "session_id": session.id, "client_id": client_id}
        Event.objects.record(environment, Event.Kind.SESSION_REVOKED, context=context, **facts)


def current_user(environment: Environment, *, access_token: str) -> CurrentUser:
    """Whose access token this is. Raises InvalidToken also for a genuine one whose session has ended."""
    claims = jwt.read(environment, Profile.ACCESS, access_token)
    session = Session.objects.alive(environment, claims.session_id)
    if session is None or session.user_id != claims.user_id:
        raise InvalidToken
    email = Identifier.objects.for_environment(environment).filter(user_id=session.user_id, kind=EMAIL).first()
    if email is None:
        return CurrentUser(session.user_id, None, email_verified=False)
    return CurrentUser(session.user_id, email.value, email_verified=email.verified_at is not None)


def _tokens(
    environment: Environment,
    backend: KeyBackend,
    user_id: uuid.UUID,
    session_id: uuid.UUID,
    client_id: uuid.UUID,
    refresh_token: str,
) -> Tokens:
    ttl = environment.access_token_ttl
    access = jwt.sign(backend, user_id=user_id, session_id=session_id, client_id=client_id, ttl=ttl)
    return Tokens(user_id, access.text, access.expires_at, refresh_token)


def _record(
    environment: Environment, kind: Event.Kind, rotation: Rotation, client_id: uuid.UUID, context: RequestContext
) -> None:
    facts = {"user_id": rotation.user_id, "session_id": rotation.session_id, "client_id": client_id}
    Event.objects.record(environment, kind, context=context, **facts)
