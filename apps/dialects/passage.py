"""Passage by 1Password (contracts/passage.seed.txt, passage.md): its API for one-time codes.

Passage's own clients send no key: they are served where the environment allows keyless clients. The codes in error
bodies stay inside the lists that its SDKs know; a rate limit, which they do not know, is 429 `invalid_request`.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from rest_framework import serializers

from apps.core.errors import (
    AuthError,
    BodyTooLarge,
    ChallengeLocked,
    InvalidClient,
    InvalidGrant,
    InvalidRefreshToken,
    InvalidRequest,
    InvalidScope,
    InvalidToken,
    RateLimited,
    ServiceUnavailable,
    UnauthorizedClient,
    UnknownEnvironment,
    UnknownUser,
    UnsupportedGrantType,
    UserDisabled,
    UserExists,
)
from apps.dialects import fields
from apps.dialects.answers import Response
from apps.dialects.base import DialectView, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import CodeField, IdentifierField, LanguageField, StringField
from apps.passwordless.redeem import redeem_handle
from apps.passwordless.sessions import Tokens, refresh, revoke
from apps.passwordless.signing import public_key_pem
from apps.passwordless.start import Intent, start
from apps.tenants.models import Environment
from apps.tokens.signing_keys import Profile

ERRORS = {
    AuthError: Wire(400, "invalid_request"),
    InvalidRequest: Wire(400, "invalid_request"),
    BodyTooLarge: Wire(413, "invalid_request"),
    MethodNotAllowed: Wire(405, "invalid_request"),
    InvalidClient: Wire(401, "invalid_access_token"),
    UnknownEnvironment: Wire(404, "app_not_found"),
    UnauthorizedClient: Wire(403, "operation_not_allowed"),
    UnsupportedGrantType: Wire(400, "invalid_request"),
    InvalidScope: Wire(400, "invalid_request"),
    InvalidGrant: Wire(400, "invalid_request"),
    ChallengeLocked: Wire(401, "exceeded_attempts"),
    InvalidRefreshToken: Wire(401, "invalid_refresh_token"),
    InvalidToken: Wire(401, "invalid_access_token"),
    UnknownUser: Wire(404, "user_not_found"),
    UserExists: Wire(400, "invalid_request"),
    UserDisabled: Wire(403, "user_not_active"),
    RateLimited: Wire(429, "invalid_request"),
    ServiceUnavailable: Wire(503, "internal_server_error"),
}
TEXTS: dict[type[AuthError], str] = {
    UserExists: "user: already exists.",  # The Swift client compares it to the character.
    UnknownEnvironment: "There is no such app.",
}
# Its SDKs send no cookie and ask for no credentials, so any origin may call (contracts/clients.md, trap 4).
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Passage-Version, Passage-Element-Version, APP-KEY",
    "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
    "Access-Control-Max-Age": "7200",
}


class StartForm(serializers.Serializer[Any]):
    identifier = IdentifierField()
    language = LanguageField(required=False, allow_null=True)


class ActivateForm(serializers.Serializer[Any]):
    otp = CodeField()
    otp_id = StringField()


class RefreshTokenForm(serializers.Serializer[Any]):
    refresh_token = StringField()


class PassageView(DialectView):
    errors = ERRORS
    profile = Profile.PASSAGE
    http_method_names = (*DialectView.http_method_names, "options")

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        own = (text for cls, text in TEXTS.items() if isinstance(error, cls))
        return {"code": code, "error": next(own, error.message)}

    def options(self, request: HttpRequest, *_args: Any, **_address: str) -> Response:  # type: ignore[override]
        """A browser's preflight; the headers that answer it are on every response."""
        return Response(status=204)

    def finished(self, response: HttpResponse) -> HttpResponse:
        for name, value in CORS.items():
            response.headers.setdefault(name, value)
        return super().finished(response)

    def start(self, intent: Intent, status: int) -> Response:
        caller, form = self.caller(), self.parse(StartForm)
        context = self.context
        if language := form.get("language"):
            context = replace(context, language=language)
        started = start(caller.environment, intent=intent, to=form["identifier"], context=context, by_handle=True)
        return Response({"otp_id": started.handle}, status=status)


class CodeView(PassageView):
    asks_later = True


class LoginOtp(CodeView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        return self.start(Intent.SIGN_IN, status=200)


class RegisterOtp(CodeView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        return self.start(Intent.SIGN_UP, status=201)


class OtpActivate(CodeView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(ActivateForm)
        tokens = redeem_handle(
            caller.environment, caller.client, handle=form["otp_id"], code=form["otp"], context=self.context
        )
        return Response(auth_result(caller.environment, tokens))


class TokensView(CodeView):
    in_query: ClassVar[Mapping[str, Container[str]]] = {"DELETE": {"refresh_token"}}

    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(RefreshTokenForm)
        tokens = refresh(caller.environment, caller.client, refresh_token=form["refresh_token"], context=self.context)
        return Response(auth_result(caller.environment, tokens))

    def delete(self, request: HttpRequest, **_address: str) -> Response:
        """Sign out. The contract puts the token into the query; it is in no log of ours."""
        self.asks_later = False  # It is silent about whatever the token opens.
        caller = self.caller()
        token = fields.read(RefreshTokenForm, request.GET.dict())["refresh_token"]
        revoke(caller.environment, caller.client, refresh_token=token, context=self.context)
        return Response({})


class App(PassageView):
    def get(self, request: HttpRequest, **_address: str) -> Response:
        return Response({"app": app(self.caller().environment)})


def auth_result(environment: Environment, tokens: Tokens) -> dict[str, Any]:
    return {
        "auth_result": {
            "auth_token": tokens.access_token,
            "redirect_url": environment.redirect_url or "/",
            "refresh_token": tokens.refresh_token,
            "refresh_token_expiration": tokens.refresh_expires_at,
        }
    }


def app(environment: Environment) -> dict[str, Any]:
    """Every member is there, because clients read all of them; `passkeys` is not, because its presence means "on"."""
    ttl = {"ttl": environment.code_ttl, "ttl_display_unit": "s"}
    return {
        "id": environment.id.hex,
        "name": environment.project.name,
        "allowed_identifier": "both",
        "required_identifier": "either",
        "auth_fallback_method": "otp",
        "auth_fallback_method_ttl": environment.code_ttl,
        "auth_methods": {"otp": ttl},
        "auth_origin": environment.auth_origin,
        "default_language": environment.default_language,
        "element_customization": {},
        "element_customization_dark": {},
        "ephemeral": False,
        # For passage-identity 2.6: if true it looks for the app's id among a token's audiences, else for the origin.
        "hosted": not environment.auth_origin,
        "layouts": {"profile": [], "registration": []},
        "login_url": "/",
        "passage_branding": False,
        "profile_management": False,
        "public_signup": environment.sign_up_open,
        "redirect_url": environment.redirect_url or "/",
        "require_email_verification": True,
        "require_identifier_verification": True,
        "rsa_public_key": public_key_pem(environment, Profile.PASSAGE),
        "session_timeout_length": environment.access_token_ttl,
        "social_connections": {},
        "user_metadata_schema": [],
    }


urlpatterns = [
    endpoint("login/otp", LoginOtp),
    endpoint("register/otp", RegisterOtp),
    endpoint("otp/activate", OtpActivate),
    endpoint("tokens", TokensView),
    endpoint("", App),
]
