"""Who belongs to a tenant, and as what. A tenant always keeps an owner."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit.models import Actor, Event
from apps.core.identifiers import canonical_email
from apps.management.acting import SHELL, Acting
from apps.management.sign_in import system_environment
from apps.tenants.models import Membership, Operator, Tenant


@transaction.atomic
def invite(tenant: Tenant, *, email: str, role: Membership.Role, by: Acting = SHELL) -> Membership:
    """Make the person behind `email` a member; as an operator too, if they are none yet. No message is sent.

    Raises InvalidRequest for what is no address, and ValidationError for somebody who is a member already.
    """
    operator, _ = Operator.objects.get_or_create(email=canonical_email(email))
    membership, is_new = Membership.objects.get_or_create(tenant=tenant, operator=operator, defaults={"role": role})
    if not is_new:
        raise ValidationError("This person is a member already.")
    _record(Event.Kind.MEMBER_INVITED, membership, by)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: Membership.Role, *, by: Acting = SHELL) -> None:
    """Raises ValidationError when the tenant would be left without an owner."""
    membership = _locked(membership)
    if membership.role == role:
        return
    _keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    _record(Event.Kind.MEMBER_CHANGED, membership, by)


@transaction.atomic
def remove(membership: Membership, *, by: Acting = SHELL) -> None:
    """The operator stays one, with whatever other tenants they have. Raises ValidationError for the last owner."""
    membership = _locked(membership)
    _keep_an_owner(membership)
    _record(Event.Kind.MEMBER_REMOVED, membership, by)
    membership.delete()


def _locked(membership: Membership) -> Membership:
    """The row as it is now. The tenant is locked, else two owners could demote each other at once."""
    Tenant.objects.select_for_update().get(id=membership.tenant_id)
    found = Membership.objects.select_related("tenant", "operator").filter(id=membership.id).first()
    if found is None:
        raise ValidationError("This member has been removed already.")
    return found


def _keep_an_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(
        tenant=membership.tenant, role=Membership.Role.OWNER, operator__is_active=True
    ).exclude(id=membership.id)
    if membership.role == Membership.Role.OWNER and not owners.exists():
        raise ValidationError("A company keeps at least one owner: make somebody else owner first.")


def _record(kind: Event.Kind, membership: Membership, by: Acting) -> None:
    Event.objects.record(
        system_environment(),
        kind,
        context=by.context,
        actor=Actor(user_id=membership.operator_id),
        facts=by.facts(tenant=str(membership.tenant_id), role=membership.role),
    )
