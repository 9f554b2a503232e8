"""API keys: those of the company's own servers, and those that its people have been given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import InvalidRequest
from apps.core.identifiers import Kind, any_contact, masked, phone_contact
from apps.dashboard.authentication import acting
from apps.dashboard.credential_forms import ApiKeyForm, KeySearchForm, RotateApiKeyForm
from apps.dashboard.forms import ConfirmForm
from apps.dashboard.pages import UNPROCESSABLE, Crumb, EnvironmentPage, FormPage, refuse
from apps.dashboard.paging import newest
from apps.dashboard.permissions import Action, change_policy
from apps.management.api_keys import NewApiKey, create_api_key, is_alive, revoke_api_key, rotate_api_key
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey, ApiKeyQuerySet, Scope, key_prefix
from apps.users.models import Identifier


@dataclass(frozen=True, slots=True)
class Line:
    key: ApiKey
    owner: str
    """Masked: this page is for finding a key, not for reading who the people are."""
    is_alive: bool


class ApiKeys(EnvironmentPage):
    """The keys of the company's own servers."""

    template = "dashboard/api_keys.html"
    section = "api-keys"
    whose = "own"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = KeySearchForm(request.GET)
        facts: dict[str, Any] = {"form": form, "whose": self.whose, "prefix": key_prefix(self.environment)}
        if not form.is_valid():
            return self.show(status=UNPROCESSABLE, lines=[], **facts, **self._place())
        wanted, state = form.cleaned_data["q"].strip(), form.cleaned_data["state"]
        found = newest(self.found(_in_state(self.rows(), state), wanted), request.GET.get("after", ""))
        facts |= {"wanted": wanted, "state": state, "query": _query(q=wanted, state=state)}
        return self.show(lines=self.lines(found.rows), after=found.after, **facts, **self._place())

    def rows(self) -> ApiKeyQuerySet:
        return ApiKey.objects.for_environment(self.environment).filter(user=None)

    def found(self, rows: ApiKeyQuerySet, wanted: str) -> ApiKeyQuerySet:
        return rows.filter(Q(name__icontains=wanted) | Q(last_four=wanted)) if wanted else rows

    def lines(self, keys: list[ApiKey]) -> list[Line]:
        return [Line(key, "", key.is_usable) for key in keys]

    def _place(self) -> dict[str, Any]:
        may_rotate_personal = self.seat.may(change_policy(self.environment))
        return {"is_first": "after" not in self.request.GET, "may_rotate_personal": may_rotate_personal}


class PersonalKeys(ApiKeys):
    """The keys that people have made for themselves, by way of a client of theirs."""

    whose = "people"

    def rows(self) -> ApiKeyQuerySet:
        return ApiKey.objects.for_environment(self.environment).filter(user__isnull=False).select_related("user")

    def found(self, rows: ApiKeyQuerySet, wanted: str) -> ApiKeyQuerySet:
        if not wanted:
            return rows
        people = _people(self.environment, wanted)
        if people:
            return rows.filter(user_id__in=people)
        return rows.filter(Q(last_four=wanted) | Q(site_url__icontains=wanted))

    def lines(self, keys: list[ApiKey]) -> list[Line]:
        """With the owners' names in one statement for all."""
        rows = Identifier.objects.for_environment(self.environment).filter(user_id__in={key.user_id for key in keys})
        names = dict(rows.order_by("-created_at").values_list("user_id", "value"))
        return [Line(key, _owner(key, names), is_alive(key)) for key in keys]


class ApiKeyFormPage(EnvironmentPage, FormPage):
    read = write = Action.MANAGE_KEYS
    section = "api-keys"

    def back(self) -> str:
        return reverse("dashboard:api-keys", args=[self.environment.id])

    def crumbs(self) -> list[Crumb]:
        return [*super().crumbs(), (f"{self.environment.project.name} · {self.environment.name}", self.back())]

    def show_secret(self, new: NewApiKey, *, title: str, old: ApiKey | None = None) -> HttpResponse:
        """In the answer to the POST itself: an address to come back to would need the secret to be kept."""
        self.template = "dashboard/api_key_created.html"
        tries = {"introspects": Scope.INTROSPECT in new.key.scopes, "reads": Scope.READ_MESSAGES in new.key.scopes}
        return self.show(key=new.key, secret=new.secret, title=title, old=old, back=self.back(), **tries)


