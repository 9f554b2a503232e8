"""The document of what is Latchkey's own beside the dialects."""

from __future__ import annotations

from apps.core.errors import InvalidRequest, InvalidToken, ServiceUnavailable
from apps.dialects import platform
from apps.dialects.openapi import security
from apps.dialects.openapi.shapes import (
    Answer,
    Document,
    Operation,
    always,
    closed,
    listed,
    named,
    or_null,
    switch,
    text,
    without_need_of,
)

PUBLIC = (platform.NothingHere, InvalidRequest, ServiceUnavailable)
CACHED = {"Cache-Control": "Five minutes.", "Access-Control-Allow-Origin": "Any."}
ISSUER = text("Who signs the tokens: the very address that was asked.", "https://id.example.com/auth/2f8a/production")
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
    code=text("The code in it.", "123456"),
)

JWKS = Operation(
    name="jwks",
    summary="Keys for verifying tokens",
    description="A JWK Set (RFC 7517): keys to come, in use, and retired while their tokens may live.",
    answers={
        200: Answer(
            "The keys.", closed(keys=listed(without_need_of({"crv", "x", "y", "n", "e"}, KEY), "Newest first.")), CACHED
        )
    },
    errors=PUBLIC,
    security=(security.NOTHING,),
)
METADATA = Operation(
    name="openidConfiguration",
    summary="Metadata of the issuer",
    description="Found only at an issuer's own address.",
    answers={200: Answer("What the issuer offers.", named("Metadata"), CACHED)},
    errors=PUBLIC,
    security=(security.NOTHING,),
)
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
            closed(messages=listed(without_need_of({"subject", "html"}, MESSAGE), "Newest first.")),
        )
    },
    errors=(InvalidRequest, InvalidToken, ServiceUnavailable),
    security=(security.API_KEY,),
)
DOCUMENT = Document(
    name="platform",
    title="Platform",
    description="What is Latchkey's own beside the dialects: keys and metadata for verifiers, the current user, and "
    "captured messages.",
    urlpatterns=platform.urlpatterns,
    operations={
        platform.Jwks: {"get": JWKS},
        platform.Metadata: {"get": METADATA},
        platform.UserInfo: {"get": USERINFO},
        platform.CapturedMessages: {"get": MESSAGES},
    },
    error=closed(
        error=text("One word, for programs; RFC 6749's where there is one."),
        error_description=text("The same in a sentence."),
    ),
    word="error",
    schemas={
        "Metadata": without_need_of(
            {"userinfo_endpoint", "response_types_supported", "subject_types_supported", "authorization_endpoint"},
            closed(
                issuer=ISSUER,
                jwks_uri=text(
                    "Where the keys are.", "https://id.example.com/auth/2f8a/production/.well-known/jwks.json"
                ),
                userinfo_endpoint=text(
                    "Where a token's owner is told.", "https://id.example.com/auth/2f8a/production/userinfo"
                ),
                response_types_supported=listed(
                    text("`none`: there is no authorization endpoint.", "none"), "RFC 8414."
                ),
                subject_types_supported=listed(text("Ids are the same for all clients.", "public"), "OpenID Connect."),
                authorization_endpoint=text(
                    "Of Passage's issuer: named, and not offered.",
                    "https://id.example.com/v1/apps/8f14/social/authorize",
                ),
            ),
        )
    },
    security={name: security.SCHEMES[name] for name in (security.ACCESS_TOKEN, security.API_KEY)},
    error_headers={401: {"WWW-Authenticate": "`Bearer`, with the word of RFC 6750."}},
)
