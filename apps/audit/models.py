"""What happened, who did it and from where. Rows are added and never changed: the application role may not."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db import models
from psycopg.types.json import Jsonb

from apps.core.context import RequestContext
from apps.core.crypto import new_row_id
from apps.core.database import rows
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet

MAX_USER_AGENT = 256


@dataclass(frozen=True, slots=True)
class Actor:
    """Who an event is about: an end user, in which session, on which client."""

    user_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    client_id: uuid.UUID | None = None


NOBODY = Actor()


class EventQuerySet(EnvironmentQuerySet["Event"]):
    # A statement of our own, because it is part of every sign-in: the ORM's costs four times the CPU.
    RECORD = """
        INSERT INTO audit_event (id, environment_id, kind, created_at, user_id, session_id, client_id, ip, user_agent,
               facts)
        VALUES (%(id)s, %(environment)s, %(kind)s, clock_timestamp(), %(user)s, %(session)s, %(client)s, %(ip)s,
                %(user_agent)s, %(facts)s)
    """

    def record(
        self,
        environment: Environment,
        kind: Event.Kind,
        *,
        context: RequestContext | None = None,
        actor: Actor = NOBODY,
        facts: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        """Add one event. `facts` holds no identifier, code, key or token."""
        parameters: dict[str, Any] = {
            "id": new_row_id(),
            "environment": environment.id,
            "kind": kind.value,
            "user": actor.user_id,
            "session": actor.session_id,
            "client": actor.client_id,
            "ip": context.ip or None if context else None,
            "user_agent": context.user_agent[:MAX_USER_AGENT] if context else "",
            "facts": Jsonb(dict(facts or {})),
        }
        rows(self.RECORD, parameters)


class Event(models.Model):
    class Kind(models.TextChoices):
        SIGNED_IN = "session.opened"
        SESSION_REVOKED = "session.revoked"
        REFRESH_REPLAYED = "session.refresh_replayed"
        REFRESH_REUSED = "session.refresh_reused"
        ENVIRONMENT_CREATED = "environment.created"
        POLICY_CHANGED = "environment.policy_changed"
        APPLICATION_KEY_CREATED = "application_key.created"
        APPLICATION_KEY_ROTATED = "application_key.rotated"
        APPLICATION_KEY_REVOKED = "application_key.revoked"
        API_KEY_CREATED = "api_key.created"
        API_KEY_ROTATED = "api_key.rotated"
        API_KEY_REVOKED = "api_key.revoked"
        OAUTH_CLIENT_CREATED = "oauth_client.created"
        OAUTH_CLIENT_CHANGED = "oauth_client.changed"
        OAUTH_CLIENT_ROTATED = "oauth_client.rotated"
        OAUTH_CLIENT_REVOKED = "oauth_client.revoked"
        PASSWORD_CHANGED = "user.password_changed"  # noqa: S105 - The name of an event.
        SIGNING_KEY_CREATED = "signing_key.created"
        # In the operators' own environment, with the tenant among the facts.
        OPERATOR_SIGNED_IN = "operator.signed_in"
        PROJECT_CREATED = "project.created"
        MEMBER_INVITED = "member.invited"
        MEMBER_CHANGED = "member.role_changed"
        MEMBER_REMOVED = "member.removed"

    id = models.UUIDField(primary_key=True, default=new_row_id, editable=False)
    environment = models.ForeignKey(
        Environment, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=40, choices=Kind.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    user_id = models.UUIDField(null=True)
    session_id = models.UUIDField(null=True)
    client_id = models.UUIDField(null=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=MAX_USER_AGENT, blank=True)
    facts = models.JSONField(default=dict)

    objects: ClassVar[EventQuerySet] = EventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        indexes = (models.Index(fields=["environment", "created_at"], name="event_by_time"),)

    def __str__(self) -> str:
        return f"{self.kind} at {self.created_at:%Y-%m-%dT%H:%M:%SZ}"
