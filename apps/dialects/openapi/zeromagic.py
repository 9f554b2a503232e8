"""ZeroMagic's document."""

from __future__ import annotations

from typing import Any

from apps.core.errors import (
    AuthError,
    BodyTooLarge,
    InvalidClient,
    InvalidGrant,
    InvalidRefreshToken,
    InvalidRequest,
    RateLimited,
    ServiceUnavailable,
    SignUpClosed,
    UnknownUser,
    UserDisabled,
    UserExists,
    WrongPassword,
)
from apps.dialects import zeromagic, zeromagic_passwords
from apps.dialects.base import DialectView
from apps.dialects.fields import CodeField
from apps.dialects.openapi import security
from apps.dialects.openapi.shapes import Answer, Document, Operation, Shape, always, closed, named, number, text
from apps.dialects.zeromagic import EmailForm, MobileForm

UNLIMITED = (InvalidRequest, BodyTooLarge, InvalidClient, ServiceUnavailable)
ALWAYS = (*UNLIMITED, RateLimited)
KEY = (security.APP_KEY, security.NOTHING)

USER_ID = text("The person's id.", "0b8f4c9e-52a7-4f0e-9a53-1f6d2c7be0a4", format="uuid")
PROVISIONAL = text(
    "The person's id, or a provisional one where the environment conceals who has an account.",
    "0b8f4c9e-52a7-4f0e-9a53-1f6d2c7be0a4",
    format="uuid",
)
VERIFICATION = {
    "email_verification": text("Whether the address is confirmed.", "pending", enum=["pending", "verified"])
}
USERNAME = text("The user name.", "ada_l")
EMAIL = text("The email address.", "ada@example.com")
MOBILE = text("The phone number, as it was sent.", "9876543211")
TOKENS: dict[str, Shape] = {
    "access_token": text("A JWT, which `.well-known/jwks.json` verifies.", "eyJhbGciOi.eyJpc3MiOi.c2lnbmF0dXJl"),
    "token_type": always("bearer", "How the token is shown."),
    "expires_in": {"type": "null", "description": "Always null, as the vendor documents it.", "examples": [None]},
    "expires_at": number("When the access token ends, in seconds since 1970.", 1767225600),
    "refresh_token": text("Good for one new pair of tokens.", "AXhTZXNzaW9uAAAAAQ"),
}
STARTED = {"user_id": PROVISIONAL, "email": EMAIL}
SIGNED_IN = "The person is signed in."
SENT = "A code is on its way, if there is anybody to send it to."


class EmailLoginForm(EmailForm):
    otp_code = CodeField(required=False)


class MobileLoginForm(MobileForm):
    otp_code = CodeField(required=False)


def signup(kind: str, request: type[EmailForm | MobileForm]) -> dict[str, Operation]:
    return {
        "post": Operation(
            name=f"{kind}OtpSignup",
            summary=f"Sign up by {kind}",
            description="Creates the person and sends a code. A concealing environment answers the same to everybody.",
            request=request,
            answers={201: Answer(SENT, named(f"{kind.title()}Started"))},
            errors=(*ALWAYS, SignUpClosed, UserExists),
            security=KEY,
        )
    }


def login(kind: str, request: type[EmailForm | MobileForm]) -> dict[str, Operation]:
    either = {"anyOf": [named(f"{kind.title()}Started"), named(f"{kind.title()}SignedIn")]}
    return {
        "post": Operation(
            name=f"{kind}OtpLogin",
            summary=f"Log in by {kind}",
            description="Sends a code. With `otp_code` it verifies that code instead, as the vendor's example does.",
            request=request,
            answers={200: Answer(f"{SENT} With `otp_code`: the person is signed in.", either)},
            errors=(*ALWAYS, InvalidGrant, UnknownUser, UserDisabled),
            security=KEY,
        )
    }


def verify(kind: str, request: type[EmailForm | MobileForm]) -> dict[str, Operation]:
    return {
        "post": Operation(
            name=f"{kind}OtpVerify",
            summary=f"Verify a code sent by {kind}",
            request=request,
            answers={200: Answer(SIGNED_IN, named(f"{kind.title()}SignedIn"))},
            errors=(*ALWAYS, InvalidGrant, UserDisabled),
            security=KEY,
        )
    }


def password(summary: str, kind: str, errors: tuple[type[AuthError], ...], **facts: Any) -> dict[str, Operation]:
    name = f"{kind}Password{summary.partition(' ')[0].title()}"
    return {"post": Operation(name=name, summary=summary, errors=(*ALWAYS, *errors), security=KEY, **facts)}


