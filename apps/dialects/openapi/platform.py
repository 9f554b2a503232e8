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
from apps.dialects import confirm, introspection, platform, urls, well_known
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
    always,
    closed,
    listed,
    named,
    number,
    or_null,
    switch,
    text,
    without_need_of,
)
from apps.passwordless.introspection import UnsupportedTokenType

PUBLIC = (platform.NothingHere, InvalidRequest, ServiceUnavailable)
CACHED = {"Cache-Control": "Five minutes.", "Access-Control-Allow-Origin": "Any."}
EXAMPLE = "https://id.example.com/auth/2f8a/production"
ISSUER = text("Who signs the tokens.", EXAMPLE)
UNCACHED = {"Cache-Control": "`no-store`.", "Pragma": "`no-cache`."}
LINK = (InvalidRequest, CodeExpired, RateLimited, ServiceUnavailable)
PAGE = {"type": "string", "description": "HTML, for a person."}
# Where clients look for metadata whose issuer has a path.
AT_ORIGIN = [
    pattern
    for pattern in urls.urlpatterns
    if any(str(pattern.pattern).startswith(f"^{name}/") for name in well_known.PREFIXED)
]
UUID = "^[0-9a-f]{32}$"

KEY = closed(
    kty=text("The kind of key.", "EC", enum=["EC", "RSA"]),
    kid=text("The name by which tokens call it.", "k1"),
    use=always("sig", "It signs."),
    alg=text("The one algorithm that it is used with.", "ES256", enum=["ES256", "RS256"]),
    crv=always("P-256", "Of an EC key: its curve."),
    x=text("Of an EC key.", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
    y=text("Of an EC key.", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    n=text("Of an RSA key: its modulus.", "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4"),
    e=text("Of an RSA key: its exponent.", "AQAB"),
)
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

METADATA = closed(
    issuer=ISSUER,
    jwks_uri=text("Where the keys are.", f"{EXAMPLE}/.well-known/jwks.json"),
    token_endpoint=text("Satellite's.", f"{EXAMPLE}/oauth/v2/token"),
    revocation_endpoint=text("RFC 7009.", f"{EXAMPLE}/oauth/v2/revoke"),
    introspection_endpoint=text("RFC 7662.", f"{EXAMPLE}/oauth/v2/introspect"),
    userinfo_endpoint=text("Who a token's person is.", f"{EXAMPLE}/userinfo"),
    grant_types_supported=listed(text("A grant.", "client_credentials"), "Which of them a client may use is its own."),
    response_types_supported=listed(text("`none`: there is no authorization endpoint.", "none"), "RFC 8414."),
    subject_types_supported=listed(text("Ids are the same for all clients.", "public"), "OpenID Connect."),
    **{
        f"{endpoint}_endpoint_auth_methods_supported": listed(text("A method.", "client_secret_basic"), "For clients.")
        for endpoint in ("token", "revocation", "introspection")
    },
    authorization_endpoint=text("Of Passage's issuer: named, and not offered.", f"{EXAMPLE}/social/authorize"),
)
METADATA = without_need_of(METADATA["properties"].keys() - {"issuer", "jwks_uri"}, METADATA)
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


DESCRIBED: dict[type[DialectView], dict[str, Operation]] = {
    well_known.Jwks: {
        "get": Operation(
            name="jwks",
            summary="Keys for verifying tokens",
            description="A JWK Set (RFC 7517): keys to come, in use, and retired while their tokens may live.",
            answers={200: Answer("The keys.", closed(keys=listed(named("Key"), "Newest first.")), CACHED)},
            errors=PUBLIC,
            security=(security.NOTHING,),
        )
    },
    well_known.OpenIDConfiguration: {
        "get": Operation(
            name="openidConfiguration",
            summary="Metadata, by OpenID Connect's name",
            description="Found only at an issuer's own address. Passage's issuer has three members.",
            answers={200: Answer("What the issuer offers.", named("Metadata"), CACHED)},
            errors=PUBLIC,
            security=(security.NOTHING,),
        )
    },
    well_known.AuthorizationServer: {
        "get": Operation(
            name="authorizationServer",
            summary="Metadata, by OAuth's name",
            description="RFC 8414. Found only at an issuer's own address, and not for Passage's tokens.",
            answers={200: Answer("What the issuer offers.", named("Metadata"), CACHED)},
            errors=PUBLIC,
            security=(security.NOTHING,),
        )
    },
}
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
    description="What is Latchkey's own beside the dialects: keys and metadata for verifiers, the current user, and "
    "captured messages.",
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
    schemas={
        "Metadata": METADATA,
        "Key": without_need_of({"crv", "x", "y", "n", "e"}, KEY),
    },
    security=security.schemes(security.ACCESS_TOKEN, security.API_KEY, security.CLIENT),
    error_headers={401: ErrorHeader("WWW-Authenticate", "The scheme that was tried.")},
)
