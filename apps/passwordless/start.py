"""Start: send a code to the address that a person claims to have."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction

from apps.challenges.models import Challenge, Issued, Purpose
from apps.core import ratelimit
from apps.core.context import RequestContext
from apps.core.errors import SignUpClosed, UnknownUser, UserDisabled, UserExists
from apps.delivery import hint
from apps.delivery.models import Message
from apps.passwordless.languages import choose_language
from apps.tenants.models import Environment
from apps.users.models import Identifier, Person

EMAIL = Identifier.Kind.EMAIL


class Intent(StrEnum):
    """What the caller says the person is about to do. It is the template of the message as well."""

    SIGN_UP = "sign_up"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Started:
    """`user_id` is the person's own only where the environment does not conceal; else it is provisional."""

    user_id: uuid.UUID
    identifier: str
    handle: str
    expires_in: float


def start(environment: Environment, *, intent: Intent, email: str, context: RequestContext) -> Started:
    """Issue a code for `email` (canonical) and enqueue the message that carries it.

    With concealment nobody is looked up here: the worker finds out whether there is anybody to write to, so that the
    answer is the same for all in bytes and in time. Without it, raises UserExists, UnknownUser or UserDisabled.
    Raises SignUpClosed and RateLimited in both modes.
    """
    limit(environment, "start", context)
    if intent is Intent.SIGN_UP and not environment.sign_up_open:
        raise SignUpClosed
    with transaction.atomic():
        person = None if environment.concealment else _person(environment, intent, email)
        issued = Challenge.objects.issue(
            environment,
            purpose=Purpose.SIGN_IN,
            channel=EMAIL,
            identifier=email,
            creates_user=intent is Intent.SIGN_UP,
        )
        _enqueue(environment, intent, email, issued, context)
        transaction.on_commit(hint.wake_workers)
    user_id = person.user_id if person else issued.provisional_user_id
    return Started(user_id, email, issued.handle, issued.expires_in)


def limit(environment: Environment, step: str, context: RequestContext) -> None:
    if environment.requests_per_minute is not None:
        rate = ratelimit.Rate(environment.requests_per_minute, 60)
        ratelimit.spend(step, f"{environment.id}/{context.ip}", rate)


def _person(environment: Environment, intent: Intent, email: str) -> Person:
    if intent is Intent.SIGN_UP:
        person = Identifier.objects.register(environment, EMAIL, email)
        if person.is_verified or person.is_disabled:
            raise UserExists
        return person
    found = Identifier.objects.find(environment, EMAIL, email)
    if found is None:
        raise UnknownUser
    if found.is_disabled:
        raise UserDisabled
    return found


def _enqueue(environment: Environment, intent: Intent, email: str, issued: Issued, context: RequestContext) -> None:
    Message.objects.enqueue(
        environment,
        template=intent,
        reference=issued.challenge_id,
        recipient=email,
        language=choose_language(context.language, environment.default_language),
        ttl=issued.expires_in,
    )
