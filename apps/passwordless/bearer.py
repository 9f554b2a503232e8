"""Who stands behind a bearer credential: a person's access token, a client's own, or an API key."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from apps.core.errors import InvalidToken
from apps.core.identifiers import Kind
from apps.tenants.models import ApplicationKey, Environment
from apps.tokens import jwt
from apps.tokens.jwt import Claims
from apps.tokens.oauth_clients import OAuthClient
from apps.tokens.sessions import Session
from apps.tokens.signing_keys import Profile
from apps.users.models import Identifier


@dataclass(frozen=True, slots=True)
class CurrentUser:
    user_id: uuid.UUID
    email: str | None
    email_verified: bool


def check(environment: Environment, profile: Profile, token: str) -> Claims:
    """A genuine access token of this environment and profile whose session, user and client are alive.

    Raises InvalidToken, in one way for all that can be wrong.
    """
    claims = jwt.read(environment, profile, token)
    if claims.session_id is None:
        return _client_token(environment, claims)
    session = Session.objects.alive(environment, claims.session_id)
    if session is None or (session.user_id, session.client_id) != (claims.subject, claims.client_id):
        raise InvalidToken
    if not _is_client_alive(environment, session.client_id):
        raise InvalidToken
    return claims


def current_user(environment: Environment, *, access_token: str) -> CurrentUser:
    """Whose access token this is. Raises InvalidToken also for one of a client, which is nobody's."""
    claims = check(environment, Profile.ACCESS, access_token)
    if claims.session_id is None:
        raise InvalidToken
    email = Identifier.objects.for_environment(environment).filter(user_id=claims.subject, kind=Kind.EMAIL).first()
    if email is None:
        return CurrentUser(claims.subject, None, email_verified=False)
    return CurrentUser(claims.subject, email.value, email_verified=email.verified_at is not None)


def _client_token(environment: Environment, claims: Claims) -> Claims:
    is_alive = OAuthClient.objects.for_environment(environment).usable().filter(id=claims.client_id).exists()
    if claims.subject != claims.client_id or not is_alive:
        raise InvalidToken
    return claims


def _is_client_alive(environment: Environment, client_id: uuid.UUID) -> bool:
    """Whether the application may still call: by one of its keys, as an OAuth client, or without either."""
    if client_id == environment.id:
        return environment.allows_keyless_clients
    if client_id == dialect_client(environment, "smtpd"):
        return environment.password_grant
    keys = ApplicationKey.objects.for_environment(environment).usable()
    clients = OAuthClient.objects.for_environment(environment).usable()
    return keys.filter(client_id=client_id).exists() or clients.filter(id=client_id).exists()


def dialect_client(environment: Environment, dialect: str) -> uuid.UUID:
    """The client of a dialect whose callers are known by their person alone; no random id is ever the same."""
    return uuid.uuid5(environment.id, dialect)
