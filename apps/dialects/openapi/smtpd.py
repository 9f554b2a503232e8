"""SMTPD's document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.errors import (
    BodyTooLarge,
    InvalidClient,
    InvalidGrant,
    InvalidRefreshToken,
    InvalidRequest,
    InvalidScope,
    InvalidToken,
    RateLimited,
    ServiceUnavailable,
    UnsupportedGrantType,
    UserDisabled,
)
from apps.dialects import smtpd, smtpd_account
from apps.dialects.openapi import security
from apps.dialects.openapi.fields import OneOf
from apps.dialects.openapi.shapes import (
    Answer,
    Document,
    ErrorHeader,
    Operation,
    Shape,
    always,
    closed,
    listed,
    named,
    number,
    or_null,
    switch,
    text,
)
from apps.passwordless.api_keys import TooManyKeys, UnknownKey

READING = (InvalidRequest, InvalidToken, ServiceUnavailable)
POSTING = (InvalidRequest, BodyTooLarge, InvalidClient, InvalidToken, RateLimited, ServiceUnavailable)
PERSON = (security.ACCESS_TOKEN, security.API_KEY, security.API_KEY_AS_USER)
MOMENT = 1598610725000

PERSON_ID = text("The person's id.", "48faf710-7818-494d-a247-23db721d6fea", format="uuid")
EMPTY = always("", "Not known here.")
TOKENS = closed(
    token_type=always("bearer", "How the token is shown."),
    access_token=text("A JWT, which `.well-known/jwks.json` verifies.", "eyJhbGciOi.eyJpc3MiOi.c2lnbmF0dXJl"),
    expires_at=number("When the access token ends, in milliseconds since 1970.", 1712531293539),
    Scope=listed(text("A scope.", "account"), "What the tokens may do."),
    refresh_token=text("Good for one new pair of tokens, at most for 30 days.", "AXhTZXNzaW9uAAAAAQ"),
)
ME = closed(
    id=PERSON_ID,
    account_id=PERSON_ID,
    email_address=text("Empty for somebody who has none.", "jack@example.com"),
    first_name=EMPTY,
    surname=EMPTY,
    gravatar_url=EMPTY,
    is_owner=always(value=True, description="Of their own account."),
    is_verified=switch("Whether the person has proved the address."),
    created_at_utc=number("In milliseconds since 1970.", MOMENT),
    modified_at_utc=number("In milliseconds since 1970.", MOMENT),
)


def moment(description: str) -> Shape:
    return or_null(number(f"{description}, in milliseconds since 1970; null if never.", MOMENT))


KEY: dict[str, Shape] = {
    "id": text("The key's id.", "5d41402abc4b4a76b9719d911017c592", pattern="^[0-9a-f]{32}$"),
    "name": text("What its owner knows it by.", "Backup script"),
    "site_url": text("The site that it was made for; empty for none.", "https://shop.example.com"),
    "last_four": text("The end of the secret.", "NdUx"),
    "scopes": listed(text("A scope.", "account"), "What it may do."),
    "created_at_utc": number("When it was made, in milliseconds since 1970.", MOMENT),
    "expires_at_utc": moment("When it ends"),
    "last_used_at_utc": moment("When it was last used, right within a minute"),
    "revoked_at_utc": moment("When it was revoked"),
}
SECRET = {"api_key": text("The secret, shown this once.", "sp_live_1hVDzXQqS7mJ2n5rT8wYb3cE6fGk9LpZ0aNdUx")}


class GrantQuery(serializers.Serializer[Any]):
    grant_type = OneOf("password", "refresh_token", required=False)


class PasswordGrant(smtpd.PasswordForm):
    grant_type = OneOf("password", required=False)


class RefreshTokenGrant(smtpd.RefreshTokenForm):
    grant_type = OneOf("refresh_token", required=False)


GRANT = Operation(
    name="token",
    summary="Grant or refresh tokens",
    description="`grant_type` is in the query or in the body. For `password`: user name, and as password a live code "
    "or the person's password, in the body or by Basic; or an API key, as Bearer or as the user name of Basic. A new "
    "grant ends earlier refresh tokens. `Authentication` is read like `Authorization`.",
    query=GrantQuery,
    request=(PasswordGrant, RefreshTokenGrant),
    is_request_needed=False,
    answers={200: Answer("A pair of tokens.", TOKENS)},
    errors=(
        *POSTING,
        UnsupportedGrantType,
        InvalidGrant,
        InvalidRefreshToken,
        smtpd.PasswordGrantOff,
        UserDisabled,
    ),
    security=(security.APP_KEY, security.API_KEY, security.API_KEY_AS_USER, security.PERSON, security.NOTHING),
)
REVOKE = Operation(
    name="revoke",
    summary="Revoke a refresh token",
    description="Signs out: the session of the refresh token ends.",
    request=smtpd.RefreshTokenForm,
    answers={200: Answer("The session has ended.", closed())},
    errors=(*POSTING, InvalidRefreshToken),
    security=(security.APP_KEY, security.API_KEY, security.API_KEY_AS_USER, security.NOTHING),
)
LIST = Operation(
    name="listApiKeys",
    summary="List API keys",
    answers={200: Answer("The person's keys.", closed(api_keys=listed(named("ApiKey"), "First what is not revoked.")))},
    errors=READING,
    security=PERSON,
)
CREATE = Operation(
    name="createApiKey",
    summary="Create an API key",
    description="A credential hands on what it may do itself, and no more.",
    request=smtpd_account.KeyForm,
    answers={201: Answer("The key, with its secret.", closed(**KEY, **SECRET))},
    errors=(*READING, BodyTooLarge, RateLimited, InvalidScope, TooManyKeys),
    security=PERSON,
)
SHOW = Operation(
    name="getApiKey",
    summary="Show an API key",
    answers={200: Answer("The key, without its secret.", named("ApiKey"))},
    errors=(*READING, UnknownKey),
    security=PERSON,
)
END = Operation(
    name="revokeApiKey",
    summary="Revoke an API key",
    description="It opens nothing from the next request on. Revoking twice changes nothing.",
    answers={200: Answer("The key.", named("ApiKey"))},
    errors=(*READING, UnknownKey),
    security=PERSON,
)
WHO = Operation(
    name="me",
    summary="Get me",
    answers={200: Answer("The person.", ME)},
    errors=READING,
    security=PERSON,
)
DOCUMENT = Document(
    name="smtpd",
    title="SMTPD",
    description="Tokens for a name and a password or code, or for an API key, and people's own API keys, as SMTPD "
    "documents them. The password grant is switched on per environment. Refusals are numbers.",
    urlpatterns=[*smtpd.urlpatterns, *smtpd_account.urlpatterns],
    operations={
        smtpd.Token: {"post": GRANT},
        smtpd.Revoke: {"post": REVOKE},
        smtpd_account.Me: {"get": WHO},
        smtpd_account.Keys: {"get": LIST, "post": CREATE},
        smtpd_account.Key: {"get": SHOW},
        smtpd_account.KeyRevocation: {"put": END},
    },
    error=closed(
        code=number("The status and two digits more, for programs.", 40102),
        message=text("The same in a sentence.", "Username and password are incorrect"),
    ),
    word="code",
    schemas={"ApiKey": closed(**KEY)},
    security=security.schemes(
        security.APP_KEY, security.ACCESS_TOKEN, security.API_KEY, security.API_KEY_AS_USER, security.PERSON
    ),
    error_headers={401: ErrorHeader("WWW-Authenticate", "`Bearer`, where a token or key was not valid.")},
)
