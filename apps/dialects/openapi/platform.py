"""The document of what is Latchkey's own beside the dialects."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.errors import (
    BodyTooLarge,
    CodeExpired,
    InvalidClient,
    InvalidRequest,
    InvalidToken,
    RateLimited,
    ServiceUnavailable,
)
from apps.dialects import confirm, introspection, platform, well_known
from apps.dialects.base import DialectView
from apps.dialects.fields import StringField
from apps.dialects.oauth import CredentialsForm
from apps.dialects.openapi import security
from apps.dialects.openapi.shapes import (
    HTML,
    Answer,
    Document,
    ErrorHeader,
    Operation,
    closed,
    listed,
    number,
    or_null,
    switch,
    text,
    without_need_of,
)
from apps.dialects.openapi.well_known import AT_ORIGIN, DESCRIBED, EXAMPLE, ISSUER, SCHEMAS
from apps.passwordless.introspection import UnsupportedTokenType

UNCACHED = {"Cache-Control": "`no-store`.", "Pragma": "`no-cache`."}
LINK = (InvalidRequest, CodeExpired, RateLimited, ServiceUnavailable)
PAGE = {"type": "string", "description": "HTML, for a person."}
UUID = "^[0-9a-f]{32}$"

MESSAGE = closed(
    id=text("The message's id.", "5d41402abc4b4a76b9719d911017c592", pattern=UUID),
    recipient=text("To whom it would have gone.", "ada@example.com"),
    sent_at=text("When.", "2026-01-01T12:00:00Z", format="date-time"),
    subject=text("Of an email.", "Your code is 123456"),
    text=text("The text.", "Your code is 123456."),
    html=text("Of an email: the same with markup.", "<p>Your code is 123456.</p>"),
    code=text("The code in it, if it is one of a code.", "123456"),
    link=text("The link in it, if it is one of a link.", f"{EXAMPLE}/confirm-email?token=AQIDBAUG.123456"),
)

INTROSPECTED = closed(
    active=switch("Whether the token is good here and now."),
    scope=text("Its scopes, separated by spaces.", "account"),
    client_id=text("The client that it was given to.", "3b5d5c3712955042212316173ccf37be", pattern=UUID),
    sub=text("The person's id, or the client's.", "0b8f4c9e-52a7-4f0e-9a53-1f6d2c7be0a4"),
    exp=number("When it ends, in seconds since 1970; left out for a key without an end.", 1767225600),
    iat=number("When it was made.", 1767222000),
    nbf=number("When it began to be good.", 1767222000),
    iss=ISSUER,
    aud=listed(text("Whom it is for.", EXAMPLE), "The audiences."),
    jti=text("The token's own id.", "5d41402abc4b4a76b9719d911017c592"),
    token_type=text("What it is shown as.", "bearer", enum=["bearer", "refresh_token"]),
)
INTROSPECTED = without_need_of(INTROSPECTED["properties"].keys() - {"active"}, INTROSPECTED)


class IntrospectionForm(introspection.TokenForm, CredentialsForm):
    """Credentials may come in the body."""


TOKEN_ENDPOINT = (InvalidRequest, BodyTooLarge, InvalidClient, InvalidToken, ServiceUnavailable)
ASKED: dict[type[DialectView], dict[str, Operation]] = {
    introspection.Introspect: {
        "post": Operation(
            name="introspect",
            summary="What a token is worth at this moment",
            description="RFC 7662, for access tokens, refresh tokens and API keys alike. A client asks, or a server by "
            "an API key with the scope `tokens:introspect`.",
            request=IntrospectionForm,
            answers={200: Answer("What it is; `active` alone where it is nothing.", INTROSPECTED, UNCACHED)},
            errors=TOKEN_ENDPOINT,
            security=(security.API_KEY, security.CLIENT, security.NOTHING),
        )
    },
    introspection.Revoke: {
        "post": Operation(
            name="revoke",
            summary="End a token",
            description="RFC 7009: a refresh token ends with its session, an API key by itself. A client asks, or the "
            "key that is to be revoked. Tokens that nobody knows are answered the same.",
            request=IntrospectionForm,
            answers={200: Answer("The token opens nothing now.", closed(), UNCACHED)},
            errors=(*TOKEN_ENDPOINT, UnsupportedTokenType),
            security=(security.CLIENT, security.API_KEY, security.NOTHING),
        )
    },
}
USERINFO = Operation(
    name="userinfo",
    summary="Whose access token this is",
    description="Refused once the session has ended.",
    answers={
        200: Answer(
            "The person.",
            closed(
                sub=text("The person's id.", "0b8f4c9e-52a7-4f0e-9a53-1f6d2c7be0a4", format="uuid"),
                email=or_null(text("The email address; null for somebody who has none.", "ada@example.com")),
                email_verified=switch("Whether the person has proved it."),
            ),
        )
    },
    errors=(InvalidRequest, InvalidToken, ServiceUnavailable),
    security=(security.ACCESS_TOKEN,),
)
MESSAGES = Operation(
    name="capturedMessages",
    summary="Captured messages",
    description="What an environment without a provider would have sent, newest first, for end-to-end tests. "
    "A production environment captures nothing.",
    query=platform.RecipientForm,
    answers={
        200: Answer(
            "At most fifty messages.",
            closed(messages=listed(without_need_of({"subject", "html", "code", "link"}, MESSAGE), "Newest first.")),
        )
    },
    errors=(InvalidRequest, InvalidToken, ServiceUnavailable),
    security=(security.API_KEY,),
)


class LinkQuery(serializers.Serializer[Any]):
    token = StringField(required=False)


def link(name: str, deed: str) -> dict[str, Operation]:
    """Pages for people; the token in their address came by mail."""
    return {
        "get": Operation(
            name=f"{name}Page",
            summary=f"Page of a mailed link that {deed}",
            description="For people, in their language. Opening it changes nothing.",
            query=LinkQuery,
            answers={200: Answer("The page, with a button.", PAGE, media_type=HTML)},
            errors=LINK,
            security=(security.NOTHING,),
        ),
        "post": Operation(
            name=name,
            summary=f"The button that {deed}",
            request=confirm.LinkForm,
            answers={
                200: Answer("It is done.", PAGE, media_type=HTML),
                422: Answer("The page again: the password is too easy to guess.", PAGE, media_type=HTML),
            },
            errors=(*LINK, BodyTooLarge),
            security=(security.NOTHING,),
        ),
    }


DOCUMENT = Document(
    name="platform",
    title="Platform",
    description="What is Latchkey's own beside the dialects: keys and metadata for verifiers, introspection and "
    "revocation, the current user, captured messages, and the pages of mailed links.",
    urlpatterns=[
        *well_known.urlpatterns,
        *AT_ORIGIN,
        *introspection.urlpatterns,
        *platform.urlpatterns,
        *confirm.urlpatterns,
    ],
    operations={
        **DESCRIBED,
        **ASKED,
        platform.UserInfo: {"get": USERINFO},
        platform.CapturedMessages: {"get": MESSAGES},
        confirm.ConfirmEmail: link("confirmEmail", "confirms an email address"),
        confirm.ResetPassword: link("resetPassword", "sets another password"),
    },
    error=closed(
        error=text("One word, for programs; RFC 6749's where there is one.", "invalid_request"),
        error_description=text("The same in a sentence.", "The request is malformed."),
    ),
    word="error",
    schemas=SCHEMAS,
    security=security.schemes(security.ACCESS_TOKEN, security.API_KEY, security.CLIENT),
    error_headers={401: ErrorHeader("WWW-Authenticate", "The scheme that was tried.")},
)