PASSWORDS: dict[type[DialectView], dict[str, Operation]] = {
    zeromagic_passwords.EmailPasswordSignup: password(
        "Signup by email and password",
        "email",
        (SignUpClosed, UserExists),
        description="A password is 8 to 128 characters, and none that is known from lists. A concealing environment "
        "always mails a link, and the account waits for it.",
        request=zeromagic_passwords.EmailPasswordSignupForm,
        answers={
            201: Answer("The account is there, or waits for its link.", closed(**STARTED, **VERIFICATION)),
        },
    ),
    zeromagic_passwords.EmailPasswordLogin: password(
        "Login by email and password",
        "email",
        (WrongPassword, UserDisabled),
        request=zeromagic_passwords.EmailPasswordForm,
        answers={200: Answer(SIGNED_IN, closed(user_id=USER_ID, email=EMAIL, **VERIFICATION, **TOKENS))},
    ),
    zeromagic_passwords.EmailPasswordReset: password(
        "Reset a password",
        "email",
        (UnknownUser, UserDisabled),
        description="Mails a link to a page on which another password is chosen.",
        request=EmailForm,
        answers={200: Answer("A link is on its way, if there is anybody to send it to.", closed(**STARTED))},
    ),
    zeromagic_passwords.UsernamePasswordSignup: password(
        "Signup by user name and password",
        "username",
        (SignUpClosed, UserExists),
        description="Without a channel there is nothing to conceal by: a name that is taken is 409 in every mode.",
        request=zeromagic_passwords.UsernamePasswordForm,
        answers={201: Answer("The account is there.", closed(user_id=USER_ID, username=USERNAME))},
    ),
    zeromagic_passwords.UsernamePasswordLogin: password(
        "Login by user name and password",
        "username",
        (WrongPassword, UserDisabled),
        request=zeromagic_passwords.UsernamePasswordForm,
        answers={200: Answer(SIGNED_IN, closed(user_id=USER_ID, username=USERNAME, **TOKENS))},
    ),
}
SOCIAL = Operation(
    name="oauth",
    summary="Social sign-in, which is not offered",
    request=zeromagic_passwords.ConnectionForm,
    answers={},
    errors=(*UNLIMITED, zeromagic.NotOffered),
    security=KEY,
)
REFRESH = Operation(
    name="tokenRefresh",
    summary="Refresh tokens",
    description="The old refresh token ends. Ours: the vendor documents no way to stay signed in.",
    request=zeromagic.RefreshTokenForm,
    answers={200: Answer("A new pair of tokens.", closed(user_id=USER_ID, **TOKENS))},
    errors=(*ALWAYS, InvalidRefreshToken),
    security=KEY,
)
REVOKE = Operation(
    name="tokenRevoke",
    summary="Sign out",
    description="Ends the session of a refresh token, and says the same about tokens that it does not know.",
    request=zeromagic.RefreshTokenForm,
    answers={200: Answer("No session has this token now.", closed())},
    errors=UNLIMITED,
    security=KEY,
)
DOCUMENT = Document(
    name="zeromagic",
    title="ZeroMagic",
    description="Sign-up and sign-in with a code or a password, as ZeroMagic documents it. Its "
    " pages name no errors, no refresh and no sign-out: those are Latchkey's own.",
    urlpatterns=[*zeromagic.urlpatterns, *zeromagic_passwords.urlpatterns],
    operations={
        zeromagic.EmailOtpSignup: signup("email", EmailForm),
        zeromagic.EmailOtpLogin: login("email", EmailLoginForm),
        zeromagic.EmailOtpVerify: verify("email", zeromagic.EmailCodeForm),
        zeromagic.MobileOtpSignup: signup("mobile", zeromagic.MobileSignupForm),
        zeromagic.MobileOtpLogin: login("mobile", MobileLoginForm),
        zeromagic.MobileOtpVerify: verify("mobile", zeromagic.MobileCodeForm),
        **PASSWORDS,
        zeromagic_passwords.OAuth: {"post": SOCIAL},
        zeromagic.TokenRefresh: {"post": REFRESH},
        zeromagic.TokenRevoke: {"post": REVOKE},
    },
    error=closed(
        error=text("One word, for programs.", "invalid_request"),
        message=text("The same in a sentence.", "The request is malformed."),
    ),
    word="error",
    schemas={
        "EmailStarted": closed(**STARTED),
        "MobileStarted": closed(user_id=PROVISIONAL, mobile=MOBILE),
        "EmailSignedIn": closed(user_id=USER_ID, email=EMAIL, **TOKENS),
        "MobileSignedIn": closed(user_id=USER_ID, mobile=MOBILE, **TOKENS),
    },
    security=security.schemes(security.APP_KEY),
)
