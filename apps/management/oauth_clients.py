"""The use cases of operators around OAuth clients: register one, change it, replace its secret, revoke it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.core import crypto
from apps.management.acting import SHELL, Acting
from apps.management.api_keys import must_be_ahead
from apps.management.environments import KEY_OVERLAP
from apps.management.scopes import checked
from apps.tenants.models import Environment
from apps.tokens.oauth_clients import Grant, OAuthClient


@dataclass(frozen=True, slots=True)
class NewSecret:
    """`secret` is here and nowhere after this."""

    client: OAuthClient
    secret: str = field(repr=False)


@transaction.atomic
def create_oauth_client(
    environment: Environment,
    *,
    name: str,
    grants: list[str],
    scopes: list[str],
    expires_at: datetime | None = None,
    by: Acting = SHELL,
) -> NewSecret:
    """Raises ValidationError for grants, scopes or an end that cannot be."""
    _check(grants=grants, expires_at=expires_at)
    wanted = checked(scopes, has_owner=True)  # A token of a password grant belongs to a person.
    client, secret = OAuthClient.objects.register(environment, name=name, grants=grants, scopes=wanted)
    if expires_at is not None:
        client.expires_at = expires_at
        client.save(update_fields=["expires_at"])
    _record(Event.Kind.OAUTH_CLIENT_CREATED, client, by)
    return NewSecret(client, secret)


@transaction.atomic
def change_oauth_client(client: OAuthClient, *, by: Acting = SHELL, **facts: Any) -> list[str]:
    """Set what differs of name, grants, scopes and expires_at, and tell the names of it.

    Raises ValidationError for what cannot be, and for a client that has ended: nothing brings that one back.
    """
    client = _locked(client)
    if not client.is_usable:
        raise ValidationError("This client has ended, so it cannot be changed.")
    changed = [name for name, value in facts.items() if getattr(client, name) != value]
    _check(**{name: facts[name] for name in changed if name in ("grants", "expires_at")})
    for name in changed:
        setattr(client, name, checked(facts[name], has_owner=True) if name == "scopes" else facts[name])
    if changed:
        client.save(update_fields=changed)
        _record(Event.Kind.OAUTH_CLIENT_CHANGED, client, by, changed=", ".join(changed))
    return changed


@transaction.atomic
def rotate_client_secret(client: OAuthClient, *, overlap: timedelta = KEY_OVERLAP, by: Acting = SHELL) -> NewSecret:
    """A new secret for the same client. The one until now works for `overlap`; one that was before it ends at once.

    Raises ValidationError for a client that has ended.
    """
    client = _locked(client)
    if not client.is_usable:
        raise ValidationError("This client has ended, so its secret cannot be replaced.")
    secret = crypto.new_client_secret()
    client.replace_secret(secret, previous_ends_at=timezone.now() + overlap)
    client.save(update_fields=["digest", "last_four", "previous_digest", "previous_expires_at"])
    _record(Event.Kind.OAUTH_CLIENT_ROTATED, client, by)
    return NewSecret(client, secret)


@transaction.atomic
def revoke_oauth_client(client: OAuthClient, *, by: Acting = SHELL) -> None:
    """From the next request on the client gets no tokens, and its tokens open nothing. Twice changes nothing."""
    client = _locked(client)
    if client.revoked_at is None:
        client.revoked_at = timezone.now()
        client.save(update_fields=["revoked_at"])
        _record(Event.Kind.OAUTH_CLIENT_REVOKED, client, by)


def _check(*, grants: list[str] | None = None, expires_at: datetime | None = None) -> None:
    if grants is not None and (not grants or not set(grants) <= set(Grant.values)):
        raise ValidationError("A client has at least one of the grants there are.")
    must_be_ahead(expires_at)


def _locked(client: OAuthClient) -> OAuthClient:
    """The row as it is now, and as it stays until the end of the transaction."""
    rows = OAuthClient.objects.select_for_update(of=("self",)).select_related("environment__project")
    return rows.get(id=client.id)


def _record(kind: Event.Kind, client: OAuthClient, by: Acting, **facts: str) -> None:
    Event.objects.record(
        client.environment, kind, context=by.context, actor=Actor(client_id=client.id), facts=by.facts(**facts)
    )
