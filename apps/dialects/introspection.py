"""Introspection (RFC 7662) and revocation (RFC 7009), once for all that the dialects give out.

Who asks is an OAuth client, or a server by an API key as Bearer: with the scope to introspect, or to revoke that key.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

from apps.dialects.answers import Response
from apps.dialects.base import Caller, endpoint
from apps.dialects.oauth import OAuthView, ParameterField
from apps.passwordless.introspection import (
    Introspected,
    Introspector,
    TokenKind,
    introspect,
    key_holder,
    revoke_token,
)
from apps.passwordless.sessions import Client
from apps.tokens.api_keys import Scope

# A refresh token is no bearer token: whoever takes what is active for an access token must be able to tell.
TOKEN_TYPES = {TokenKind.ACCESS: "bearer", TokenKind.API_KEY: "bearer", TokenKind.REFRESH: "refresh_token"}


class TokenForm(serializers.Serializer[Any]):
    """`token_type_hint` is not needed, and not looked at: the three kinds of token cannot be confused."""

    token = ParameterField()


class Introspect(OAuthView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        asking = self.asking()
        found = introspect(asking, self.parse(TokenForm)["token"], self.context)
        return Response(described(found) if found else {"active": False})

    def asking(self) -> Introspector:
        if (key := self.bearer()) is not None:
            return key_holder(key, self.address, self.context.ip)
        client = self.client()
        return Introspector(client.environment, client.id, hears_others=Scope.INTROSPECT in client.scopes)


class Revoke(OAuthView):
    """200 for known and unknown tokens alike (RFC 7009 section 2.2)."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller = self.revoking()
        token = self.parse(TokenForm)["token"]
        revoke_token(caller.environment, caller.client, token=token, context=self.context)
        return Response({})

    def revoking(self) -> Caller:
        if (key := self.bearer()) is not None:
            asking = key_holder(key, self.address, self.context.ip, scope=None)
            return Caller(asking.environment, Client(asking.client_id, self.profile))
        client = self.client()
        return Caller(client.environment, Client(client.id, self.profile, is_confidential=True))


def described(token: Introspected) -> dict[str, Any]:
    """No identifier of a person is in it but their id: a service that needs more asks userinfo with the token."""
    subject = str(token.subject) if token.subject != token.client_id else token.client_id.hex
    return {
        "active": True,
        "scope": token.scope,
        "client_id": token.client_id.hex,
        "sub": subject,
        **({"exp": token.expires_at} if token.expires_at is not None else {}),
        "iat": token.issued_at,
        "nbf": token.issued_at,
        "iss": token.issuer,
        "aud": token.audience,
        "jti": token.token_id,
        "token_type": TOKEN_TYPES[token.kind],
    }


urlpatterns = [
    endpoint("oauth/v2/introspect", Introspect),
    endpoint("oauth/v2/revoke", Revoke),
]
