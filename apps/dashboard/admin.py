"""What staff see of customers: rows, never secrets.

Here they run companies, operators and memberships. Whatever takes more than a row (a signing key, an event, a secret
that is shown once) is made and changed by a use case, so it is only shown. Nothing that has events can be deleted: the
application's database role may not delete those, and deactivating is the way.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.dashboard.authentication import acting
from apps.dashboard.forms import EmailField
from apps.management import members
from apps.tenants.models import ApplicationKey, Environment, Membership, Operator, Project, Tenant

# Django's own groups and permissions are used by nobody: roles are memberships.
admin.site.unregister(Group)


class Kept:
    def has_delete_permission(self, request: HttpRequest, _row: object = None) -> bool:
        return False


class Shown(Kept):
    def has_add_permission(self, request: HttpRequest, *_parent: object) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, _row: object = None) -> bool:
        return False


class MembershipInline(Shown, admin.TabularInline):  # type: ignore[type-arg]
    """A new company gets its first owner here; from then on its members are its owners' affair."""

    model = Membership
    extra = 0
    autocomplete_fields = ("operator",)

    def has_add_permission(self, request: HttpRequest, *parent: object) -> bool:
        return parent == (None,)


@admin.register(Tenant)
class TenantAdmin(Kept, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "created_at")
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """By the use case, which writes the event."""
        for row in formset.save(commit=False):
            role = Membership.Role(row.role)
            members.invite(row.tenant, email=row.operator.email, role=role, by=acting(request))
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).filter(is_system=False)


@admin.register(Project)
class ProjectAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "tenant", "created_at")
    search_fields = ("name", "tenant__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).filter(tenant__is_system=False)


@admin.register(Environment)
class EnvironmentAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("project", "name", "kind", "created_at")
    list_filter = ("kind",)
    formfield_overrides: ClassVar = {models.URLField: {"assume_scheme": "https"}}  # Django 6.0's default.
    search_fields = ("name", "project__name", "project__tenant__name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Environment]:
        rows = super().get_queryset(request).filter(project__tenant__is_system=False)
        return rows.select_related("project__tenant")


@admin.register(ApplicationKey)
class ApplicationKeyAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "last_four", "environment", "created_at", "expires_at", "revoked_at", "last_used_at")
    search_fields = ("name", "last_four")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApplicationKey]:
        rows = super().get_queryset(request).filter(environment__project__tenant__is_system=False)
        return rows.select_related("environment__project")


@admin.register(Operator)
class OperatorAdmin(Kept, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("email", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email",)
    readonly_fields = ("last_login",)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "email":
            return EmailField(label="Email address", max_length=254)  # Sign-in looks for the canonical form.
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Membership)
class MembershipAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("operator", "tenant", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("operator__email", "tenant__name")
    autocomplete_fields = ("operator", "tenant")
