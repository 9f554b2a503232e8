"""What OAuth endpoints share (RFC 6749): how a client says who it is, parameters, refusals, and no caching of either.

The errors are those of section 5.2, with three words of ours where it has none: `access_denied` for what an environment
has switched off, `rate_limited` and `temporarily_unavailable`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
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
from apps.dialects.base import DialectView, MethodNotAllowed, Wire
from apps.dialects.strict_form import Form, basic
from apps.passwordless.clients import authenticate
from apps.passwordless.introspection import UnsupportedTokenType
from apps.tokens.oauth_clients import OAuthClient


class SwitchedOff(UnauthorizedClient):
    """The environment offers this to nobody, whichever client asks."""


ERRORS = {
    AuthError: Wire(400, "invalid_request"),
    InvalidRequest: Wire(400, "invalid_request"),
    BodyTooLarge: Wire(413, "invalid_request"),
    MethodNotAllowed: Wire(405, "method_not_allowed"),
    UnsupportedTokenType: Wire(400, "unsupported_token_type"),
    InvalidClient: Wire(401, "invalid_client"),
    UnauthorizedClient: Wire(400, "unauthorized_client"),
    SwitchedOff: Wire(403, "access_denied"),
    UnsupportedGrantType: Wire(400, "unsupported_grant_type"),
    InvalidScope: Wire(400, "invalid_scope"),
    InvalidGrant: Wire(400, "invalid_grant"),
    InvalidToken: Wire(401, "invalid_token"),
    RateLimited: Wire(429, "rate_limited"),
    ServiceUnavailable: Wire(503, "temporarily_unavailable"),
}
# RFC 6749 section 5.1; the second for caches of HTTP/1.0.
UNCACHED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class ParameterField(serializers.Field[str, Any, str, Any]):
    """A string, as long as a body may be. One without a value counts as left out (RFC 6749 section 3.1)."""

    default_error_messages = {"invalid": "must be a string"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not data and self.required:
            self.fail("required")
        return str(data)


class OAuthView(DialectView):
    takes_forms = True
    errors = ERRORS
    challenge = ""
    """What a 401 asks for: that which the client has tried, and nothing where it tried no header (section 5.2)."""

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return {"error": code, "error_description": error.message}

    @property
    def is_form(self) -> bool:
        return isinstance(self.data, Form)

    def parameters(self) -> Mapping[str, Any]:
        if not isinstance(self.data, dict):
            raise InvalidRequest("The body must be a JSON object or a form.")
        return self.data

    def client(self) -> OAuthClient:
        """The OAuth client that authenticates itself with this request. Raises InvalidClient."""
        parameters = self.parameters()
        authorization = self.request.headers.get("Authorization", "")
        if authorization:
            self.challenge = 'Basic realm="oauth", charset="UTF-8"'
        return authenticate(credentials(authorization, parameters), self.address, self.context.ip)

    def bearer(self) -> str | None:
        """The token of RFC 6750 section 2.1; None for a header of another scheme, or none. Raises InvalidRequest for
        one beside a secret in the body."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        if self.parameters().get("client_secret"):
            raise InvalidRequest("A client authenticates in one way at a time.")
        self.challenge = "Bearer"
        return token.strip()

    def refused(self, exc: Exception) -> HttpResponse:
        response = super().refused(exc)
        # Never on a 400: a client that sees a challenge does not look at the body (contracts/clients.md, trap 11).
        if isinstance(exc, InvalidClient) and self.challenge:
            response["WWW-Authenticate"] = self.challenge
        return response

    def finished(self, response: HttpResponse) -> HttpResponse:
        for name, value in UNCACHED.items():
            response.headers[name] = value
        return super().finished(response)


def credentials(authorization: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs of id and secret that the client may mean, in the order to try them; none where it says nothing.

    Raises InvalidRequest for more than one way at once (section 2.3), which a mere repetition of the id is not.
    """
    named = fields.read(CredentialsForm, parameters)
    client_id, secret = named["client_id"], named["client_secret"]
    if not authorization:
        return [(client_id, secret)] if client_id and secret else []
    sent = basic(authorization)
    if secret:
        raise InvalidRequest("A client authenticates in one way at a time.")
    if sent is None:
        return []
    # Raw first, as half of the published clients send it, then form-encoded as the other half (trap 2).
    pairs = [(sent.user, sent.password), (sent.decoded().user, sent.decoded().password)]
    if client_id and client_id not in {user for user, _password in pairs}:
        raise InvalidRequest("The request names two clients.")
    return list(dict.fromkeys(pairs))


class CredentialsForm(serializers.Serializer[Any]):
    client_id = ParameterField(required=False, default="")
    client_secret = ParameterField(required=False, default="")
