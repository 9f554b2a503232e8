"""What staff see of customers: rows, never secrets.

Here they run companies, operators and memberships. Whatever takes more than a row (a signing key, an event, a secret
that is shown once) is made and changed by a use case, so it is only shown. Nothing that has events can be deleted: the
application's database role may not delete those, and deactivating is the way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.dashboard.authentication import acting
from apps.dashboard.forms import EmailField
from apps.management import members
from apps.management.api_keys import revoke_api_key
from apps.management.oauth_clients import revoke_oauth_client
from apps.tenants.models import ApplicationKey, Environment, Membership, Operator, Project, Tenant
from apps.tokens.api_keys import ApiKey
from apps.tokens.oauth_clients import OAuthClient

# Django's own groups and permissions are used by nobody: roles are memberships.
admin.site.unregister(Group)


# So many rows at most are counted, paged through and revoked at once; people's keys can be very many.
MOST = 1000


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


class ShortPaginator(Paginator):  # type: ignore[type-arg]
    """Ends after MOST rows. The whole table would have to be counted to say how many pages there are."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MOST].count()


class CredentialAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    """Found by what a customer can say of it. Revoking is the one thing that cannot wait for them."""

    actions = ("revoke_chosen",)
    ordering = ("-pk",)  # Random, and the one order over all environments that an index has.
    paginator = ShortPaginator
    show_full_result_count = False
    search_fields = ("=id", "=environment__id", "=last_four")
    search_help_text = "The whole id of it or of its environment, or its last four characters."
    revoke: ClassVar[Callable[..., None]]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(environment__project__tenant__is_system=False)
        return rows.select_related("environment__project")

    @admin.action(description="Revoke: at once and for good", permissions=["view"])
    def revoke_chosen(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """By the use case, which writes the events."""
        chosen = list(rows[:MOST])
        for row in chosen:
            type(self).revoke(row, by=acting(request))
        self.message_user(request, f"{len(chosen)} revoked.", messages.SUCCESS)


@admin.register(ApiKey)
class ApiKeyAdmin(CredentialAdmin):
    list_display = ("name", "last_four", "environment", "user_id", "expires_at", "revoked_at", "last_used_at")
    exclude = ("user",)
    readonly_fields = ("user_id", "client_id", "last_four", "created_at", "last_used_at", "last_used_ip")
    revoke = staticmethod(revoke_api_key)


@admin.register(OAuthClient)
class OAuthClientAdmin(CredentialAdmin):
    list_display = ("name", "client_id", "environment", "grants", "expires_at", "revoked_at", "last_used_at")
    readonly_fields = ("client_id", "last_four", "created_at", "revoked_at", "last_used_at", "last_used_ip")
    revoke = staticmethod(revoke_oauth_client)


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
