"""The operator's companies, and a company's products."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.dashboard.authentication import acting
from apps.dashboard.forms import EnvironmentForm, ProjectForm
from apps.dashboard.pages import HOME, Crumb, FormPage, Page, ProjectPage, TenantPage, refuse
from apps.dashboard.permissions import Action, visible_tenants
from apps.management.environments import create_environment
from apps.management.projects import create_project
from apps.tenants.models import Environment, Membership


class Home(Page):
    template = "dashboard/home.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        roles = dict(Membership.objects.filter(operator=self.operator).values_list("tenant_id", "role"))
        tenants = visible_tenants(self.operator).order_by("name", "created_at").prefetch_related("projects")
        seats = [(tenant, roles.get(tenant.id)) for tenant in tenants]
        # Their own companies first: staff see everybody else's too.
        return self.show(seats=sorted(seats, key=lambda seat: seat[1] is None))


class TenantHome(TenantPage):
    template = "dashboard/tenant.html"

    def crumbs(self) -> list[Crumb]:
        return [HOME]

    def get(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        environments = Prefetch("environments", Environment.objects.order_by("created_at"))
        projects = self.seat.tenant.projects.order_by("name", "created_at").prefetch_related(environments)
        return self.show(projects=projects)


class NewProject(TenantPage, FormPage):
    read = write = Action.CREATE_PROJECT
    title = "New project"
    intro = "A project is one product of yours. It starts empty: its environments come next."
    submit = "Create project"

    def back(self) -> str:
        return reverse("dashboard:tenant", args=[self.seat.tenant.id])

    def get(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        return self.show_form(ProjectForm())

    def post(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        form = ProjectForm(request.POST)
        if not form.is_valid():
            return self.show_form(form)
        project = create_project(self.seat.tenant, name=form.cleaned_data["name"], by=acting(request))
        messages.success(request, f"{project.name} is there. Give it an environment to sign people in to.")
        return redirect(self.back())


class NewEnvironment(ProjectPage, FormPage):
    read = write = Action.CREATE_ENVIRONMENT
    submit = "Create environment"
    intro = (
        "An environment is a world of its own: its people, keys, codes and tokens are known nowhere else. Its policy "
        "starts with safe values that you can change afterwards."
    )

    def back(self) -> str:
        return reverse("dashboard:tenant", args=[self.seat.tenant.id])

    def get(self, request: HttpRequest, project_id: UUID) -> HttpResponse:
        return self.show_form(EnvironmentForm(), title=self._title())

    def post(self, request: HttpRequest, project_id: UUID) -> HttpResponse:
        form = EnvironmentForm(request.POST)
        environment = self._create(request, form) if form.is_valid() else None
        if environment is None:
            return self.show_form(form, title=self._title())
        messages.success(
            request, "The environment is there. Next, make a key for the application that signs people in."
        )
        return redirect("dashboard:keys", environment_id=environment.id)

    def _title(self) -> str:
        return f"New environment of {self.project.name}"

    def _create(self, request: HttpRequest, form: EnvironmentForm) -> Environment | None:
        name, kind = form.cleaned_data["name"], Environment.Kind(form.cleaned_data["kind"])
        try:
            return create_environment(self.project, name=name, kind=kind, by=acting(request))
        except ValidationError as error:
            is_taken = self.project.environments.filter(name=name).exists()
            taken = ValidationError({"name": f"{self.project.name} has an environment of this name already."})
            refuse(form, taken if is_taken else error)
            return None
