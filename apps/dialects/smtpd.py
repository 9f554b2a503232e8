"""SMTPD (contracts/smtpd.seed.txt, others.md): tokens for a name and a password or code, or for an API key.

The password grant is a switch of the environment. Besides the two documented codes all are ours: the status, then two
digits of our own (the vendor's 40102 and 40106 are 403 where the contract says so).

    40001 malformed request          40101 application unknown           40301 password grant switched off
    40002 unknown grant type         40102 wrong name, password or key   40302 not allowed
    40003 scope not to be had        40106 refresh token not valid       40303 person disabled
    40401 no such API key            40103 access token or key invalid   40901 person exists
    40501 method not allowed         41301 body too large                42901 too many requests, see Retry-After
    40000 any other refusal          50301 try again later

HTTP Basic is `username:password` or `key:`. Keys have no secret beside them here, so the `key:secret` that clients.md
(section 3) also knows is a wrong name and password, 40102.

In a token `id` and `account_id` are the person's id: whoever signs in owns an account of their own, and nothing else.
`subject` is the email address, `name` is empty because none is known here, `is_account_verified` says whether the
address is proved; `sub` stays the person's id. `Scope` is what the tokens may do: `account`.
"""

from __future__ import annotations

import uuid
from collections.abc import Container, Mapping
from typing import Any, ClassVar

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
    UnauthorizedClient,
    UnknownUser,
    UnsupportedGrantType,
    UserDisabled,
    UserExists,
)
from apps.dialects.answers import Response
from apps.dialects.base import DialectView, ErrorTable, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import StringField
from apps.dialects.strict_form import Basic, basic
from apps.passwordless.api_keys import UnknownKey
from apps.passwordless.bearer import Principal, is_key, principal
from apps.passwordless.grants import password_grant
from apps.passwordless.key_sessions import key_grant, person_client, presented
from apps.passwordless.people import known_as
from apps.passwordless.sessions import Tokens, refresh, revoke
from apps.tenants.models import Environment
from apps.tokens.api_keys import Scope


class PasswordGrantOff(UnauthorizedClient):
    message = "The password grant is switched off here."


ERRORS = {
    AuthError: Wire(400, "40000"),
    InvalidRequest: Wire(400, "40001"),
    BodyTooLarge: Wire(413, "41301"),
    MethodNotAllowed: Wire(405, "40501"),
    UnsupportedGrantType: Wire(400, "40002"),
    InvalidScope: Wire(400, "40003"),
    InvalidClient: Wire(401, "40101"),
    InvalidGrant: Wire(403, "40102"),
    InvalidToken: Wire(401, "40103"),
    InvalidRefreshToken: Wire(403, "40106"),
    PasswordGrantOff: Wire(403, "40301"),
    UnauthorizedClient: Wire(403, "40302"),
    UserDisabled: Wire(403, "40303"),
    UnknownUser: Wire(403, "40102"),
    UserExists: Wire(409, "40901"),
    UnknownKey: Wire(404, "40401"),
    RateLimited: Wire(429, "42901"),
    ServiceUnavailable: Wire(503, "50301"),
}
TEXTS = {"40102": "Username and password are incorrect", "40106": "Refresh token is invalid"}


class PasswordForm(serializers.Serializer[Any]):
    username = StringField()
    password = StringField()


class RefreshTokenForm(serializers.Serializer[Any]):
    refresh_token = StringField()


class SmtpdView(DialectView):
    takes_forms = True
    errors: ClassVar[ErrorTable] = ERRORS

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return {"code": int(code), "message": TEXTS.get(code, error.message)}

    def authorization(self) -> str:
        """The header, under either of the names that the vendor's pages have for it. Raises InvalidRequest for two."""
        headers = self.request.headers
        sent = {headers[name] for name in ("Authorization", "Authentication") if name in headers}
        if len(sent) > 1:
            raise InvalidRequest("The request authenticates in two ways.")
        return sent.pop() if sent else ""

    def presented(self) -> Basic | None:
        """What the header holds, a bearer token as a user without a password. Never form-decoded: the vendor's own
        sample key has signs that would change. None for no header, or one of another scheme."""
        scheme, _, token = self.authorization().partition(" ")
        return Basic(token.strip(), "") if scheme.lower() == "bearer" else basic(self.authorization())

    def principal(self) -> Principal:
        """Who comes with an access token or an API key. Raises InvalidToken."""
        sent = self.presented()
        if sent is None or sent.password or not sent.user:
            raise InvalidToken
        return principal(self.address, sent.user, self.context.ip)

    def environment(self) -> Environment:
        """By the application or by the API key that asks. An access token beside a refresh token is not looked at: one
        that has expired must keep nobody from going on, or from signing out."""
        sent = self.presented()
        if sent is None or sent.password or not is_key(sent.user):
            return self.caller().environment
        return principal(self.address, sent.user, self.context.ip).environment


