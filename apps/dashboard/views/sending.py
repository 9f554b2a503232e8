"""How an environment's messages leave: by providers of its own or the installation's, and a message to try it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.core.errors import RateLimited
from apps.dashboard.authentication import acting
from apps.dashboard.forms import ConfirmForm
from apps.dashboard.pages import Crumb, EnvironmentPage, FormPage, refuse
from apps.dashboard.permissions import Action, change_policy
from apps.dashboard.provider_forms import GatewayForm, MailServerForm, TwilioForm
from apps.management import providers
from apps.tenants.models import Environment


class SendingPage(EnvironmentPage):
    """Who can say where messages go can read them, so it takes what changing the policy takes."""

    section = "sending"

    def needed(self) -> Action:
        return change_policy(self.environment)

    def back(self) -> str:
        return reverse("dashboard:sending", args=[self.environment.id])


class Sending(SendingPage):
    template = "dashboard/sending.html"

    def needed(self) -> Action:
        return Action.READ

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show(
            mail=providers.mail_server(self.environment),
            sms=providers.sms_provider(self.environment),
            platform_mail=bool(settings.EMAIL_URL),
            platform_sms=bool(settings.SMS_PROVIDER),
            may_change=self.seat.may(change_policy(self.environment)),
        )


class SendingFormPage(SendingPage, FormPage):
    keep: ClassVar[Callable[..., bool]]

    def crumbs(self) -> list[Crumb]:
        return [*super().crumbs(), (f"{self.environment.project.name} · {self.environment.name}", self.back())]


class ProviderPage(SendingFormPage):
    form: ClassVar[type[MailServerForm | TwilioForm | GatewayForm]]

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show_form(self.form())

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = self.form(request.POST)
        if not form.is_valid() or not self._keep(request, form):
            return self.show_form(form)
        messages.success(request, "Saved. It holds for the next message.")
        return redirect(self.back())

    def _keep(self, request: HttpRequest, form: MailServerForm | TwilioForm | GatewayForm) -> bool:
        try:
            type(self).keep(self.environment, form.provider(), by=acting(request))
        except ValidationError as error:
            refuse(form, error)
            return False
        return True


class MailServer(ProviderPage):
    title = "Mail server of its own"
    intro = (
        "Mail of this environment goes through this server from then on. What was there before is replaced, its "
        "password too. The sender’s address is part of the policy."
    )
    submit = "Save mail server"
    form = MailServerForm
    keep = staticmethod(providers.set_mail_server)


class Twilio(ProviderPage):
    title = "Text messages by Twilio"
    intro = "Text messages of this environment go through this account from then on; a provider before it is replaced."
    submit = "Save Twilio account"
    form = TwilioForm
    keep = staticmethod(providers.set_sms_provider)


class Gateway(ProviderPage):
    title = "Text messages by a gateway of yours"
    intro = (
        "Any gateway that takes one HTTP request for each message. Text messages of this environment go through it "
        "from then on; a provider before it is replaced."
    )
    submit = "Save gateway"
    form = GatewayForm
    keep = staticmethod(providers.set_sms_provider)


class RemoveProvider(SendingFormPage):
    is_dangerous = True
    done = ""

    def intro_of(self, environment: Environment) -> str:
        raise NotImplementedError

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show_form(ConfirmForm(), intro=self.intro_of(self.environment))

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        type(self).keep(self.environment, None, by=acting(request))
        messages.success(request, self.done)
        return redirect(self.back())


class RemoveMailServer(RemoveProvider):
    title = "Remove the mail server?"
    submit = "Remove mail server"
    done = "The mail server is removed, and its password with it."
    keep = staticmethod(providers.set_mail_server)

    def intro_of(self, environment: Environment) -> str:
        return _afterwards("mails", environment, is_there=bool(settings.EMAIL_URL))


class RemoveSmsProvider(RemoveProvider):
    title = "Remove the SMS provider?"
    submit = "Remove SMS provider"
    done = "The SMS provider is removed, and its credentials with it."
    keep = staticmethod(providers.set_sms_provider)

    def intro_of(self, environment: Environment) -> str:
        return _afterwards("text messages", environment, is_there=bool(settings.SMS_PROVIDER))


class TestMessage(SendingPage):
    """To the operator's own address and to no other, so that this is no way to write to strangers."""

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        try:
            providers.send_test_message(self.environment, self.operator)
        except RateLimited as refusal:
            messages.warning(request, f"That was a little fast: try again in {refusal.retry_after} seconds.")
            return redirect(self.back())
        messages.success(request, f"A message to {self.operator.email} is on its way. “Delivery” tells how it goes.")
        return redirect(self.back())


def _afterwards(what: str, environment: Environment, *, is_there: bool) -> str:
    if is_there:
        return f"Afterwards {what} go by the installation’s own provider again."
    if environment.is_production:
        return f"This installation has no provider to take its place: no {what} will arrive until you set another."
    return f"Afterwards {what} are not sent, but captured for you to read."
