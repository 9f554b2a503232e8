"""Application keys: made, shown once, rotated with an overlap, revoked at once."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.dashboard.authentication import acting
from apps.dashboard.forms import ConfirmForm, NameForm, RotateForm
from apps.dashboard.pages import Crumb, EnvironmentPage, FormPage, refuse
from apps.dashboard.permissions import Action
from apps.management.environments import (
    NewKey,
    create_application_key,
    revoke_application_key,
    rotate_application_key,
)
from apps.tenants.models import ApplicationKey


class Keys(EnvironmentPage):
    template = "dashboard/keys.html"
    section = "keys"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        rows = ApplicationKey.objects.for_environment(self.environment)
        keys = list(rows.order_by(F("revoked_at").desc(nulls_first=True), "-created_at"))
        return self.show(
            usable=[key for key in keys if key.is_usable], ended=[key for key in keys if not key.is_usable]
        )


class KeyForm(EnvironmentPage, FormPage):
    read = write = Action.MANAGE_KEYS
    section = "keys"

    def back(self) -> str:
        return reverse("dashboard:keys", args=[self.environment.id])

    def crumbs(self) -> list[Crumb]:
        return [*super().crumbs(), (f"{self.environment.project.name} · {self.environment.name}", self.back())]

    def show_secret(self, new: NewKey, *, title: str, old: ApplicationKey | None = None) -> HttpResponse:
        """In the answer to the POST itself: an address to come back to would need the secret to be kept."""
        self.template = "dashboard/key_created.html"
        return self.show(key=new.key, secret=new.secret, title=title, old=old)


class NewKeyPage(KeyForm):
    title = "New application key"
    intro = "One key for each application that signs people in: your web site, your app for phones."
    submit = "Create key"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show_form(self._form())

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = self._form(request)
        if not form.is_valid():
            return self.show_form(form)
        new = create_application_key(self.environment, name=form.cleaned_data["name"], by=acting(request))
        return self.show_secret(new, title="Your new key")

    def _form(self, request: HttpRequest | None = None) -> NameForm:
        form = NameForm(request.POST if request else None)
        form.fields["name"].help_text = "Of the application, for you to tell keys apart."
        return form


class KeyPage(KeyForm):
    key: ApplicationKey

    def enter(self, **ids: UUID) -> None:
        super().enter(**ids)
        keys = ApplicationKey.objects.for_environment(self.environment).select_related("environment__project")
        found = keys.filter(id=ids["key_id"]).first()
        if found is None:
            raise Http404
        self.key = found


class RotateKey(KeyPage):
    intro = (
        "You get a second key for the same application. Change your clients over to it before the present key ends. "
        "Sessions go on: nobody has to sign in again."
    )
    submit = "Rotate key"

    def get(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        return self._show(RotateForm())

    def post(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        form = RotateForm(request.POST)
        new = self._rotate(request, form) if form.is_valid() else None
        if new is None:
            return self._show(form)
        self.key.refresh_from_db(fields=["expires_at"])
        return self.show_secret(new, title="The next key", old=self.key)

    def _show(self, form: RotateForm) -> HttpResponse:
        return self.show_form(form, title=f"Rotate {self.key}")

    def _rotate(self, request: HttpRequest, form: RotateForm) -> NewKey | None:
        try:
            return rotate_application_key(self.key, overlap=form.duration, by=acting(request))
        except ValidationError as error:
            refuse(form, error)
            return None


class RevokeKey(KeyPage):
    submit = "Revoke key"
    is_dangerous = True
    intro = (
        "From this moment on every request with this key is refused, and the people of its application can neither "
        "sign in nor refresh. This cannot be taken back."
    )

    def get(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        return self.show_form(ConfirmForm(), title=f"Revoke {self.key}?")

    def post(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        revoke_application_key(self.key, by=acting(request))
        messages.success(request, f"{self.key} is revoked.")
        return redirect(self.back())
