"""ZeroMagic with passwords (contracts/zeromagic.md), and the social sign-in that is not offered.

The vendor documents no errors: a password that opens nothing is 401 `invalid_credentials`, one that is refused 400
`invalid_request`. A person's own id, and whether the address is verified, are told where the environment conceals
nobody; else a sign-up is always "pending", under a provisional id.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

from apps.core.identifiers import Kind
from apps.dialects.answers import Response
from apps.dialects.base import Caller, endpoint
from apps.dialects.fields import FlagField, StringField, UsernameField
from apps.dialects.zeromagic import EmailForm, NotOffered, ZeroMagicView, token_body
from apps.passwordless.passwords import LoggedIn, log_in
from apps.passwordless.registration import send_reset_link, sign_up_by_email, sign_up_by_username


class EmailPasswordForm(EmailForm):
    password = StringField()


class EmailPasswordSignupForm(EmailPasswordForm):
    is_verification = FlagField(default=False)


class UsernamePasswordForm(serializers.Serializer[Any]):
    username = UsernameField()
    password = StringField()


class ConnectionForm(serializers.Serializer[Any]):
    connection_name = StringField()


class PasswordView(ZeroMagicView):
    def log_in(self, caller: Caller, kind: Kind, value: str, password: str) -> LoggedIn:
        return log_in(
            caller.environment, caller.client, kind=kind, value=value, password=password, context=self.context
        )

    def submitted(self, field: str) -> str:
        """The identifier as it was sent: a canonical one would tell what is stored."""
        data: Any = self.data
        return str(data[field])


class EmailPasswordSignup(PasswordView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(EmailPasswordSignupForm)
        signed_up = sign_up_by_email(
            caller.environment,
            to=form["email"],
            password=form["password"],
            sends_link=form["is_verification"],
            context=self.context,
        )
        told = {"user_id": str(signed_up.user_id), "email": self.submitted("email")}
        return Response({**told, "email_verification": verification(is_verified=False)}, status=201)


class EmailPasswordLogin(PasswordView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(EmailPasswordForm)
        email = form["email"].value
        entered = self.log_in(caller, Kind.EMAIL, email, form["password"])
        told = {"user_id": str(entered.tokens.user_id), "email": email}
        state = verification(is_verified=entered.is_verified)
        return Response({**told, "email_verification": state, **token_body(entered.tokens)})


class EmailPasswordReset(PasswordView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(EmailForm)
        user_id = send_reset_link(caller.environment, to=form["email"], context=self.context)
        return Response({"user_id": str(user_id), "email": self.submitted("email")})


class UsernamePasswordSignup(PasswordView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(UsernamePasswordForm)
        signed_up = sign_up_by_username(
            caller.environment, username=form["username"], password=form["password"], context=self.context
        )
        return Response({"user_id": str(signed_up.user_id), "username": self.submitted("username")}, status=201)


class UsernamePasswordLogin(PasswordView):
    def post(self, request: HttpRequest, **_address: str) -> Response:
        caller, form = self.caller(), self.parse(UsernamePasswordForm)
        entered = self.log_in(caller, Kind.USERNAME, form["username"], form["password"])
        told = {"user_id": str(entered.tokens.user_id), "username": form["username"]}
        return Response({**told, **token_body(entered.tokens)})


class OAuth(ZeroMagicView):
    """Social sign-in: a right request is told that there is none, a wrong one what is wrong with it."""

    def post(self, request: HttpRequest, **_address: str) -> Response:
        self.caller()
        self.parse(ConnectionForm)
        raise NotOffered


def verification(*, is_verified: bool) -> str:
    return "verified" if is_verified else "pending"


urlpatterns = [
    endpoint("email-password-signup", EmailPasswordSignup),
    endpoint("email-password-login", EmailPasswordLogin),
    endpoint("email-password-reset", EmailPasswordReset),
    endpoint("username-password-signup", UsernamePasswordSignup),
    endpoint("username-password-login", UsernamePasswordLogin),
    endpoint("oauth", OAuth),
]
