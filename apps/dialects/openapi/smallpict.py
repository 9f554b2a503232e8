"""SmallPict's document."""

from __future__ import annotations

from apps.core.errors import (
    BodyTooLarge,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    RateLimited,
    ServiceUnavailable,
)
from apps.dialects import smallpict
from apps.dialects.openapi import security
from apps.dialects.openapi.shapes import Answer, Document, Operation, always, closed, number, text
from apps.passwordless.api_keys import RightCodeExpired

ALWAYS = (InvalidRequest, BodyTooLarge, InvalidClient, RateLimited, ServiceUnavailable)
KEY = (security.APP_KEY, security.NOTHING)
SUCCESS = always("success", "It worked.")

REQUEST = Operation(
    name="requestOtp",
    summary="Request a code",
    description="The answer is the same for everybody, whether they have an account or not.",
    request=smallpict.RequestForm,
    answers={
        200: Answer(
            "A code is on its way, if there is anybody to send it to.",
            closed(
                status=SUCCESS,
                message=always("OTP sent successfully", "The same in a sentence."),
                expires_in=number("How long the code still lives, in seconds.", 900, minimum=0),
            ),
        )
    },
    errors=ALWAYS,
    security=KEY,
)
VERIFY = Operation(
    name="verifyOtp",
    summary="Trade the code for an API key",
    description="The key is shown once. Send it as `Authorization: Bearer`; it acts for the person.",
    request=smallpict.VerifyForm,
    answers={
        200: Answer(
            "A new API key of the person's own.",
            closed(
                status=SUCCESS,
                api_key=text("The key.", "sp_live_1hVDzXQqS7mJ2n5rT8wYb3cE6fGk9LpZ0aNdUx"),
                message=always("Authentication successful", "The same in a sentence."),
            ),
        )
    },
    errors=(*ALWAYS, InvalidGrant, RightCodeExpired),
    security=KEY,
)
DOCUMENT = Document(
    name="smallpict",
    title="SmallPict",
    description="A plug-in trades a code for an API key, as SmallPict documents it. Its plug-ins send no key of an "
    "application: they are served where the environment allows keyless clients.",
    urlpatterns=smallpict.urlpatterns,
    operations={smallpict.RequestOtp: {"post": REQUEST}, smallpict.VerifyOtp: {"post": VERIFY}},
    error=closed(
        code=text("One word, for programs.", "validation_error"),
        message=text("The same in a sentence.", "The request is malformed."),
    ),
    word="code",
    security=security.schemes(security.APP_KEY),
)
