"""The use cases of operators around API keys: make one, rotate it, revoke it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.management.acting import SHELL, Acting
from apps.management.environments import KEY_OVERLAP
from apps.management.scopes import checked
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`secret` is here and nowhere after this."""

    key: ApiKey
    secret: str = field(repr=False)


@transaction.atomic
def create_api_key(
    environment: Environment,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None = None,
    by: Acting = SHELL,
) -> NewApiKey:
    """A key of the company's own, for its servers. Raises ValidationError for scopes or an end that cannot be."""
    wanted = checked(scopes, has_owner=False)
    must_be_ahead(expires_at)
    new = NewApiKey(*ApiKey.objects.mint(environment, name=name, scopes=wanted, expires_at=expires_at))
    _record(Event.Kind.API_KEY_CREATED, new.key, by)
    return new


@transaction.atomic
def rotate_api_key(
    key: ApiKey, *, overlap: timedelta = KEY_OVERLAP, expires_at: datetime | None = None, by: Acting = SHELL
) -> NewApiKey:
    """A second key with the rights of the first, which works for `overlap` still, so that servers can be changed over.

    Raises ValidationError for a key that has ended: a key that opens nothing must not beget one that does.
    """
    key = _locked(key)
    if not is_alive(key):
        raise ValidationError("This key has ended, so it cannot be rotated.")
    must_be_ahead(expires_at)
    new = _successor(key, expires_at)
    ends_at = timezone.now() + overlap
    if key.expires_at is None or key.expires_at > ends_at:
        key.expires_at = ends_at
        key.save(update_fields=["expires_at"])
    _record(Event.Kind.API_KEY_ROTATED, new.key, by)
    return new


@transaction.atomic
def revoke_api_key(key: ApiKey, *, by: Acting = SHELL) -> None:
    """From the next request on the key opens nothing. Revoking twice changes nothing."""
    key = _locked(key)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        _record(Event.Kind.API_KEY_REVOKED, key, by)


def is_alive(key: ApiKey) -> bool:
    """Whether it opens anything: neither it nor the person it belongs to has come to an end."""
    return key.is_usable and not (key.user and key.user.is_disabled)


def must_be_ahead(expires_at: datetime | None) -> None:
    """Raises ValidationError for an end that is past: that key would never have worked."""
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError("The end must lie ahead.")


def _locked(key: ApiKey) -> ApiKey:
    """The row as it is now, and as it stays until the end of the transaction."""
    rows = ApiKey.objects.select_for_update(of=("self",)).select_related("environment__project", "user")
    return rows.get(id=key.id)


def _successor(key: ApiKey, expires_at: datetime | None) -> NewApiKey:
    minted = ApiKey.objects.mint(
        key.environment,
        name=key.name,
        scopes=list(key.scopes),
        user_id=key.user_id,
        client_id=key.client_id,
        site_url=key.site_url,
        expires_at=expires_at,
    )
    return NewApiKey(*minted)


def _record(kind: Event.Kind, key: ApiKey, by: Acting) -> None:
    Event.objects.record(
        key.environment,
        kind,
        context=by.context,
        actor=Actor(user_id=key.user_id, client_id=key.client_id),
        facts=by.facts(key=str(key.id)),
    )
