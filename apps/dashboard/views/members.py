"""Who belongs to a company, and as what."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apps.dashboard.authentication import acting
from apps.dashboard.forms import ConfirmForm, InviteForm, RoleForm
from apps.dashboard.pages import HOME, Crumb, FormPage, TenantPage, refuse
from apps.dashboard.permissions import Action, Role, find
from apps.management.members import change_role, invite, remove
from apps.tenants.models import Membership, Tenant


class Members(TenantPage):
    template = "dashboard/members.html"

    def crumbs(self) -> list[Crumb]:
        return [HOME]

    def get(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        rows = self.seat.tenant.memberships.select_related("operator").order_by("operator__email")
        return self.show(memberships=rows, section="members")


class MemberForm(FormPage):
    read = write = Action.MANAGE_MEMBERS

    def back(self) -> str:
        return reverse("dashboard:members", args=[self.seat.tenant.id])

    def crumbs(self) -> list[Crumb]:
        return [*super().crumbs(), ("Members", self.back())]


class Invite(MemberForm, TenantPage):
    title = "Add a member"
    intro = (
        "They sign in with a code sent to this address, right away. Latchkey does not write to them by itself: tell "
        "them the address of this dashboard."
    )
    submit = "Add member"

    def get(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        return self.show_form(InviteForm())

    def post(self, request: HttpRequest, tenant_id: UUID) -> HttpResponse:
        form = InviteForm(request.POST)
        if form.is_valid() and self._invite(request, form):
            messages.success(request, f"{form.cleaned_data['email']} is a member now.")
            return redirect(self.back())
        return self.show_form(form)

    def _invite(self, request: HttpRequest, form: InviteForm) -> bool:
        email, role = form.cleaned_data["email"], Role(form.cleaned_data["role"])
        try:
            invite(self.seat.tenant, email=email, role=role, by=acting(request))
        except ValidationError as error:
            refuse(form, ValidationError({"email": error.messages}))
            return False
        return True


class MembershipPage(MemberForm):
    membership: Membership

    def tenant_of(self, **ids: UUID) -> Tenant:
        rows = Membership.objects.select_related("tenant", "operator")
        self.membership = find(rows, self.operator, "tenant", ids["membership_id"])
        return self.membership.tenant


class ChangeRole(MembershipPage):
    submit = "Change role"

    def get(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        return self._show(RoleForm(initial={"role": self.membership.role}))

    def post(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        form = RoleForm(request.POST)
        if form.is_valid() and self._change(request, form):
            messages.success(request, f"{self.membership.operator.email} is {form.cleaned_data['role']} now.")
            return redirect(self.back())
        return self._show(form)

    def _show(self, form: RoleForm) -> HttpResponse:
        return self.show_form(form, title=f"Role of {self.membership.operator.email}")

    def _change(self, request: HttpRequest, form: RoleForm) -> bool:
        try:
            change_role(self.membership, Role(form.cleaned_data["role"]), by=acting(request))
        except ValidationError as error:
            refuse(form, ValidationError({"role": error.messages}))
            return False
        return True


class Remove(MembershipPage):
    submit = "Remove member"
    is_dangerous = True
    intro = "They see nothing of this company from their next click on. Keys that they made go on working."

    def get(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        return self._show(ConfirmForm())

    def post(self, request: HttpRequest, membership_id: UUID) -> HttpResponse:
        form = ConfirmForm(request.POST)
        form.is_valid()
        try:
            remove(self.membership, by=acting(request))
        except ValidationError as error:
            refuse(form, error)
            return self._show(form)
        messages.success(request, f"{self.membership.operator.email} is no member any more.")
        return redirect(self.back() if self.membership.operator_id != self.operator.id else "dashboard:home")

    def _show(self, form: ConfirmForm) -> HttpResponse:
        return self.show_form(form, title=f"Remove {self.membership.operator.email}?")
