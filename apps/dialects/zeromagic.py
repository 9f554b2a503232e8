"""ZeroMagic (contracts/zeromagic.seed.txt): sign-up and sign-in with an emailed code.

The vendor documents no errors, no refresh and no revocation: `{"error", "message"}`, `token/refresh` and `token/revoke`
are ours, as are `refresh_token` and `expires_at` (seconds since the epoch, of the access token) beside the documented
fields. `expires_in` is the documented null; the token itself always says when it ends.
"""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import (
    AuthError,
    BodyTooLarge,
    InvalidClient,
    InvalidGrant,
    InvalidRefreshToken,
    InvalidRequest,
    InvalidScope,
    InvalidToken,
    RateLimited,
    ServiceUnavailable,
    SignUpClosed,
    UnauthorizedClient,
    UnknownUser,
    UnsupportedGrantType,
    UserDisabled,
    UserExists,
)
from apps.dialects.base import Caller, DialectView, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import CodeField, EmailField, TokenField
from apps.passwordless.redeem import redeem
from apps.passwordless.sessions import Tokens, refresh, revoke
from apps.passwordless.start import Intent, start

ERRORS = {
    AuthError: Wire(400, "invalid_request"),
    InvalidRequest: Wire(400, "invalid_request"),
    BodyTooLarge: Wire(413, "invalid_request"),
    MethodNotAllowed: Wire(405, "method_not_allowed"),
    InvalidClient: Wire(401, "invalid_app_key"),
    UnauthorizedClient: Wire(403, "not_allowed"),
    SignUpClosed: Wire(403, "sign_up_closed"),
    UnsupportedGrantType: Wire(400, "invalid_request"),
    InvalidScope: Wire(400, "invalid_request"),
    InvalidGrant: Wire(400, "invalid_otp"),
    InvalidRefreshToken: Wire(400, "invalid_refresh_token"),
    InvalidToken: Wire(401, "invalid_token"),
    UnknownUser: Wire(404, "user_not_found"),
    UserExists: Wire(409, "user_exists"),
    UserDisabled: Wire(403, "user_disabled"),
    RateLimited: Wire(429, "rate_limited"),
    ServiceUnavailable: Wire(503, "service_unavailable"),
}


class StartForm(serializers.Serializer[Any]):
    email = EmailField()


class VerifyForm(serializers.Serializer[Any]):
    email = EmailField()
    otp_code = CodeField()


class RefreshTokenForm(serializers.Serializer[Any]):
    refresh_token = TokenField()


class ZeroMagicView(DialectView):
    errors = ERRORS

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return {"error": code, "message": error.message}

    def start(self, intent: Intent, status: int) -> Response:
        caller, form = self.caller(), self.parse(StartForm)
        started = start(caller.environment, intent=intent, email=form["email"], context=self.context)
        submitted: Any = self.request.data
        # The address goes back as it was submitted: a canonical one would tell what is stored.
        return Response({"user_id": str(started.user_id), "email": submitted["email"]}, status=status)

    def verify(self) -> Response:
        caller, form = self.caller(), self.parse(VerifyForm)
        signed_in = redeem(
            caller.environment,
            client_id=caller.client_id,
            email=form["email"],
            code=form["otp_code"],
            context=self.context,
        )
        tokens = signed_in.tokens
        return Response({"user_id": str(tokens.user_id), "email": signed_in.identifier, **token_body(tokens)})


class EmailOtpSignup(ZeroMagicView):
    def post(self, request: Request, **_address: str) -> Response:
        return self.start(Intent.SIGN_UP, status=201)


class EmailOtpLogin(ZeroMagicView):
    """The vendor's own example posts the code here, so a login that carries `otp_code` is a verify."""

    def post(self, request: Request, **_address: str) -> Response:
        if isinstance(request.data, dict) and "otp_code" in request.data:
            return self.verify()
        return self.start(Intent.SIGN_IN, status=200)


class EmailOtpVerify(ZeroMagicView):
    def post(self, request: Request, **_address: str) -> Response:
        return self.verify()


class TokenRefresh(ZeroMagicView):
    def post(self, request: Request, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(RefreshTokenForm)
        tokens = refresh(caller.environment, context=self.context, **_grant(caller, form))
        return Response({"user_id": str(tokens.user_id), **token_body(tokens)})


class TokenRevoke(ZeroMagicView):
    """200 for known and unknown tokens alike (RFC 7009 section 2.2)."""

    def post(self, request: Request, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(RefreshTokenForm)
        revoke(caller.environment, context=self.context, **_grant(caller, form))
        return Response({})


def _grant(caller: Caller, form: dict[str, Any]) -> dict[str, Any]:
    return {"client_id": caller.client_id, "refresh_token": form["refresh_token"]}


def token_body(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "expires_in": None,
        "expires_at": tokens.expires_at,
        "refresh_token": tokens.refresh_token,
    }


urlpatterns = [
    endpoint("email-otp-signup", EmailOtpSignup),
    endpoint("email-otp-login", EmailOtpLogin),
    endpoint("email-otp-verify", EmailOtpVerify),
    endpoint("token/refresh", TokenRefresh),
    endpoint("token/revoke", TokenRevoke),
]
