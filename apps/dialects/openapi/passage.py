"""Passage's document."""

from __future__ import annotations

from apps.core.errors import (
    BodyTooLarge,
    ChallengeLocked,
    InvalidClient,
    InvalidGrant,
    InvalidRefreshToken,
    InvalidRequest,
    RateLimited,
    ServiceUnavailable,
    SignUpClosed,
    UnknownEnvironment,
    UnknownUser,
    UserDisabled,
    UserExists,
)
from apps.dialects import passage
from apps.dialects.openapi import security
from apps.dialects.openapi.shapes import (
    Answer,
    Document,
    Operation,
    always,
    closed,
    named,
    number,
    switch,
    text,
)

READING = (InvalidRequest, InvalidClient, UnknownEnvironment, ServiceUnavailable)
ALWAYS = (*READING, BodyTooLarge, RateLimited)
KEY = (security.APP_KEY, security.NOTHING)

OTP_ID = closed(otp_id=text("To be shown again when the code is activated.", "AQIDBAUGBwgJCgsMDQ4PEBES"))
AUTH_RESULT = closed(
    auth_token=text("A JWT, signed with RS256; `.well-known/jwks.json` verifies it.", "eyJhbGciOi.eyJpc3MiOi.c2lnbmF0"),
    redirect_url=text("Where the environment wants people to go next.", "/"),
    refresh_token=text("Good for one new pair of tokens.", "AXhTZXNzaW9uAAAAAQ"),
    refresh_token_expiration=number("When the refresh token ends, in seconds since 1970.", 1769817600),
)
NO_MEMBERS = {"type": "object", "maxProperties": 0, "description": "Nothing to configure here."}
APP = closed(
    id=text("The app's id.", "8f14e45fceea467fa8bd2f9d6a1c3b70", pattern="^[0-9a-f]{32}$"),
    name=text("The project's name.", "Shop"),
    allowed_identifier=always("both", "Email addresses and phone numbers."),
    required_identifier=always("either", "One of the two is enough."),
    auth_fallback_method=always("otp", "One-time codes."),
    auth_fallback_method_ttl=number("How long a code lives, in seconds.", 600),
    auth_methods=closed(
        otp=closed(ttl=number("How long a code lives, in seconds.", 600), ttl_display_unit=always("s", "Seconds."))
    ),
    auth_origin=text("The origin of the web application.", "https://shop.example.com"),
    default_language=text("The language of messages where none is asked for.", "en"),
    element_customization=NO_MEMBERS,
    element_customization_dark=NO_MEMBERS,
    ephemeral=always(value=False, description="The app stays."),
    hosted=switch("Whether a token's audience is the app's id rather than the origin.", example=False),
    layouts=closed(
        profile={"type": "array", "maxItems": 0, "description": "Nothing to lay out here."},
        registration={"type": "array", "maxItems": 0, "description": "Nothing to lay out here."},
    ),
    login_url=always("/", "The web application's own page."),
    passage_branding=always(value=False, description="There is none."),
    profile_management=always(value=False, description="It is not offered."),
    public_signup=switch("Whether new people may sign up."),
    redirect_url=text("Where the environment wants people to go after signing in.", "/"),
    require_email_verification=always(value=True, description="A code proves the address."),
    require_identifier_verification=always(value=True, description="A code proves the address or number."),
    rsa_public_key=text("The key that signs now: base64 of its PEM.", "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0="),
    session_timeout_length=number("How long an auth token lives, in seconds.", 300),
    social_connections=NO_MEMBERS,
    user_metadata_schema={"type": "array", "maxItems": 0, "description": "There are no fields of an app's own."},
)

LOGIN = Operation(
    name="loginOtp",
    summary="Login with OTP",
    description="Sends a code by email or text message. A concealing environment answers the same to everybody.",
    request=passage.StartForm,
    answers={200: Answer("A code is on its way, if there is anybody to send it to.", OTP_ID)},
    errors=(*ALWAYS, UnknownUser, UserDisabled),
    security=KEY,
)
REGISTER = Operation(
    name="registerOtp",
    summary="Register with OTP",
    description="Creates the person and sends a code. A concealing environment answers the same to everybody.",
    request=passage.StartForm,
    answers={201: Answer("A code is on its way.", OTP_ID)},
    errors=(*ALWAYS, SignUpClosed, UserExists),
    security=KEY,
)
ACTIVATE = Operation(
    name="otpActivate",
    summary="Authenticate OTP",
    description="401 `exceeded_attempts` says that the code's tries are spent: ask for a new one.",
    request=passage.ActivateForm,
    answers={200: Answer("The person is signed in.", named("AuthResult"))},
    errors=(*ALWAYS, InvalidGrant, ChallengeLocked, UserDisabled),
    security=KEY,
)
REFRESH = Operation(
    name="refreshAuthToken",
    summary="Refresh tokens",
    description="The old refresh token ends.",
    request=passage.RefreshTokenForm,
    answers={200: Answer("A new pair of tokens.", named("AuthResult"))},
    errors=(*ALWAYS, InvalidRefreshToken),
    security=KEY,
)
REVOKE = Operation(
    name="revokeRefreshToken",
    summary="Sign out",
    description="Ends the session of a refresh token, and says the same about tokens that it does not know.",
    query=passage.RefreshTokenForm,
    answers={200: Answer("No session has this token now.", closed())},
    errors=READING,
    security=KEY,
)
GET_APP = Operation(
    name="getApp",
    summary="Get the app",
    description="What the vendor's clients ask before they show a form.",
    answers={200: Answer("The app.", closed(app=named("App")))},
    errors=READING,
    security=KEY,
)
DOCUMENT = Document(
    name="passage",
    title="Passage",
    description="One-time codes, tokens and the app's facts, as Passage by 1Password documented them before it was "
    "shut down. Its SDKs send no key: they are served where the environment allows keyless clients.",
    urlpatterns=passage.urlpatterns,
    operations={
        passage.LoginOtp: {"post": LOGIN},
        passage.RegisterOtp: {"post": REGISTER},
        passage.OtpActivate: {"post": ACTIVATE},
        passage.TokensView: {"post": REFRESH, "delete": REVOKE},
        passage.App: {"get": GET_APP},
    },
    error=closed(
        code=text("One word, for programs.", "invalid_request"),
        error=text("The same in a sentence.", "The request is malformed."),
    ),
    word="code",
    schemas={"App": APP, "AuthResult": closed(auth_result=AUTH_RESULT)},
    security=security.schemes(security.APP_KEY),
    by_app=True,
)
