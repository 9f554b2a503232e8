"""What is ours beside the dialects: the current user, captured messages.

Errors are `{"error", "error_description"}`, with the words of RFC 6749 and RFC 6750 where they fit.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework import serializers

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
from apps.dialects.answers import Response, timestamp
from apps.dialects.base import DialectView, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import IdentifierField
from apps.passwordless import captured
from apps.passwordless.bearer import principal
from apps.passwordless.people import describe
from apps.tenants.models import Environment


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
        presented: str = self.request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, token = presented.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise InvalidToken
        return token.strip()


class UserInfo(PlatformView):
    """Whose access token or API key this is, as OpenID Connect Core section 5.3 shapes it, while it lives."""

    # passport-openidconnect still sends `?schema=openid`, as drafts of OpenID Connect had it.
    in_query: ClassVar[Mapping[str, Container[str]]] = {"GET": {"schema"}}

    def get(self, request: HttpRequest, **_address: str) -> Response:
        person = describe(principal(self.address, self.bearer(), self.context.ip))
        return Response({"sub": str(person.user_id), "email": person.email, "email_verified": person.email_verified})


class RecipientForm(serializers.Serializer[Any]):
    recipient = IdentifierField(required=False)


class CapturedMessages(PlatformView):
    """What an environment without a provider would have sent, newest first, for a customer's own end-to-end tests."""

    in_query: ClassVar[Mapping[str, Container[str]]] = {"GET": {"recipient"}}

    def get(self, request: HttpRequest, **_address: str) -> Response:
        environment = captured.reader(self.bearer(), self.address, self.context.ip)
        form = fields.read(RecipientForm, request.GET.dict())
        rows = captured.messages(environment, recipient=form.get("recipient"))
        return Response({"messages": [self.message(row) for row in rows]})

    @staticmethod
    def message(row: captured.Captured) -> dict[str, Any]:
        return {"id": row.id.hex, "recipient": row.recipient, "sent_at": timestamp(row.sent_at), **json.loads(row.body)}


urlpatterns = [
    endpoint("userinfo", UserInfo),
    endpoint("dev/messages", CapturedMessages),
]
