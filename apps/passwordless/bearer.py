"""Who stands behind a bearer credential: a person's access token, a client's own, or an API key."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from apps.core.database import first_query
from apps.core.errors import InvalidToken
from apps.tenants.models import Address, ApplicationKey, Environment
from apps.tokens import jwt
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.jwt import Claims
from apps.tokens.oauth_clients import OAuthClient
from apps.tokens.sessions import Session
from apps.tokens.signing_keys import Profile


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, and what the credential that came for them may do."""

    environment: Environment
    user_id: uuid.UUID
    client_id: uuid.UUID
    """Of a token, its session's; of an API key, its own."""
    scopes: frozenset[str]


def is_key(credential: str) -> bool:
    """Whether this can only be an API key: a JWT has dots (RFC 7519 section 3.1), and a key has none."""
    return "." not in credential


def principal(address: Address, credential: str, ip: str = "") -> Principal:
    """Who acts with this access token or API key: the one place that decides it. Raises InvalidToken, in one way for
    all that can be wrong, and for what belongs to no person. Junk keys cost no query, and a right one costs one."""
    if is_key(credential):
        key = first_query(lambda: ApiKey.objects.presented(credential, address, Scope.ACCOUNT, ip))
        if key.user_id is None:
            raise InvalidToken
        return Principal(key.environment, key.user_id, key.client_id, frozenset(key.scopes))
    environment = first_query(lambda: Environment.objects.at(address).first())
    if environment is None:
        raise InvalidToken
    claims = check(environment, Profile.ACCESS, credential)
    if claims.session_id is None:
        raise InvalidToken
    # A sign-in that asked for no scope is the person's own: it may do all that they may.
    scopes = frozenset(claims.scope.split()) or frozenset([Scope.ACCOUNT.value])
    return Principal(environment, claims.subject, claims.client_id, scopes)


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
    if keys.filter(client_id=client_id).exists() or clients.filter(id=client_id).exists():
        return True
    return is_trading_key_alive(environment, client_id)


def is_trading_key_alive(environment: Environment, client_id: uuid.UUID) -> bool:
    """Whether an API key that a session was opened with, or the one it was rotated to, still works: revoked, it takes
    the session with it."""
    keys = ApiKey.objects.for_environment(environment).usable().filter(client_id=client_id, user__isnull=False)
    return environment.password_grant and keys.exists()


def dialect_client(environment: Environment, dialect: str) -> uuid.UUID:
    """The client of a dialect whose callers are known by their person alone; no random id is ever the same."""
    return uuid.uuid5(environment.id, dialect)
