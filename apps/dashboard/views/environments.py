"""One environment: where it answers, and how it behaves."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.dashboard.authentication import acting
from apps.dashboard.endpoints import groups_of
from apps.dashboard.pages import UNPROCESSABLE, EnvironmentPage, refuse
from apps.dashboard.paging import about
from apps.dashboard.permissions import Action, change_policy
from apps.dashboard.policy import PolicyForm
from apps.management import environments
from apps.tenants.models import ApplicationKey, Environment
from apps.tokens.api_keys import ApiKey
from apps.tokens.oauth_clients import OAuthClient


class Overview(EnvironmentPage):
    template = "dashboard/overview.html"
    section = "overview"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show(
            groups=groups_of(self.environment),
            mail=_mail(self.environment),
            **_numbers(self.environment),
        )


class Policy(EnvironmentPage):
    """Everybody reads it; who may change it depends on the kind of environment."""

    template = "dashboard/policy.html"
    section = "policy"

    def needed(self) -> Action:
        return super().needed() if self.request.method != "POST" else change_policy(self.environment)

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self._show(self._form(None))

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid():
            return self._show(form, UNPROCESSABLE)
        try:
            wanted = {name: form.cleaned_data[name] for name in form.changed_data}
            changed = environments.change_policy(self.environment, by=acting(request), **wanted)
        except ValidationError as error:
            refuse(form, error)
            return self._show(form, UNPROCESSABLE)
        messages.success(request, "The policy is saved and holds from now on." if changed else "Nothing was changed.")
        return redirect("dashboard:policy", environment_id=environment_id)

    def _form(self, data: Any) -> PolicyForm:
        # On a copy: the form writes into it, and the use case compares with what was there.
        is_editable = self.seat.may(change_policy(self.environment))
        return PolicyForm(data, instance=copy.copy(self.environment), is_editable=is_editable)

    def _show(self, form: PolicyForm, status: int = 200) -> HttpResponse:
        may_change = self.seat.may(change_policy(self.environment))
        return self.show(status=status, form=form, groups=form.groups(), may_change=may_change)


def _numbers(environment: Environment) -> dict[str, Any]:
    """None of them looks at more rows than it tells: people's keys can be very many."""
    api_keys = ApiKey.objects.for_environment(environment).usable()
    return {
        "number_of_keys": ApplicationKey.objects.for_environment(environment).usable().count(),
        "number_of_api_keys": about(api_keys.filter(user=None)),
        "number_of_personal_keys": about(api_keys.filter(user__isnull=False)),
        "number_of_clients": about(OAuthClient.objects.for_environment(environment).usable()),
    }


def _mail(environment: Environment) -> str:
    """How mail leaves: the environment's own server, the platform's, not at all, or into the captured messages."""
    if environment.mail_url_sealed is not None:
        return "own"
    if settings.EMAIL_URL:
        return "platform"
    return "none" if environment.is_production else "captured"