class Token(SmtpdView):
    in_query: ClassVar[Mapping[str, Container[str]]] = {"POST": {"grant_type"}}

    def post(self, request: HttpRequest, **_address: str) -> Response:
        grant = self.grant_type(request)
        if grant == "password":
            return Response(token_body(self.by_credentials(request)))
        if grant == "refresh_token":
            return Response(token_body(self.by_refresh_token()))
        raise UnsupportedGrantType

    def grant_type(self, request: HttpRequest) -> str:
        """From the query, where the contract has it, or from the body. Raises InvalidRequest where the two differ."""
        if not isinstance(self.data, dict):
            raise InvalidRequest("The body must be a JSON object or a form.")
        named = [sent["grant_type"] for sent in (request.GET, self.data) if "grant_type" in sent]
        if not named or any(name != named[0] for name in named):
            raise InvalidRequest("The query holds one grant_type.")
        return named[0] if isinstance(named[0], str) else ""

    def by_credentials(self, request: HttpRequest) -> Tokens:
        sent = self.credentials(request)
        if not sent.password:
            return self.by_key(sent.user)
        environment = allowing(self.caller().environment)
        return password_grant(
            environment,
            person_client(environment),
            username=sent.user,
            secret=sent.password,
            context=self.context,
            scope=Scope.ACCOUNT,
            claims_of=claims_of,
            ends_others=True,
        )

    def credentials(self, request: HttpRequest) -> Basic:
        """From the header or from the body. Raises InvalidRequest for both."""
        sent = self.presented()
        if sent is None:
            form = self.parse(PasswordForm)
            return Basic(form["username"], form["password"])
        if "username" in self.data or "password" in self.data:
            raise InvalidRequest("The request authenticates in two ways.")
        return sent

    def by_key(self, secret: str) -> Tokens:
        if not is_key(secret):
            raise InvalidGrant
        try:
            key = principal(self.address, secret, self.context.ip)
        except InvalidToken:
            raise InvalidGrant from None
        allowing(key.environment)
        return key_grant(key, context=self.context, claims_of=claims_of)

    def by_refresh_token(self) -> Tokens:
        environment = allowing(self.environment())
        client, token = presented(environment, self.parse(RefreshTokenForm)["refresh_token"])
        return refresh(environment, client, refresh_token=token, context=self.context, claims_of=claims_of)


class Revoke(SmtpdView):
    """The refresh token is what it takes: the vendor's clients send an access token as well, which may have expired."""

    errors: ClassVar[ErrorTable] = {**ERRORS, InvalidRefreshToken: Wire(401, "40106")}

    def post(self, request: HttpRequest, **_address: str) -> Response:
        environment = self.environment()
        client, token = presented(environment, self.parse(RefreshTokenForm)["refresh_token"])
        if not revoke(environment, client, refresh_token=token, context=self.context):
            raise InvalidRefreshToken
        return Response({})


def allowing(environment: Environment) -> Environment:
    if not environment.password_grant:
        raise PasswordGrantOff
    return environment


def claims_of(environment: Environment, user_id: uuid.UUID) -> Mapping[str, Any]:
    person = known_as(environment, user_id)
    return {
        "id": str(user_id),
        "account_id": str(user_id),
        "name": "",
        "subject": person.email or "",
        "is_account_verified": person.email_verified,
    }


def token_body(tokens: Tokens) -> dict[str, Any]:
    return {
        "token_type": "bearer",
        "access_token": tokens.access_token,
        "expires_at": tokens.expires_at * 1000,
        "Scope": tokens.scope.split(),
        "refresh_token": tokens.refresh_token,
    }


urlpatterns = [
    endpoint("oauth/token", Token),
    endpoint("oauth/revoke", Revoke),
]