class NewApiKeyPage(ApiKeyFormPage):
    title = "New API key"
    intro = "A secret for one server or integration. Give each its own, so that one can be revoked without the others."
    submit = "Create key"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        return self.show_form(ApiKeyForm(environment=self.environment))

    def post(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = ApiKeyForm(request.POST, environment=self.environment)
        new = self._create(request, form) if form.is_valid() else None
        return self.show_secret(new, title="Your new API key") if new else self.show_form(form)

    def _create(self, request: HttpRequest, form: ApiKeyForm) -> NewApiKey | None:
        facts = {"name": form.cleaned_data["name"], "scopes": form.scopes, "expires_at": form.expires_at}
        try:
            return create_api_key(self.environment, by=acting(request), **facts)
        except ValidationError as error:
            refuse(form, error)
            return None


class ApiKeyPage(ApiKeyFormPage):
    key: ApiKey

    def tenant_of(self, **ids: UUID) -> Any:
        """The key as well, because what may be done to it depends on whose it is."""
        tenant = super().tenant_of(**ids)
        rows = ApiKey.objects.for_environment(self.environment).select_related("environment__project", "user")
        self.key_or_none = rows.filter(id=ids["key_id"]).first()
        return tenant

    def enter(self, **ids: UUID) -> None:
        super().enter(**ids)
        if self.key_or_none is None:
            raise Http404
        self.key = self.key_or_none

    def back(self) -> str:
        is_personal = self.key_or_none is not None and self.key_or_none.user_id is not None
        return reverse("dashboard:personal-keys" if is_personal else "dashboard:api-keys", args=[self.environment.id])


class RotateApiKey(ApiKeyPage):
    """Whoever rotates a person's key holds a key of that person. So only those may who can anyway have that person's
    messages sent to where they like: those who may change the policy."""

    intro = "You get a second key with the same rights. Change your servers over to it before the present key ends."
    submit = "Rotate key"

    def needed(self) -> Action:
        key = self.key_or_none
        return change_policy(self.environment) if key is not None and key.user_id else super().needed()

    def get(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        return self._show(RotateApiKeyForm(key=self.key))

    def post(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        form = RotateApiKeyForm(request.POST, key=self.key)
        new = self._rotate(request, form) if form.is_valid() else None
        if new is None:
            return self._show(form)
        self.key.refresh_from_db(fields=["expires_at"])
        return self.show_secret(new, title="The next API key", old=self.key)

    def _show(self, form: BaseForm) -> HttpResponse:
        return self.show_form(form, title=f"Rotate {self.key}")

    def _rotate(self, request: HttpRequest, form: RotateApiKeyForm) -> NewApiKey | None:
        try:
            return rotate_api_key(self.key, overlap=form.duration, expires_at=form.expires_at, by=acting(request))
        except ValidationError as error:
            refuse(form, error)
            return None


class RevokeApiKey(ApiKeyPage):
    submit = "Revoke key"
    is_dangerous = True
    intro = "From this moment on every request with this key is refused. This cannot be taken back."

    def get(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        return self.show_form(ConfirmForm(), title=f"Revoke {self.key}?")

    def post(self, request: HttpRequest, environment_id: UUID, key_id: UUID) -> HttpResponse:
        revoke_api_key(self.key, by=acting(request))
        messages.success(request, f"{self.key} is revoked.")
        return redirect(self.back())


def _query(**facts: str) -> str:
    return urlencode({name: value for name, value in facts.items() if value})


def _in_state(rows: ApiKeyQuerySet, state: str) -> ApiKeyQuerySet:
    if not state:
        return rows.usable()
    return rows.filter(
        Q(revoked_at__isnull=False) | Q(expires_at__lte=timezone.now()) | Q(user__disabled_at__isnull=False)
    )


def _people(environment: Environment, wanted: str) -> list[UUID]:
    """Whose identifier or id this is, whole: a part of one would be a list of the people who are known here."""
    known = Identifier.objects.for_environment(environment)
    named = [row for kind, value in _readings(environment, wanted) for row in known.filter(kind=kind, value=value)]
    try:
        return [UUID(wanted)]
    except ValueError:
        return [row.user_id for row in named]


def _readings(environment: Environment, wanted: str) -> list[tuple[str, str]]:
    """What an identifier might have been meant to be."""
    readings = [(Kind.USERNAME.value, wanted.lower())]
    for read in (any_contact, lambda text: phone_contact(text, environment.default_region)):
        try:
            contact = read(wanted)
        except InvalidRequest:
            continue
        readings.append((contact.kind.value, contact.value))
    return readings


def _owner(key: ApiKey, names: dict[UUID, str]) -> str:
    return masked(names[key.user_id]) if key.user_id in names else str(key.user_id)
