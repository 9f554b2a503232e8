"""What a token is worth at this moment (RFC 7662), and its end (RFC 7009): access tokens, refresh tokens, API keys."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import Enum

from django.db import transaction

from apps.audit.models import Actor, Event
from apps.core import crypto
from apps.core.context import RequestContext
from apps.core.errors import InvalidGrant, InvalidRequest, InvalidToken
from apps.passwordless.bearer import check, check_session
from apps.passwordless.key_ends import end_key
from apps.passwordless.sessions import revoke
from apps.tenants.models import Address, Environment
from apps.tokens import jwt
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.refresh import TOKEN_LENGTH
from apps.tokens.sessions import Client, Session
from apps.tokens.signing_keys import Profile


class UnsupportedTokenType(InvalidRequest):
    """RFC 7009 section 2.2.1."""

    message = "A client's own access token cannot be revoked: it ends by itself, or with its client."


class TokenKind(Enum):
    ACCESS = "access token"
    REFRESH = "refresh token"
    API_KEY = "API key"


@dataclass(frozen=True, slots=True)
class Introspector:
    """Who asks. A key that was made for asking hears of everything. A client hears of its own, with the scope also of
    others' access tokens and keys; not of their refresh tokens, because a service that takes whatever is active for an
    access token would let those in."""

    environment: Environment
    client_id: uuid.UUID
    hears_others: bool
    hears_all: bool = False

    def may_hear_of(self, client_id: uuid.UUID) -> bool:
        return self.hears_others or client_id == self.client_id


@dataclass(frozen=True, slots=True)
class Introspected:
    """Of a live token. Moments are seconds since the epoch."""

    kind: TokenKind
    client_id: uuid.UUID
    subject: uuid.UUID
    """The person; for what is a client's own, the client."""
    scope: str
    token_id: str
    issuer: str
    audience: list[str]
    issued_at: int
    expires_at: int | None


def key_holder(secret: str, address: Address, ip: str, scope: Scope | None = Scope.INTROSPECT) -> Introspector:
    """The server behind an API key with this scope, or with any. Raises InvalidToken."""
    key = ApiKey.objects.server(secret, address, scope, ip)
    return Introspector(key.environment, key.client_id, hears_others=True, hears_all=True)


def introspect(asking: Introspector, token: str, context: RequestContext) -> Introspected | None:
    """What the token is, or None for what is dead, of another environment, or nothing at all.

    Junk costs no query, a live access token or API key one, a refresh token two.
    """
    try:
        return INTROSPECT[kind_of(token)](asking, token, context)
    except (InvalidToken, InvalidGrant):
        return None


def kind_of(token: str) -> TokenKind:
    """What it would be if it were genuine. No API key is as long as a refresh token, and neither has dots."""
    if "." in token:
        return TokenKind.ACCESS
    return TokenKind.REFRESH if len(token) == TOKEN_LENGTH else TokenKind.API_KEY


def _access_token(asking: Introspector, token: str, _context: RequestContext) -> Introspected:
    claims = check(asking.environment, Profile.ACCESS, token)
    if not asking.may_hear_of(claims.client_id):
        raise InvalidToken
    return Introspected(
        TokenKind.ACCESS,
        client_id=claims.client_id,
        subject=claims.subject,
        scope=claims.scope,
        token_id=claims.token_id,
        issuer=claims.issuer,
        audience=claims.audience,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
    )


def _api_key(asking: Introspector, token: str, context: RequestContext) -> Introspected:
    environment = asking.environment
    if not asking.hears_others:
        raise InvalidToken
    # It counts as a use: a key that somebody's server asks about must not be revoked as an idle one.
    key = ApiKey.objects.presented(token, Address(environment_id=environment.id), None, context.ip)
    return Introspected(
        TokenKind.API_KEY,
        client_id=key.client_id,
        subject=key.user_id or key.client_id,
        scope=" ".join(key.scopes),
        token_id=key.id.hex,
        issuer=environment.issuer,
        audience=[environment.issuer],
        issued_at=int(key.created_at.timestamp()),
        expires_at=int(key.expires_at.timestamp()) if key.expires_at else None,
    )


def _refresh_token(asking: Introspector, token: str, _context: RequestContext) -> Introspected:
    environment = asking.environment
    session, parsed = Session.objects.named(environment, token)
    is_told = asking.hears_all or session.client_id == asking.client_id
    if not is_told or parsed.generation != session.generation or session.profile != Profile.ACCESS:
        raise InvalidToken
    check_session(environment, Client(session.client_id), session.id, session.user_id)
    return Introspected(
        TokenKind.REFRESH,
        client_id=session.client_id,
        subject=session.user_id,
        scope=session.scope,
        token_id=session.id.hex,
        issuer=environment.issuer,
        audience=[environment.issuer],
        issued_at=int(session.rotated_at.timestamp()),
        expires_at=int(session.idle_expires_at.timestamp()),
    )


def revoke_token(environment: Environment, client: Client, *, token: str, context: RequestContext) -> None:
    """End what the token stands for: a session with all its tokens, or a key. Silent about what is not this client's
    own or opens nothing (RFC 7009 section 2.2). Raises UnsupportedTokenType for a client's own access token."""
    kind = kind_of(token)
    if kind is TokenKind.REFRESH:
        revoke(environment, client, refresh_token=token, context=context)
    elif kind is TokenKind.API_KEY:
        _revoke_key(environment, client, token, context)
    else:
        _revoke_access_token(environment, client, token, context)


def _revoke_access_token(environment: Environment, client: Client, token: str, context: RequestContext) -> None:
    try:
        claims = jwt.read(environment, client.profile, token)
    except InvalidToken:
        return
    if claims.client_id != client.id:
        return
    if claims.session_id is None:
        raise UnsupportedTokenType
    with transaction.atomic():
        if Session.objects.end(environment, claims.session_id, client_id=client.id):
            actor = Actor(claims.subject, claims.session_id, client.id)
            Event.objects.record(environment, Event.Kind.SESSION_REVOKED, context=context, actor=actor)


def _revoke_key(environment: Environment, client: Client, token: str, context: RequestContext) -> None:
    own = ApiKey.objects.for_environment(environment).filter(client_id=client.id, revoked_at=None)
    with transaction.atomic():
        key = own.filter(digest=crypto.digest(token)).select_for_update().first()
        if key is not None:
            end_key(environment, key, context, reason="revoked_by_client")


INTROSPECT = {
    TokenKind.ACCESS: _access_token,
    TokenKind.API_KEY: _api_key,
    TokenKind.REFRESH: _refresh_token,
}
