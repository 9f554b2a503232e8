"""Who stands behind an access token: a person in a session, or a client itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from apps.core.errors import InvalidToken
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.jwt import Claims
from apps.tokens.oauth_clients import OAuthClient
from apps.tokens.sessions import Client, Live, Session
from apps.tokens.signing_keys import Profile

NOBODY = Live(None, email_verified=False)


@dataclass(frozen=True, slots=True)
class CurrentUser:
    user_id: uuid.UUID
    email: str | None
    email_verified: bool


def check(environment: Environment, profile: Profile, token: str) -> Claims:
    """A genuine access token of this environment and profile whose session, user and client are alive.

    Costs one statement; junk costs none. Raises InvalidToken, in one way for all that can be wrong.
    """
    claims = jwt.read(environment, profile, token)
    _live(environment, profile, claims)
    return claims


def current_user(environment: Environment, *, access_token: str) -> CurrentUser:
    """Whose access token this is. Raises InvalidToken also for one of a client, which is nobody's."""
    claims = jwt.read(environment, Profile.ACCESS, access_token)
    person = _live(environment, Profile.ACCESS, claims)
    if claims.session_id is None:
        raise InvalidToken
    return CurrentUser(claims.subject, person.email, person.email_verified)


def current_client(environment: Environment, *, access_token: str) -> Client:
    """The client that got this token for itself. Raises InvalidToken also for one of a person."""
    claims = check(environment, Profile.ACCESS, access_token)
    if claims.session_id is not None:
        raise InvalidToken
    return Client(claims.client_id, is_confidential=True)


def _live(environment: Environment, profile: Profile, claims: Claims) -> Live:
    if claims.session_id is None:
        return _live_client(environment, claims)
    client = Client(claims.client_id, profile)
    live = Session.objects.live(
        environment,
        client,
        session_id=claims.session_id,
        user_id=claims.subject,
        client_is_known=_needs_no_key(environment, client.id),
    )
    if live is None:
        raise InvalidToken
    return live


def _live_client(environment: Environment, claims: Claims) -> Live:
    is_alive = OAuthClient.objects.for_environment(environment).usable().filter(id=claims.client_id).exists()
    if claims.subject != claims.client_id or not is_alive:
        raise InvalidToken
    return NOBODY


def _needs_no_key(environment: Environment, client_id: uuid.UUID) -> bool:
    """Whether the environment serves this client without a key: nobody's in particular, or a dialect's own."""
    if client_id == dialect_client(environment, "smtpd"):
        return environment.password_grant
    return client_id == environment.id and environment.allows_keyless_clients


def dialect_client(environment: Environment, dialect: str) -> uuid.UUID:
    """The client of a dialect whose callers are known by their person alone; no random id is ever the same."""
    return uuid.uuid5(environment.id, dialect)
