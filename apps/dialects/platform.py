"""What is ours beside the dialects: keys and metadata for verifiers, the current user, captured messages.

Errors are `{"error", "error_description"}`, with the words of RFC 6749 and RFC 6750 where they fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import (
    AuthError,
    BodyTooLarge,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    InvalidToken,
    RateLimited,
    ServiceUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from apps.dialects import fields
from apps.dialects.base import DialectView, MethodNotAllowed, Wire, absolute, endpoint
from apps.dialects.fields import IdentifierField
from apps.passwordless import captured
from apps.passwordless.bearer import current_user
from apps.passwordless.signing import published_keys
from apps.tenants.models import Environment
from apps.tokens.signing_keys import Profile, issuer


class NothingHere(AuthError):
    message = "There is nothing at this address."


ERRORS = {
    AuthError: Wire(400, "invalid_request"),
    NothingHere: Wire(404, "not_found"),
    InvalidRequest: Wire(400, "invalid_request"),
    BodyTooLarge: Wire(413, "invalid_request"),
    MethodNotAllowed: Wire(405, "method_not_allowed"),
    InvalidClient: Wire(401, "invalid_client"),
    UnauthorizedClient: Wire(403, "unauthorized_client"),
    UnsupportedGrantType: Wire(400, "unsupported_grant_type"),
    InvalidScope: Wire(400, "invalid_scope"),
    InvalidGrant: Wire(400, "invalid_grant"),
    InvalidToken: Wire(401, "invalid_token"),
    RateLimited: Wire(429, "rate_limited"),
    ServiceUnavailable: Wire(503, "temporarily_unavailable"),
}


class PlatformView(DialectView):
    errors = ERRORS

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return {"error": code, "error_description": error.message}

    def environment(self, missing: type[AuthError] = NothingHere) -> Environment:
        """The environment of the address. Raises `missing`."""
        found = Environment.objects.at(self.address)
        if found is None:
            raise missing
        return found

    def bearer(self) -> str:
        """The token of RFC 6750 section 2.1. Raises InvalidToken when there is none."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken
        return token.strip()

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(exc)
        if isinstance(exc, InvalidToken):
            response["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return response


class WellKnownView(PlatformView):
    """Public, and only at an issuer's own address: a document found elsewhere would speak for somebody else.

    An environment has one issuer for each profile of tokens, and each has documents of its own.
    """

    path = ""

    def get(self, request: Request, **_address: str) -> Response:
        environment = self.environment()
        asked = absolute(request).rstrip("/").removesuffix(f"/.well-known/{self.path}")
        for profile in Profile:
            if issuer(environment, profile) == asked:
                return self.public(self.document(environment, profile))
        raise NothingHere

    def document(self, environment: Environment, profile: Profile) -> dict[str, Any]:
        raise NotImplementedError

    def public(self, document: dict[str, Any]) -> Response:
        return Response(document, headers={"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"})


class Jwks(WellKnownView):
    """RFC 7517 section 5: keys to come, in use, and retired while their tokens may live."""

    path = "jwks.json"

    def document(self, environment: Environment, profile: Profile) -> dict[str, Any]:
        return {"keys": published_keys(environment, profile)}


class Metadata(WellKnownView):
    """RFC 8414 section 2, of what there is: tokens come from the dialects, so there is no endpoint of OAuth's own."""

    path = "openid-configuration"

    def document(self, environment: Environment, profile: Profile) -> dict[str, Any]:
        name = issuer(environment, profile)
        return {"issuer": name, "jwks_uri": f"{name}/.well-known/jwks.json", **OFFERED[profile](name)}


# Passage's document has three fields (contracts/passage.md section 2); its endpoint is one that is not offered here.
OFFERED: dict[Profile, Callable[[str], dict[str, Any]]] = {
    Profile.ACCESS: lambda name: {
        "userinfo_endpoint": f"{name}/userinfo",
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
    },
    Profile.PASSAGE: lambda name: {"authorization_endpoint": f"{name}/social/authorize"},
}


class UserInfo(PlatformView):
    """Whose access token this is, as OpenID Connect Core section 5.3 shapes it; refused once the session has ended."""

    def get(self, request: Request, **_address: str) -> Response:
        token = self.bearer()
        # A token that is not valid here gets the same answer whether there is anything here or not.
        user = current_user(self.environment(missing=InvalidToken), access_token=token)
        return Response({"sub": str(user.user_id), "email": user.email, "email_verified": user.email_verified})


class RecipientForm(serializers.Serializer[Any]):
    recipient = IdentifierField(required=False)


class CapturedMessages(PlatformView):
    """What an environment without a provider would have sent, newest first, for a customer's own end-to-end tests."""

    def get(self, request: Request, **_address: str) -> Response:
        environment = captured.reader(self.bearer(), self.address, self.context.ip)
        form = fields.read(RecipientForm, request.query_params.dict())
        rows = captured.messages(environment, recipient=form.get("recipient"))
        return Response({"messages": [self.message(row) for row in rows]})

    @staticmethod
    def message(row: captured.Captured) -> dict[str, Any]:
        return {"id": row.id.hex, "recipient": row.recipient, "sent_at": row.sent_at, **json.loads(row.body)}


urlpatterns = [
    endpoint(r"\.well-known/jwks\.json", Jwks),
    endpoint(r"\.well-known/openid-configuration", Metadata),
    endpoint("userinfo", UserInfo),
    endpoint("dev/messages", CapturedMessages),
]
