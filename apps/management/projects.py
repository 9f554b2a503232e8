"""The use cases of operators around projects."""

from __future__ import annotations

from django.db import transaction

from apps.audit.models import Actor, Event
from apps.management.acting import SHELL, Acting
from apps.management.sign_in import system_environment
from apps.tenants.models import Project, Tenant


@transaction.atomic
def create_project(tenant: Tenant, *, name: str, by: Acting = SHELL) -> Project:
    """A project without environments. Raises ValidationError for a bad name."""
    project = Project(tenant=tenant, name=name)
    project.full_clean(exclude=["data_key_sealed"])
    project.save(force_insert=True)
    Event.objects.record(
        system_environment(),
        Event.Kind.PROJECT_CREATED,
        context=by.context,
        actor=Actor(user_id=by.operator.id if by.operator else None),
        facts=by.facts(tenant=str(tenant.id), project=str(project.id)),
    )
    return project
