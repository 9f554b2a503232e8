"""The use cases of operators around environments: make one with all it needs, move it, rotate its keys."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.core import crypto
from apps.management.acting import SHELL, Acting
from apps.tenants.models import ApplicationKey, Environment, Project
from apps.tokens.signing_keys import PUBLISHED_AHEAD, PUBLISHED_SOON, Profile, SigningKey, audience

PUBLISHABLE_PREFIX = "pk"
KEY_OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is here and nowhere after this."""

    key: ApplicationKey
    secret: str = field(repr=False)


def name_issuers(environment: Environment) -> bool:
    """Name the environment by the public URL of today; False when that is its name already."""
    before = environment.issuer, environment.passage_issuer
    environment.issuer = f"{settings.PUBLIC_URL}/auth/{environment.project_id.hex}/{environment.name}"
    environment.passage_issuer = f"{settings.PUBLIC_URL}/v1/apps/{environment.id.hex}"
    return before != (environment.issuer, environment.passage_issuer)


@transaction.atomic
def create_environment(
    project: Project, *, name: str, kind: Environment.Kind, by: Acting = SHELL, **policy: Any
) -> Environment:
    """An environment with its first signing keys. Raises ValidationError for a bad name or a policy out of bounds."""
    environment = Environment(project=project, name=name, kind=kind, **policy)
    name_issuers(environment)
    environment.full_clean()
    environment.save(force_insert=True)
    Event.objects.record(environment, Event.Kind.ENVIRONMENT_CREATED, context=by.context, facts=by.facts())
    add_signing_keys(environment)
    return environment


@transaction.atomic
def move_issuers(environment: Environment) -> None:
    """Bring the environment's names up to date. Tokens of the old ones are honoured until the last of them ends."""
    if name_issuers(environment):
        environment.save(update_fields=["issuer", "passage_issuer"])
        add_signing_keys(environment, ahead=timedelta(0))


@transaction.atomic
def add_signing_keys(environment: Environment, *, ahead: timedelta = PUBLISHED_AHEAD) -> list[SigningKey]:
    """The next key of each profile, signing after everybody had time to fetch it; the current ones retire when their
    tokens have ended."""
    keys = [SigningKey.objects.add(environment, profile, ahead=ahead) for profile in Profile]
    for key in keys:
        Event.objects.record(environment, Event.Kind.SIGNING_KEY_CREATED, facts={"kid": key.kid})
    return keys


@transaction.atomic
def replace_stolen_keys(environment: Environment) -> list[SigningKey]:
    """New keys that sign now, and nothing that the old ones signed is believed any more."""
    SigningKey.objects.disown(environment)
    return add_signing_keys(environment, ahead=timedelta(0))


@transaction.atomic
def change_policy(environment: Environment, *, by: Acting, **policy: Any) -> list[str]:
    """Set what differs and tell the names of it. Raises ValidationError for a value out of bounds."""
    environment.refresh_from_db(from_queryset=Environment.objects.select_for_update())
    changed = [name for name, value in policy.items() if getattr(environment, name) != value]
    for name in changed:
        setattr(environment, name, policy[name])
    environment.full_clean()
    if changed:
        environment.save(update_fields=changed)  # Only these: others write the rest, the worker for one.
        _follow_audiences(environment)
        facts = by.facts(changed=", ".join(changed))
        Event.objects.record(environment, Event.Kind.POLICY_CHANGED, context=by.context, facts=facts)
    return changed


def _follow_audiences(environment: Environment) -> None:
    """A key's row fixes the audience of its tokens, so tokens for another audience need another key."""
    for profile in Profile:
        newest = SigningKey.objects.for_environment(environment).filter(profile=profile, retires_at=None).first()
        if newest and newest.audience != audience(environment, profile):
            key = SigningKey.objects.add(environment, profile, ahead=PUBLISHED_SOON)
            Event.objects.record(environment, Event.Kind.SIGNING_KEY_CREATED, facts={"kid": key.kid})


@transaction.atomic
def create_application_key(
    environment: Environment, *, name: str, secret: str | None = None, by: Acting = SHELL
) -> NewKey:
    new = _new_key(environment, name=name, client_id=crypto.new_id(), secret=secret)
    _record(Event.Kind.APPLICATION_KEY_CREATED, new.key, by)
    return new


@transaction.atomic
def rotate_application_key(key: ApplicationKey, *, overlap: timedelta = KEY_OVERLAP, by: Acting = SHELL) -> NewKey:
    """A second key for the same application. The old one works for `overlap`, so that clients can be changed over;
    sessions go on, because they belong to the application and not to its key.

    Raises ValidationError for a key that has ended: a key that opens nothing must not beget one that does.
    """
    key = _locked(key)
    if not key.is_usable:
        raise ValidationError("This key has ended, so it cannot be rotated.")
    new = _new_key(key.environment, name=key.name, client_id=key.client_id)
    ends_at = timezone.now() + overlap
    if key.expires_at is None or key.expires_at > ends_at:
        key.expires_at = ends_at
        key.save(update_fields=["expires_at"])
    _record(Event.Kind.APPLICATION_KEY_ROTATED, new.key, by)
    return new


@transaction.atomic
def revoke_application_key(key: ApplicationKey, *, by: Acting = SHELL) -> None:
    """From the next request on the key opens nothing. Revoking twice changes nothing."""
    key = _locked(key)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        _record(Event.Kind.APPLICATION_KEY_REVOKED, key, by)


def _locked(key: ApplicationKey) -> ApplicationKey:
    """The row as it is now, and as it stays until the end of the transaction."""
    rows = ApplicationKey.objects.select_for_update(of=("self",)).select_related("environment__project")
    return rows.get(id=key.id)


def _new_key(environment: Environment, *, name: str, client_id: uuid.UUID, secret: str | None = None) -> NewKey:
    secret = secret or crypto.new_key(key_prefix(environment))
    key = ApplicationKey.objects.create(
        environment=environment,
        client_id=client_id,
        name=name,
        digest=crypto.digest(secret),
        last_four=secret[-4:],
    )
    return NewKey(key, secret)


def key_prefix(environment: Environment) -> str:
    return f"{PUBLISHABLE_PREFIX}_{environment.key_mode}"


def _record(kind: Event.Kind, key: ApplicationKey, by: Acting) -> None:
    Event.objects.record(
        key.environment,
        kind,
        context=by.context,
        actor=Actor(client_id=key.client_id),
        facts=by.facts(key=str(key.id)),
    )
