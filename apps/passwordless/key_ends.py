"""The end of an API key, whoever wants it, and what the trail says of keys."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.core.context import RequestContext
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey


def end_key(environment: Environment, key: ApiKey, context: RequestContext | None, *, reason: str) -> None:
    """Inside the caller's transaction, with its event. From the next request on the key opens nothing."""
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    record(environment, Event.Kind.API_KEY_REVOKED, key, context, {"reason": reason})


def record(
    environment: Environment, kind: Event.Kind, key: ApiKey, context: RequestContext | None, facts: Mapping[str, str]
) -> None:
    actor = Actor(user_id=key.user_id, client_id=key.client_id)
    Event.objects.record(environment, kind, context=context, actor=actor, facts={"key": str(key.id), **facts})
