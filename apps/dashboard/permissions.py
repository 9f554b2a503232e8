"""Who may do what in a tenant: the one table, and the one place that finds a tenant's things.

What an operator may not see is answered like what does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from apps.tenants.models import Environment, Membership, Operator, Project, Tenant

Role = Membership.Role
M = TypeVar("M", Tenant, Project, Environment, Membership)


class Action(Enum):
    READ = auto()
    READ_MESSAGES = auto()
    MANAGE_KEYS = auto()
    CHANGE_POLICY = auto()
    CHANGE_PRODUCTION_POLICY = auto()
    CREATE_PROJECT = auto()
    CREATE_ENVIRONMENT = auto()
    MANAGE_MEMBERS = auto()


MINIMUM = {
    Action.READ: Role.VIEWER,
    Action.READ_MESSAGES: Role.DEVELOPER,  # They hold live codes: whoever reads them can sign in as anybody there.
    Action.MANAGE_KEYS: Role.DEVELOPER,
    Action.CHANGE_POLICY: Role.DEVELOPER,
    Action.CHANGE_PRODUCTION_POLICY: Role.ADMIN,
    Action.CREATE_PROJECT: Role.ADMIN,
    Action.CREATE_ENVIRONMENT: Role.ADMIN,
    Action.MANAGE_MEMBERS: Role.OWNER,
}
RANK = {role: rank for rank, role in enumerate([Role.VIEWER, Role.DEVELOPER, Role.ADMIN, Role.OWNER])}


@dataclass(frozen=True, slots=True)
class Seat:
    """An operator in a tenant. Staff who are no members read along, and nothing else."""

    tenant: Tenant
    role: Membership.Role
    is_guest: bool = False

    def may(self, action: Action) -> bool:
        return RANK[self.role] >= RANK[MINIMUM[action]]

    def demand(self, action: Action) -> None:
        """Raises PermissionDenied."""
        if not self.may(action):
            raise PermissionDenied


def change_policy(environment: Environment) -> Action:
    return Action.CHANGE_PRODUCTION_POLICY if environment.is_production else Action.CHANGE_POLICY


def visible_tenants(operator: Operator) -> QuerySet[Tenant]:
    """The operators' own tenant is nobody's: what holds the keys to this house has no page in it."""
    tenants = Tenant.objects.filter(is_system=False)
    return tenants if operator.is_staff else tenants.filter(memberships__operator=operator)


def find(rows: QuerySet[M], operator: Operator, tenant: str, row_id: UUID) -> M:
    """The row, if its tenant (by the lookup `tenant`) is one that the operator sees. Raises Http404."""
    row = rows.filter(**{f"{tenant}__in": visible_tenants(operator)}, id=row_id).first()
    if row is None:
        raise Http404
    return row


def seat(operator: Operator, tenant: Tenant) -> Seat:
    """For a tenant that the operator sees. Raises Http404."""
    membership = Membership.objects.filter(tenant=tenant, operator=operator).first()
    if membership is not None:
        return Seat(tenant, Role(membership.role))
    if operator.is_staff:
        return Seat(tenant, Role.VIEWER, is_guest=True)
    raise Http404  # Removed since the row was found.
