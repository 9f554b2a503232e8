"""OAuth clients: who they are by their secret, what they may ask for, their own tokens (RFC 6749 section 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from apps.core.context import RequestContext
from apps.core.database import first_query
from apps.core.errors import InvalidClient, InvalidRefreshToken, InvalidScope, UnauthorizedClient, UnsupportedGrantType
from apps.passwordless.start import limit
from apps.tenants.models import Address
from apps.tokens import jwt
from apps.tokens.oauth_clients import Grant, OAuthClient
from apps.tokens.sessions import Client, Session


@dataclass(frozen=True, slots=True)
class ClientToken:
    access_token: str = field(repr=False)
    scope: str


def authenticate(pairs: Sequence[tuple[str, str]], address: Address, ip: str) -> OAuthClient:
    """The client whose id and secret one of the pairs is. Raises InvalidClient, in one way for all that can be wrong.

    Junk costs no query, and a client one.
    """
    client = first_query(lambda: _presented(pairs, address))
    if client is None:
        raise InvalidClient("The client is unknown here, or its credentials are missing or wrong.")
    client.touch(ip)
    return client


def _presented(pairs: Sequence[tuple[str, str]], address: Address) -> OAuthClient | None:
    found = (OAuthClient.objects.presented(client_id, secret, address) for client_id, secret in pairs)
    return next((client for client in found if client), None)


def require_grant(client: OAuthClient, grant_type: str) -> Grant:
    """Raises UnsupportedGrantType for a grant that nobody can have, and UnauthorizedClient for one that this client
    may not use."""
    if grant_type not in Grant.values:
        raise UnsupportedGrantType
    if grant_type not in client.grants:
        raise UnauthorizedClient("This client may not use this grant type.")
    return Grant(grant_type)


def granted_scope(client: OAuthClient, requested: str) -> str:
    """What was asked for, or all that the client may have if it asked for nothing. Raises InvalidScope."""
    return _within(client.scope, requested) or client.scope


def kept_scope(client: OAuthClient, refresh_token: str, requested: str) -> frozenset[str]:
    """What a refresh may hand on of its session's scope: what the client may still have, and of that what it asks for
    (RFC 6749 section 6). Raises InvalidScope for more, and InvalidRefreshToken where there is no session of its own."""
    allowed = frozenset(client.scope.split())
    if not requested:
        return allowed
    session, _token = Session.objects.named(client.environment, refresh_token)
    if session.client_id != client.id:
        raise InvalidRefreshToken
    return allowed & frozenset(_within(session.scope, requested).split())


def client_token(client: OAuthClient, caller: Client, *, scope: str, context: RequestContext) -> ClientToken:
    """An access token of the client itself: no person is behind it, so no session and no refresh token."""
    environment = client.environment
    limit(environment, "client_token", context)
    ttl = min(environment.access_token_ttl, caller.longest_token)
    if client.expires_at is not None:
        ttl = max(1, min(ttl, int((client.expires_at - timezone.now()).total_seconds())))
    signed = jwt.sign(jwt.signer(environment, caller.profile), client_id=caller.id, ttl=ttl, scope=scope)
    return ClientToken(signed.text, scope)


def _within(allowed: str, requested: str) -> str:
    """The words of `requested`, each once. Raises InvalidScope for one that is not allowed."""
    words = list(dict.fromkeys(requested.split(" "))) if requested else []
    if not set(words) <= set(allowed.split()):
        raise InvalidScope
    return " ".join(words)
