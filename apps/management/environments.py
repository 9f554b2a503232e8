"""The use cases of operators around environments: make one with all it needs, move it, rotate its keys."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.core import crypto
from apps.tenants.models import ApplicationKey, Environment, Project
from apps.tokens.signing_keys import Profile, SigningKey

PUBLISHABLE_PREFIX = "pk"
KEY_OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewKey:
    """`secret` is here and nowhere after this."""

    key: ApplicationKey
    secret: str


def issuer_url(project_id: uuid.UUID, name: str) -> str:
    return f"{settings.PUBLIC_URL}/auth/{project_id.hex}/{name}"


@transaction.atomic
def create_environment(project: Project, *, name: str, kind: Environment.Kind, **policy: Any) -> Environment:
    """An environment with its first signing key. Raises ValidationError for a bad name or a policy out of bounds."""
    environment = Environment(project=project, name=name, kind=kind, issuer=issuer_url(project.id, name), **policy)
    environment.full_clean()
    environment.save(force_insert=True)
    Event.objects.record(environment, Event.Kind.ENVIRONMENT_CREATED)
    add_signing_key(environment)
    return environment


@transaction.atomic
def move_issuer(environment: Environment, issuer: str) -> None:
    """Give the environment another name for itself. Tokens of the old one are honoured until the last of them ends."""
    environment.issuer = issuer
    environment.save(update_fields=["issuer"])
    add_signing_key(environment, at_once=True)


@transaction.atomic
def add_signing_key(environment: Environment, *, at_once: bool = False) -> SigningKey:
    """The next key, signing after everybody had a day to fetch it; the current one retires when its tokens have ended.

    `at_once` signs with it now: for the first key, for a new issuer, and after a theft.
    """
    key = SigningKey.objects.add(environment, Profile.ACCESS, audience=[environment.issuer], at_once=at_once)
    Event.objects.record(environment, Event.Kind.SIGNING_KEY_CREATED, facts={"kid": key.kid})
    return key


@transaction.atomic
def create_application_key(environment: Environment, *, name: str, secret: str | None = None) -> NewKey:
    new = _new_key(environment, name=name, client_id=crypto.new_id(), secret=secret)
    _record(Event.Kind.APPLICATION_KEY_CREATED, new.key)
    return new


@transaction.atomic
def rotate_application_key(key: ApplicationKey, *, overlap: timedelta = KEY_OVERLAP) -> NewKey:
    """A second key for the same application. The old one works for `overlap`, so that clients can be changed over;
    sessions go on, because they belong to the application and not to its key."""
    new = _new_key(key.environment, name=key.name, client_id=key.client_id)
    ends_at = timezone.now() + overlap
    if key.expires_at is None or key.expires_at > ends_at:
        key.expires_at = ends_at
        key.save(update_fields=["expires_at"])
    _record(Event.Kind.APPLICATION_KEY_ROTATED, new.key)
    return new


@transaction.atomic
def revoke_application_key(key: ApplicationKey) -> None:
    """From the next request on the key opens nothing. Revoking twice changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        _record(Event.Kind.APPLICATION_KEY_REVOKED, key)


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


def _record(kind: Event.Kind, key: ApplicationKey) -> None:
    Event.objects.record(key.environment, kind, actor=Actor(client_id=key.client_id), facts={"key": str(key.id)})
