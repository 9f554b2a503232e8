"""A right code proves an identifier, once; what it opens is decided inside the transaction that consumes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from apps.challenges.models import Attempt, Challenge
from apps.core.errors import AuthError, ChallengeLocked, CodeExpired, CodeMismatch, UserDisabled
from apps.core.identifiers import Channel, Kind
from apps.tenants.models import Environment
from apps.users.models import Identifier, Person

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
    kind = Kind.EMAIL if challenge.channel == Channel.EMAIL else Kind.PHONE
    known = Identifier.objects.find(environment, kind, challenge.identifier)
    if known and not known.is_verified:
        Identifier.objects.verify(environment, kind, challenge.identifier)
    if known or not (challenge.creates_user and environment.sign_up_open):
        return known
    return Identifier.objects.register(
        environment, kind, challenge.identifier, user_id=challenge.provisional_user_id, verified_at=timezone.now()
    )
