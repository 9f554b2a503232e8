"""SmallPict (contracts/smallpict.seed.txt, others.md): a plug-in trades a code for an API key of the person's own.

The contract says nothing about anybody in either mode: unknown people get the answer of known ones, and a wrong code is
`invalid_otp` for all. `expired_otp` is told only to who knows the code that expired. The vendor's routes under
`/internal/` are not offered. The key is shown once; what it opens here is `userinfo` and SMTPD's `oauth/me` and keys.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.http import HttpRequest
from rest_framework import serializers

from apps.challenges.models import Purpose
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
    UnknownUser,
    UnsupportedGrantType,
    UserDisabled,
    UserExists,
)
from apps.dialects.answers import Response
from apps.dialects.base import DialectView, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import CodeField, EmailField
from apps.passwordless.api_keys import RightCodeExpired, redeem_for_key
from apps.passwordless.start import Intent, start

# The words are the vendor's; it documents none for a wrong method or a body that is too large.
ERRORS = {
    AuthError: Wire(400, "validation_error"),
    InvalidRequest: Wire(400, "validation_error"),
    BodyTooLarge: Wire(413, "validation_error"),
    MethodNotAllowed: Wire(405, "validation_error"),
    InvalidClient: Wire(401, "invalid_api_key"),
    UnauthorizedClient: Wire(403, "access_denied"),
    UnsupportedGrantType: Wire(400, "validation_error"),
    InvalidScope: Wire(400, "validation_error"),
    InvalidGrant: Wire(401, "invalid_otp"),
    RightCodeExpired: Wire(401, "expired_otp"),
    InvalidToken: Wire(401, "invalid_api_key"),
    # Whatever the environment conceals, this contract has one answer for what is not a person's right code.
    UnknownUser: Wire(401, "invalid_otp"),
    UserExists: Wire(401, "invalid_otp"),
    UserDisabled: Wire(401, "invalid_otp"),
    RateLimited: Wire(429, "rate_limited"),
    ServiceUnavailable: Wire(503, "service_unavailable"),
}
TEXTS = {"invalid_otp": InvalidGrant.message, "expired_otp": "The code has expired. Request a new one."}
MAX_SITE_URL_LENGTH = 500
is_web_address = URLValidator(schemes=["http", "https"])


class SiteURLField(serializers.Field[str, Any, str, Any]):
    """A web address that people will be shown: no credentials, and nothing in it that the eye does not see.
    It is optional, so an empty one and null count as left out: forms of plug-ins send what nobody filled in."""

    default_error_messages = {"invalid": "must be a web address"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > MAX_SITE_URL_LENGTH or not data.isprintable():
            self.fail("invalid")
        if not data:
            return ""
        try:
            is_web_address(data)
        except ValidationError:
            self.fail("invalid")
        if "@" in urlsplit(data).netloc:
            self.fail("invalid")
        return str(data)


class RequestForm(serializers.Serializer[Any]):
    email = EmailField()
    site_url = SiteURLField(required=False, allow_null=True, default="")


class VerifyForm(RequestForm):
    code = CodeField()


class SmallPictView(DialectView):
    errors = ERRORS

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return {"code": code, "message": TEXTS.get(code, error.message)}


class RequestOtp(SmallPictView):
    """The site is checked and not kept: the key that a code is traded for is made by the verify, which names it."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(RequestForm)
        # Whether new people are allowed is the worker's and the verify's question; nobody hears of it here.
        intent = Intent.SIGN_UP if caller.environment.sign_up_open else Intent.SIGN_IN
        started = start(
            caller.environment,
            intent=intent,
            to=form["email"],
            context=self.context,
            conceals=True,
            purpose=Purpose.API_KEY,
        )
        sent = {"status": "success", "message": "OTP sent successfully", "expires_in": int(started.expires_in)}
        return Response(sent)


class VerifyOtp(SmallPictView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(VerifyForm)
        minted = redeem_for_key(
            caller.environment,
            to=form["email"],
            code=form["code"],
            site_url=form["site_url"] or "",
            context=self.context,
        )
        return Response({"status": "success", "api_key": minted.secret, "message": "Authentication successful"})


urlpatterns = [
    endpoint("plugin/auth/request-otp", RequestOtp),
    endpoint("plugin/auth/verify-otp", VerifyOtp),
]
