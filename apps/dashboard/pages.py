"""What the pages share: somebody is signed in, the thing is one of theirs, and their role allows what they ask."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views import View
from django_htmx.http import HttpResponseClientRedirect

from apps.dashboard.authentication import signed_in
from apps.dashboard.permissions import Action, Seat, find, seat
from apps.tenants.models import Environment, Operator, Project, Tenant

UNPROCESSABLE = 422
Crumb = tuple[str, str]
HOME: Crumb = ("Home", "/dashboard/")


class Page(View):
    """A page for whoever is signed in."""

    http_method_names = ("get", "head", "post")
    template = ""
    operator: Operator

    def dispatch(self, request: HttpRequest, *args: Any, **ids: UUID) -> HttpResponseBase:
        operator = signed_in(request)
        if operator is None:
            return sign_in_first(request)
        self.operator = operator
        self.enter(**ids)
        return super().dispatch(request, *args, **ids)

    def enter(self, **ids: UUID) -> None:
        """Find what the address names and see whether the operator may. Raises Http404, PermissionDenied."""

    def crumbs(self) -> list[Crumb]:
        """The way here, without the page itself."""
        return []

    def context(self) -> dict[str, Any]:
        return {"operator": self.operator, "crumbs": self.crumbs()}

    def show(self, *, status: int = 200, **context: Any) -> HttpResponse:
        return render(self.request, self.template, {**self.context(), **context}, status=status)


class SeatPage(Page):
    """A page inside a tenant. `read` is what looking takes, `write` what a POST takes."""

    read: ClassVar[Action] = Action.READ
    write: ClassVar[Action] = Action.MANAGE_MEMBERS
    seat: Seat

    def enter(self, **ids: UUID) -> None:
        self.seat = seat(self.operator, self.tenant_of(**ids))
        self.seat.demand(self.needed())

    def tenant_of(self, **ids: UUID) -> Tenant:
        raise NotImplementedError

    def needed(self) -> Action:
        return self.read if self.request.method in ("GET", "HEAD") else self.write

    def crumbs(self) -> list[Crumb]:
        tenant = self.seat.tenant
        return [HOME, (tenant.name, reverse("dashboard:tenant", args=[tenant.id]))]

    def context(self) -> dict[str, Any]:
        may = {action.name.lower(): self.seat.may(action) for action in Action}
        return {**super().context(), "seat": self.seat, "tenant": self.seat.tenant, "may": may}


class TenantPage(SeatPage):
    def tenant_of(self, **ids: UUID) -> Tenant:
        return find(Tenant.objects.all(), self.operator, "id", ids["tenant_id"])


class ProjectPage(SeatPage):
    project: Project

    def tenant_of(self, **ids: UUID) -> Tenant:
        rows = Project.objects.select_related("tenant")
        self.project = find(rows, self.operator, "tenant", ids["project_id"])
        return self.project.tenant


class EnvironmentPage(SeatPage):
    environment: Environment
    section = ""

    def tenant_of(self, **ids: UUID) -> Tenant:
        rows = Environment.objects.select_related("project__tenant")
        self.environment = find(rows, self.operator, "project__tenant", ids["environment_id"])
        return self.environment.project.tenant

    def context(self) -> dict[str, Any]:
        may_read = not self.environment.is_production and self.seat.may(Action.READ_MESSAGES)
        facts = {"environment": self.environment, "section": self.section, "may_read_messages": may_read}
        return {**super().context(), **facts}


class FormPage(SeatPage):
    """A form on a page of its own: title, explanation, fields, one button, and a way back."""

    template = "dashboard/form_page.html"
    title = ""
    intro = ""
    submit = "Save"
    is_dangerous = False

    def back(self) -> str:
        raise NotImplementedError

    def show_form(self, form: BaseForm, **context: Any) -> HttpResponse:
        status = UNPROCESSABLE if form.errors else 200
        words = {"title": self.title, "intro": self.intro, "submit": self.submit, "is_dangerous": self.is_dangerous}
        return self.show(status=status, form=form, back=self.back(), **{**words, **context})


def refuse(form: BaseForm, error: ValidationError) -> None:
    """Put a use case's refusal into the form, so that it is told where it was caused."""
    known = isinstance(getattr(error, "error_dict", None), dict) and set(error.error_dict) <= set(form.fields)
    form.add_error(None, error if known else ValidationError(error.messages))


def sign_in_first(request: HttpRequest) -> HttpResponse:
    """To the sign-in and, for a page that can be asked for again, back. htmx would put the sign-in into the page."""
    address = reverse("dashboard:sign-in")
    if request.method in ("GET", "HEAD"):
        address += "?" + urlencode({"next": request.get_full_path()})
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address)
