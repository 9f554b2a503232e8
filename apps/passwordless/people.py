"""What is known of a person, for those who may act for them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from apps.core.errors import InvalidToken
from apps.core.identifiers import Kind
from apps.passwordless.bearer import Principal
from apps.tenants.models import Environment
from apps.users.models import EndUser, Identifier


@dataclass(frozen=True, slots=True)
class Described:
    user_id: uuid.UUID
    email: str | None
    email_verified: bool


@dataclass(frozen=True, slots=True)
class Lifetime:
    created_at: datetime
    modified_at: datetime
    """When an address of theirs was last added or proved."""


def describe(person: Principal) -> Described:
    return Described(person.user_id, person.live.email, person.live.email_verified)


def known_as(environment: Environment, user_id: uuid.UUID) -> Described:
    email = Identifier.objects.for_environment(environment).filter(user_id=user_id, kind=Kind.EMAIL).first()
    if email is None:
        return Described(user_id, None, email_verified=False)
    return Described(user_id, email.value, email_verified=email.verified_at is not None)


def lifetime(person: Principal) -> Lifetime:
    user = EndUser.objects.for_environment(person.environment).filter(id=person.user_id).first()
    if user is None:
        raise InvalidToken
    identifiers = Identifier.objects.for_environment(person.environment).filter(user_id=person.user_id)
    changes = identifiers.values_list("created_at", "verified_at")
    moments = [moment for change in changes for moment in change if moment is not None]
    return Lifetime(user.created_at, max([user.created_at, *moments]))


def lock(environment: Environment, user_id: uuid.UUID) -> bool:
    """Have others who want the same wait until the end of this transaction; False for somebody who is disabled."""
    users = EndUser.objects.for_environment(environment).filter(id=user_id, disabled_at=None)
    return users.select_for_update(no_key=True).first() is not None
