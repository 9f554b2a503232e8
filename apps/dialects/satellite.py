"""Satellite (contracts/satellite.seed.txt, others.md): an OAuth 2 token endpoint, and codes to use as passwords.

Ours, where the vendor says nothing: refusals are RFC 6749's; a request in JSON gets the documented answer, with
`"scope": null` when there is none, and one in a form as standard clients know it, without; a code may be requested with
a client's own access token, with an APP-KEY, or with nothing where the environment serves clients without a key.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

from apps.core.errors import InvalidClient, InvalidRequest
from apps.core.identifiers import Contact, email_contact, phone_contact
from apps.dialects.answers import Response
from apps.dialects.base import endpoint
from apps.dialects.oauth import OAuthView, ParameterField, SwitchedOff
from apps.passwordless.bearer import client_environment
from apps.passwordless.clients import client_token, granted_scope, kept_scope, require_grant
from apps.passwordless.grants import password_grant
from apps.passwordless.sessions import Client, Tokens, refresh
from apps.passwordless.start import Intent, start
from apps.tenants.models import Environment
from apps.tokens.oauth_clients import Grant, OAuthClient

# "An access token valid for up to an hour."
LONGEST_TOKEN = 3600


class GrantForm(serializers.Serializer[Any]):
    grant_type = ParameterField()


class ClientForm(serializers.Serializer[Any]):
    scope = ParameterField(required=False, allow_null=True, default="")  # The contract's answers write null for none.


class PasswordForm(ClientForm):
    username = ParameterField()
    password = ParameterField()


class RefreshForm(ClientForm):
    refresh_token = ParameterField()


class Token(OAuthView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        client = self.client()
        grant = require_grant(client, self.parse(GrantForm)["grant_type"])
        caller = Client(client.id, self.profile, is_confidential=True, longest_token=LONGEST_TOKEN)
        return ANSWERS[grant](self, client, caller)

    def for_client(self, client: OAuthClient, caller: Client) -> Response:
        form = self.parse(ClientForm)
        token = client_token(client, caller, scope=granted_scope(client, form["scope"] or ""), context=self.context)
        return Response(self.body(client.environment, token.access_token, token.scope))

    def for_person(self, client: OAuthClient, caller: Client) -> Response:
        form = self.parse(PasswordForm)
        scope = granted_scope(client, form["scope"] or "")
        tokens = password_grant(
            client.environment,
            caller,
            username=form["username"],
            secret=form["password"],
            scope=scope,
            context=self.context,
        )
        return self.signed_in(client.environment, tokens)

    def refreshed(self, client: OAuthClient, caller: Client) -> Response:
        form = self.parse(RefreshForm)
        within = kept_scope(client, form["refresh_token"], form["scope"] or "")
        tokens = refresh(
            client.environment, caller, refresh_token=form["refresh_token"], context=self.context, within=within
        )
        return self.signed_in(client.environment, tokens)

    def signed_in(self, environment: Environment, tokens: Tokens) -> Response:
        body = self.body(environment, tokens.access_token, tokens.scope)
        return Response({**body, "refresh_token": tokens.refresh_token})

    def body(self, environment: Environment, access_token: str, scope: str) -> dict[str, Any]:
        # Standard clients refuse a scope that is no string, and they all send forms (contracts/clients.md, trap 1).
        named = {} if self.is_form and not scope else {"scope": scope or None}
        ttl = min(environment.access_token_ttl, LONGEST_TOKEN)
        return {"access_token": access_token, "expires_in": ttl, "token_type": "bearer", **named}


ANSWERS = {
    Grant.CLIENT_CREDENTIALS: Token.for_client,
    Grant.PASSWORD: Token.for_person,
    Grant.REFRESH_TOKEN: Token.refreshed,
}


class OtpForm(serializers.Serializer[Any]):
    email = ParameterField(required=False, default="")
    phone = ParameterField(required=False, default="")


class OtpSend(OAuthView):
    """The same answer for everybody, in both modes of concealment: what was asked comes back as it was sent."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        environment = self.environment()
        if not environment.otp_send:
            raise SwitchedOff("Requesting codes is switched off here.")
        sent = {name: value for name, value in self.parse(OtpForm).items() if value}
        if len(sent) != 1:
            raise InvalidRequest("Either email or phone is needed, and not both.")
        if to := contact(environment, **sent):
            intent = Intent.SIGN_UP if environment.sign_up_open else Intent.SIGN_IN
            start(environment, intent=intent, to=to, context=self.context, conceals=True)
        return Response({"data": sent, "meta": []})

    def environment(self) -> Environment:
        """Of the caller, however it says who it is. Raises InvalidClient, and InvalidToken for a token."""
        self.parameters()
        token = self.bearer()
        if token is not None:
            return client_environment(self.address, token)
        if self.request.headers.get("Authorization"):
            self.challenge = "Bearer"  # Of the schemes, this is the one that opens anything here.
            raise InvalidClient
        return self.caller().environment


def contact(environment: Environment, email: str = "", phone: str = "") -> Contact | None:
    """None for what nothing could be sent to, which is answered like what nobody has."""
    try:
        return email_contact(email) if email else phone_contact(phone, environment.default_region)
    except InvalidRequest:
        return None


urlpatterns = [
    endpoint("oauth/v2/token", Token),
    endpoint("otp/send", OtpSend),
]
