"""ZeroMagic (contracts/zeromagic.seed.txt, zeromagic.md): sign-up and sign-in with a code by email or text message.
Passwords are in zeromagic_passwords.py.

The vendor documents no errors, no refresh and no revocation: `{"error", "message"}`, `token/refresh` and `token/revoke`
are ours, as are `refresh_token` and `expires_at` (seconds since the epoch, of the access token) beside the documented
fields. `expires_in` is the documented null; the token itself always says when it ends.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

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
    WrongPassword,
)
from apps.core.identifiers import Contact, phone_contact, region_of
from apps.dialects.answers import Response
from apps.dialects.base import Caller, DialectView, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import CodeField, EmailField, StringField
from apps.passwordless.redeem import redeem
from apps.passwordless.sessions import Tokens, refresh, revoke
from apps.passwordless.start import Intent, start


class NotOffered(UnauthorizedClient):
    message = "Sign-in with a social connection (oauth) is not offered."


ERRORS = {
    AuthError: Wire(400, "invalid_request"),
    InvalidRequest: Wire(400, "invalid_request"),
    BodyTooLarge: Wire(413, "invalid_request"),
    MethodNotAllowed: Wire(405, "method_not_allowed"),
    InvalidClient: Wire(401, "invalid_app_key"),
    UnauthorizedClient: Wire(403, "not_allowed"),
    SignUpClosed: Wire(403, "sign_up_closed"),
    NotOffered: Wire(403, "not_offered"),
    UnsupportedGrantType: Wire(400, "invalid_request"),
    InvalidScope: Wire(400, "invalid_request"),
    InvalidGrant: Wire(400, "invalid_otp"),
    InvalidRefreshToken: Wire(400, "invalid_refresh_token"),
    WrongPassword: Wire(401, "invalid_credentials"),
    InvalidToken: Wire(401, "invalid_token"),
    UnknownUser: Wire(404, "user_not_found"),
    UserExists: Wire(409, "user_exists"),
    UserDisabled: Wire(403, "user_disabled"),
    RateLimited: Wire(429, "rate_limited"),
    ServiceUnavailable: Wire(503, "service_unavailable"),
}


class EmailForm(serializers.Serializer[Any]):
    email = EmailField()


class EmailCodeForm(EmailForm):
    otp_code = CodeField()


class MobileForm(serializers.Serializer[Any]):
    mobile = StringField()


class MobileSignupForm(MobileForm):
    country_code = StringField()


class MobileCodeForm(MobileForm):
    otp_code = CodeField()


class RefreshTokenForm(serializers.Serializer[Any]):
    refresh_token = StringField()


class ZeroMagicView(DialectView):
    errors = ERRORS

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return {"error": code, "message": error.message}

    def start(self, caller: Caller, intent: Intent, to: Contact, field: str, status: int) -> Response:
        started = start(caller.environment, intent=intent, to=to, context=self.context)
        submitted: Any = self.data
        # The identifier goes back as it was submitted: a canonical one would tell what is stored.
        return Response({"user_id": str(started.user_id), field: submitted[field]}, status=status)

    def verify(self, caller: Caller, to: Contact, code: str, identifier: dict[str, str]) -> Response:
        tokens = redeem(caller.environment, caller.client, to=to, code=code, context=self.context)
        return Response({"user_id": str(tokens.user_id), **identifier, **token_body(tokens)})


class CodeView(ZeroMagicView):
    asks_later = True

    def has_code(self) -> bool:
        return isinstance(self.data, dict) and "otp_code" in self.data


class EmailOtpSignup(CodeView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(EmailForm)
        return self.start(caller, Intent.SIGN_UP, form["email"], "email", status=201)


class EmailOtpVerify(CodeView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        return self.verify_email(self.caller())

    def verify_email(self, caller: Caller) -> Response:
        form = self.parse(EmailCodeForm)
        return self.verify(caller, form["email"], form["otp_code"], {"email": form["email"].value})


class EmailOtpLogin(EmailOtpVerify):
    """The vendor's own example posts the code here, so a login that carries `otp_code` is a verify."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller = self.caller()
        if self.has_code():
            return self.verify_email(caller)
        form = self.parse(EmailForm)
        return self.start(caller, Intent.SIGN_IN, form["email"], "email", status=200)


class MobileOtpSignup(CodeView):
    """`mobile` comes and goes without the country code, which is sent beside it at this one time."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(MobileSignupForm)
        to = phone_contact(form["mobile"], region_of(form["country_code"]))
        return self.start(caller, Intent.SIGN_UP, to, "mobile", status=201)


class MobileOtpVerify(CodeView):
    """Login and verify know no country code: the number is read in the environment's default region."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        return self.verify_mobile(self.caller())

    def verify_mobile(self, caller: Caller) -> Response:
        form = self.parse(MobileCodeForm)
        to = self.number(caller, form["mobile"])
        return self.verify(caller, to, form["otp_code"], {"mobile": form["mobile"]})

    @staticmethod
    def number(caller: Caller, mobile: str) -> Contact:
        return phone_contact(mobile, caller.environment.default_region)


class MobileOtpLogin(MobileOtpVerify):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller = self.caller()
        if self.has_code():
            return self.verify_mobile(caller)
        form = self.parse(MobileForm)
        return self.start(caller, Intent.SIGN_IN, self.number(caller, form["mobile"]), "mobile", status=200)


class TokenRefresh(CodeView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(RefreshTokenForm)
        tokens = refresh(caller.environment, caller.client, refresh_token=form["refresh_token"], context=self.context)
        return Response({"user_id": str(tokens.user_id), **token_body(tokens)})


class TokenRevoke(ZeroMagicView):
    """200 for known and unknown tokens alike (RFC 7009 section 2.2)."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(RefreshTokenForm)
        revoke(caller.environment, caller.client, refresh_token=form["refresh_token"], context=self.context)
        return Response({})


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
    endpoint("mobile-otp-signup", MobileOtpSignup),
    endpoint("mobile-otp-login", MobileOtpLogin),
    endpoint("mobile-otp-verify", MobileOtpVerify),
    endpoint("token/refresh", TokenRefresh),
    endpoint("token/revoke", TokenRevoke),
]
