"""Satellite's document."""

from __future__ import annotations

from apps.core.errors import (
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
from apps.dialects import satellite
from apps.dialects.oauth import CredentialsForm, SwitchedOff
from apps.dialects.openapi import security
from apps.dialects.openapi.fields import OneOf
from apps.dialects.openapi.shapes import (
    Answer,
    Document,
    ErrorHeader,
    Operation,
    always,
    closed,
    number,
    or_null,
    text,
    without_need_of,
)

ALWAYS = (InvalidRequest, BodyTooLarge, InvalidClient, RateLimited, ServiceUnavailable)
UNCACHED = {"Cache-Control": "`no-store`.", "Pragma": "`no-cache`."}

TOKEN = without_need_of(
    {"scope", "refresh_token"},
    closed(
        access_token=text("A JWT, which `.well-known/jwks.json` verifies.", "eyJhbGciOi.eyJpc3MiOi.c2lnbmF0dXJl"),
        expires_in=number("How long it lives, in seconds; an hour at most.", 3600),
        token_type=always("bearer", "How the token is shown."),
        scope=or_null(text("The scopes. Of none: null in answer to JSON, left out in answer to a form.", "account")),
        refresh_token=text("Of a person's grant: good for one new pair of tokens.", "AXhTZXNzaW9uAAAAAQ"),
    ),
)
DATA = without_need_of(
    {"email", "phone"},
    closed(
        email=text("As it was sent.", "ada@example.com"),
        phone=text("As it was sent.", "02345678901234"),
    ),
)
SENT = closed(data=DATA, meta={"type": "array", "maxItems": 0, "description": "Always empty."})


class ClientCredentialsGrant(satellite.ClientForm, CredentialsForm):
    grant_type = OneOf("client_credentials")


class PasswordGrant(satellite.PasswordForm, CredentialsForm):
    grant_type = OneOf("password")


class RefreshTokenGrant(satellite.RefreshForm, CredentialsForm):
    grant_type = OneOf("refresh_token")


GRANT = Operation(
    name="token",
    summary="Get an access token",
    description="The password of a password grant is a live code or the person's password. Which grants a client may "
    "use is its own; the password grant is off unless it was switched on. The client's id and secret are in the body, "
    "or in a Basic header.",
    request=(ClientCredentialsGrant, PasswordGrant, RefreshTokenGrant),
    answers={200: Answer("A token.", TOKEN, UNCACHED)},
    errors=(*ALWAYS, UnsupportedGrantType, UnauthorizedClient, InvalidScope, InvalidGrant),
    security=(security.NOTHING, security.CLIENT),
)
SEND = Operation(
    name="otpSend",
    summary="Request a code",
    description="Either `email` or `phone`. The answer is the same for everybody, also for people who are unknown and "
    "numbers that cannot be.",
    request=satellite.OtpForm,
    answers={200: Answer("A code is on its way, if there is anybody to send it to.", SENT, UNCACHED)},
    errors=(*ALWAYS, InvalidToken, SwitchedOff),
    security=(security.ACCESS_TOKEN, security.APP_KEY, security.NOTHING),
)
DOCUMENT = Document(
    name="satellite",
    title="Satellite",
    description="OAuth 2 tokens for clients and people, and codes to use as passwords, as Satellite documents them. "
    "JSON and form bodies; refusals are RFC 6749's.",
    urlpatterns=satellite.urlpatterns,
    operations={satellite.Token: {"post": GRANT}, satellite.OtpSend: {"post": SEND}},
    error=closed(
        error=text("One word, for programs: RFC 6749's where there is one.", "invalid_request"),
        error_description=text("The same in a sentence.", "The request is malformed."),
    ),
    word="error",
    security=security.schemes(security.CLIENT, security.ACCESS_TOKEN, security.APP_KEY),
    error_headers={401: ErrorHeader("WWW-Authenticate", "The scheme that the client has tried, if it tried one.")},
)
