"""The pages of mailed links: confirm an address, choose a password. They are for people, in their own language.

Opening one changes nothing, because scanners of mail open links too; a button of it does. There is no cookie here, and
so no CSRF token: what a POST is worth is decided by the token in it, which only the mail held, and a page of somebody
else's who knew that token could do the same without the reader's browser.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.challenges.models import Purpose
from apps.core.errors import (
    AuthError,
    BodyTooLarge,
    CodeExpired,
    InvalidClient,
    InvalidGrant,
    RateLimited,
    ServiceUnavailable,
    UserDisabled,
    WeakPassword,
)
from apps.dialects.base import DialectView, MethodNotAllowed, Wire, endpoint
from apps.dialects.fields import StringField
from apps.passwordless import links
from apps.passwordless.languages import choose_language
from apps.tenants.models import Environment

# What a link was, and whether it ever was one, looks the same.
ERRORS = {
    AuthError: Wire(400, "malformed"),
    BodyTooLarge: Wire(413, "malformed"),
    MethodNotAllowed: Wire(405, "malformed"),
    InvalidClient: Wire(404, "ended"),
    InvalidGrant: Wire(404, "ended"),
    UserDisabled: Wire(404, "ended"),
    RateLimited: Wire(429, "wait"),
    ServiceUnavailable: Wire(503, "wait"),
}
UNPROCESSABLE = 422
WORDS = {
    "ended": (
        _("This link has ended"),
        _("It was used already, has expired, or a newer one took its place. Ask for another one where you got it."),
    ),
    "wait": (_("Please wait a moment"), _("Then open the link once more.")),
    "malformed": (_("This link cannot be read"), _("Open it once more from the email.")),
    Purpose.VERIFY_IDENTIFIER: (
        _("Your email address is confirmed"),
        _("You can close this page and sign in."),
    ),
    Purpose.RESET_PASSWORD: (_("Your new password is set"), _("You can close this page and sign in.")),
}
# No script at all. The middleware of the API adds `nosniff`, `no-referrer` and `no-store`, so that the token in the
# address of a page goes nowhere and stays nowhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


class LinkForm(serializers.Serializer[Any]):
    token = StringField()
    password = StringField(required=False)


class LinkPage(DialectView):
    errors = ERRORS
    purpose: ClassVar[Purpose]
    environment: Environment
    language = "en"
    template = "message"
    media_type = "text/html"
    takes_forms = True

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        # Threads of the server live on, and so would the language that `initial` chooses.
        with translation.override(self.language):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        found = Environment.objects.at(self.address)
        if found is None:
            raise CodeExpired
        self.environment = found
        self.language = choose_language(self.context.language, found.default_language)
        translation.activate(self.language)

    def check_query(self, request: HttpRequest) -> None:
        """Those who carry mail add parameters of their own to its links, which must open a page all the same."""
        if request.method not in {"GET", "HEAD"}:
            super().check_query(request)

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        return told(code)

    def respond(self, body: dict[str, Any], status: int = 200) -> HttpResponse:
        """A template for it. Without the request, which has neither a user nor messages."""
        context = {**body, "lang": self.language, "bidi": translation.get_language_bidi()}
        return HttpResponse(render_to_string(f"confirm/{self.template}.html", context), status=status)

    def get(self, request: HttpRequest, **_address: str) -> HttpResponse:
        return self.form(request.GET.get("token", ""))

    def post(self, request: HttpRequest, **_address: str) -> HttpResponse:
        form = self.parse(LinkForm)
        token, password = form["token"], form.get("password")
        try:
            links.follow(self.environment, self.purpose, token=token, password=password, context=self.context)
        except WeakPassword as refusal:
            return self.form(token, problem=gettext(refusal.message), status=UNPROCESSABLE)
        return self.respond(told(self.purpose))

    def form(self, token: str, *, problem: str = "", status: int = 200) -> HttpResponse:
        seen = links.look(self.environment, self.purpose, token=token, context=self.context)
        self.template = "form"
        facts = {"address": seen.address, "has_account": seen.has_account, "has_password": seen.has_password}
        place = {"product": self.environment.project.name, "action": self.request.path, "token": token}
        is_reset = self.purpose is Purpose.RESET_PASSWORD
        return self.respond({**facts, **place, "is_reset": is_reset, "problem": problem}, status)

    def finished(self, response: HttpResponse) -> HttpResponse:
        for name, value in HEADERS.items():
            response[name] = value
        return super().finished(response)


class ConfirmEmail(LinkPage):
    purpose = Purpose.VERIFY_IDENTIFIER


class ResetPassword(LinkPage):
    purpose = Purpose.RESET_PASSWORD


def told(what: str) -> dict[str, str]:
    title, message = WORDS[what]
    return {"title": str(title), "message": str(message)}


urlpatterns = [
    endpoint(links.PATHS[Purpose.VERIFY_IDENTIFIER], ConfirmEmail),
    endpoint(links.PATHS[Purpose.RESET_PASSWORD], ResetPassword),
]
