"""OAuth clients: registered, changed, given a new secret, revoked."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.dashboard.authentication import acting
from apps.dashboard.credential_forms import ClientForm, RotateSecretForm
from apps.dashboard.forms import ConfirmForm
from apps.dashboard.pages import Crumb, EnvironmentPage, FormPage, refuse
from apps.dashboard.paging import newest
from apps.dashboard.permissions import Action
from apps.management.oauth_clients import (
    NewSecret,
    change_oauth_client,
    create_oauth_client,
    revoke_oauth_client,
    rotate_client_secret,
)
from apps.tokens.oauth_clients import Grant, OAuthClient


class Clients(EnvironmentPage):
    template = "dashboard/oauth_clients.html"
    section = "oauth-clients"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        rows = OAuthClient.objects.for_environment(self.environment)
        found = newest(rows, request.GET.get("after", ""))
        return self.show(clients=found.rows, after=found.after, is_first="after" not in request.GET)


class ClientFormPage(EnvironmentPage, FormPage):
    read = write = Action.MANAGE_KEYS
    section = "oauth-clients"

    def back(self) -> str:
        return reverse("dashboard:oauth-clients", args=[self.environment.id])

    def crumbs(self) -> list[Crumb]:
        return [*super().crumbs(), (f"{self.environment.project.name} · {self.environment.name}", self.back())]

    def show_secret(self, new: NewSecret, *, title: str) -> HttpResponse:
        """In the answer to the POST itself: an address to come back to would need the secret to be kept."""
        self.template = "dashboard/oauth_client_created.html"
        has_own_tokens = Grant.CLIENT_CREDENTIALS in new.client.grants
        return self.show(client=new.client, secret=new.secret, title=title, has_own_tokens=has_own_tokens)


class NewClient(ClientFormPage):
    title = "New OAuth client"
    intro = "An application that can keep a secret: it exchanges its id and secret for tokens (OAuth 2.0)."
    submit = "Create client"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show_form(ClientForm())

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = ClientForm(request.POST)
        new = self._create(request, form) if form.is_valid() else None
        return self.show_secret(new, title="Your new OAuth client") if new else self.show_form(form)

    def _create(self, request: HttpRequest, form: ClientForm) -> NewSecret | None:
        facts = {"name": form.cleaned_data["name"], "grants": form.cleaned_data["grants"], "scopes": form.scopes}
        try:
            return create_oauth_client(self.environment, **facts, expires_at=form.expires_at, by=acting(request))
        except ValidationError as error:
            refuse(form, error)
            return None


class ClientPage(ClientFormPage):
    client: OAuthClient

    def enter(self, **ids: UUID) -> None:
        super().enter(**ids)
        rows = OAuthClient.objects.for_environment(self.environment).select_related("environment__project")
        found = rows.filter(id=ids["client_id"]).first()
        if found is None:
            raise Http404
        self.client = found


class ChangeClient(ClientPage):
    submit = "Save client"
    intro = "What is taken away here is refused from the next request on; tokens given out before keep their scopes."

    def get(self, request: HttpRequest, environment_id: UUID, client_id: UUID) -> HttpResponse:
        return self._show(self._form())

    def post(self, request: HttpRequest, environment_id: UUID, client_id: UUID) -> HttpResponse:
        form = self._form(request.POST)
        if not form.is_valid() or not self._change(request, form):
            return self._show(form)
        messages.success(request, f"{form.cleaned_data['name']} is saved.")
        return redirect(self.back())

    def _form(self, data: Any = None) -> ClientForm:
        form = ClientForm(data, initial=ClientForm.facts_of(self.client))
        for field in form.fields.values():
            # What the page showed comes back with it, so that only what was changed on it is written.
            field.show_hidden_initial = True
        return form

    def _show(self, form: ClientForm) -> HttpResponse:
        return self.show_form(form, title=f"Change {self.client.name}")

    def _change(self, request: HttpRequest, form: ClientForm) -> bool:
        try:
            change_oauth_client(self.client, by=acting(request), **form.changes())
        except ValidationError as error:
            refuse(form, error)
            return False
        return True


class RotateSecret(ClientPage):
    intro = (
        "You get a second secret for the same client. Change your servers over to it before the present one ends; if "
        "there is one from before that, it ends at once. Tokens stay good: nobody has to sign in again."
    )
    submit = "Replace secret"

    def get(self, request: HttpRequest, environment_id: UUID, client_id: UUID) -> HttpResponse:
        return self._show(RotateSecretForm())

    def post(self, request: HttpRequest, environment_id: UUID, client_id: UUID) -> HttpResponse:
        form = RotateSecretForm(request.POST)
        new = self._rotate(request, form) if form.is_valid() else None
        return self.show_secret(new, title="The next secret") if new else self._show(form)

    def _show(self, form: RotateSecretForm) -> HttpResponse:
        return self.show_form(form, title=f"Replace the secret of {self.client.name}")

    def _rotate(self, request: HttpRequest, form: RotateSecretForm) -> NewSecret | None:
        try:
            return rotate_client_secret(self.client, overlap=form.duration, by=acting(request))
        except ValidationError as error:
            refuse(form, error)
            return None


class RevokeClient(ClientPage):
    submit = "Revoke client"
    is_dangerous = True
    intro = (
        "From this moment on it gets no tokens and cannot refresh, and where its tokens are checked with us they are "
        "refused. Servers that check them by themselves accept them until they run out. This cannot be taken back."
    )

    def get(self, request: HttpRequest, environment_id: UUID, client_id: UUID) -> HttpResponse:
        return self.show_form(ConfirmForm(), title=f"Revoke {self.client.name}?")

    def post(self, request: HttpRequest, environment_id: UUID, client_id: UUID) -> HttpResponse:
        revoke_oauth_client(self.client, by=acting(request))
        messages.success(request, f"{self.client.name} is revoked.")
        return redirect(self.back())
