"""A right code proves an identifier, once; what it opens is decided inside the transaction that consumes it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from apps.challenges.models import Attempt, Challenge
from apps.core.errors import AuthError, ChallengeLocked, CodeExpired, CodeMismatch, UserDisabled
from apps.core.identifiers import Channel, Kind
from apps.passwordless.key_ends import end_key
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey
from apps.tokens.sessions import Session
from apps.users.models import EndUser, Identifier, Person

T = TypeVar("T")


def prove(environment: Environment, attempt: Attempt, grant: Callable[[Person], T | None]) -> T:
    """What `grant` makes for the person whose code it was; it returns None for somebody who is disabled.

    Raises a subclass of InvalidGrant whatever is wrong with the code, and UserDisabled only where the environment does
    not conceal. Every refusal is raised after COMMIT: raised inside the transaction it would undo its own count.
    """
    if not attempt.is_right:
        Challenge.objects.refuse(attempt)
    with transaction.atomic():
        granted = _consume(environment, attempt, grant)
    if isinstance(granted, AuthError):
        raise granted
    return granted


def kind_of(challenge: Challenge) -> Kind:
    """Of the identifier that it proves."""
    return Kind.EMAIL if challenge.channel == Channel.EMAIL else Kind.PHONE


def _consume(environment: Environment, attempt: Attempt, grant: Callable[[Person], T | None]) -> T | AuthError:
    """Locks in the order challenge, user, session. Returns the refusal instead of raising it."""
    if not Challenge.objects.consume(attempt):
        return ChallengeLocked() if attempt.is_spent else CodeExpired()
    person = _person(environment, attempt.challenge)
    if person is None:
        return CodeMismatch()
    granted = grant(person)
    if granted is None:
        return CodeMismatch() if environment.concealment else UserDisabled()
    return granted


def _person(environment: Environment, challenge: Challenge) -> Person | None:
    """The person whose identifier the code has just proved: the known one, or the one this challenge may create."""
    kind = kind_of(challenge)
    person = Identifier.objects.find(environment, kind, challenge.identifier)
    if person is None and challenge.creates_user and environment.sign_up_open:
        person = Identifier.objects.register(
            environment, kind, challenge.identifier, user_id=challenge.provisional_user_id, verified_at=timezone.now()
        )
    if person and not person.is_verified:
        _disown(environment, person, challenge)
        Identifier.objects.verify(environment, kind, challenge.identifier)
    return person


def _disown(environment: Environment, person: Person, challenge: Challenge) -> None:
    """Remove what an unproved sign-up left with an address that has an owner now: anybody could have signed it up.

    Only a link that was mailed for that very sign-up lets its password and its sessions stand.
    """
    if EndUser.objects.disown(environment, person.user_id, unless=challenge.password_digest):
        shut_out(environment, person.user_id, reason="address_proved")


def shut_out(environment: Environment, user_id: uuid.UUID, *, reason: str) -> None:
    """End a person's sessions on all clients and all their API keys. The caller has locked the person, so nothing else
    opens meanwhile."""
    live = Session.objects.for_environment(environment).filter(user_id=user_id, secret__isnull=False)
    live.update(secret=None)
    for key in ApiKey.objects.of_person(environment, user_id).filter(revoked_at=None):
        end_key(environment, key, None, reason=reason)
