"""Start: send a code to the address that a person claims to have."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import transaction

from apps.challenges.models import Challenge, Issued, Purpose
from apps.core import ratelimit
from apps.core.context import RequestContext
from apps.core.database import after_commit
from apps.core.errors import InvalidRequest, SignUpClosed, UnknownUser, UserDisabled, UserExists
from apps.core.identifiers import Channel, Contact, phone_country
from apps.delivery import hint
from apps.passwordless.languages import choose_language
from apps.tenants.models import Environment
from apps.users.models import Identifier, Person


class Intent(StrEnum):
    """What the caller says the person is about to do. It is the template of the message as well."""

    SIGN_UP = "sign_up"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Started:
    """`user_id` is the person's own only where the environment does not conceal; else it is provisional."""

    user_id: uuid.UUID
    handle: str = field(repr=False)
    """Empty for a caller who does not redeem by one."""
    expires_in: float


def start(
    environment: Environment,
    *,
    intent: Intent,
    to: Contact,
    context: RequestContext,
    by_handle: bool = False,
    conceals: bool = False,
    purpose: Purpose = Purpose.SIGN_IN,
) -> Started:
    """Issue a code for `to` and enqueue the message that carries it. `by_handle`: the caller will redeem by handle;
    `conceals`: its contract is silent about people whatever the environment allows.

    With concealment nobody is looked up here: the worker finds out whether there is anybody to write to, so that the
    answer is the same for all in bytes and in time. Without it, raises UserExists, UnknownUser or UserDisabled.
    Raises SignUpClosed, RateLimited, and InvalidRequest for a country without text messages, in both modes.
    """
    limit(environment, "start", context)
    if intent is Intent.SIGN_UP and not environment.sign_up_open:
        raise SignUpClosed
    _refuse_other_countries(environment, to)
    if conceals or environment.concealment:
        issued = _issue(environment, purpose, intent, to, context, by_handle=by_handle)
        user_id = issued.provisional_user_id
    else:
        with transaction.atomic():
            issued = _issue(environment, purpose, intent, to, context, by_handle=by_handle)
            # After the challenge, as a verify locks them; a refusal here takes the challenge back as well.
            user_id = _person(environment, intent, to).user_id
    return Started(user_id, issued.handle if by_handle else "", issued.expires_in)


def _issue(
    environment: Environment,
    purpose: Purpose,
    intent: Intent,
    to: Contact,
    context: RequestContext,
    *,
    by_handle: bool,
) -> Issued:
    issued = Challenge.objects.issue(
        environment,
        purpose=purpose,
        channel=to.channel,
        identifier=to.value,
        creates_user=intent is Intent.SIGN_UP,
        by_handle=by_handle,
        template=intent,
        language=choose_language(context.language, environment.default_language),
    )
    if issued.is_due:
        after_commit(hint.wake_workers)
    return issued


def limit(environment: Environment, step: str, context: RequestContext) -> None:
    if environment.requests_per_minute is not None and not context.is_repeated:
        rate = ratelimit.Rate(environment.requests_per_minute, 60)
        ratelimit.spend(step, f"{environment.id}/{context.network}", rate)


def _refuse_other_countries(environment: Environment, to: Contact) -> None:
    """Text messages cost, and to some countries they cost so that somebody earns: the policy says which are served."""
    is_sms = to.channel is Channel.SMS
    if is_sms and environment.sms_countries and phone_country(to.value) not in environment.sms_countries:
        raise InvalidRequest("Phone numbers of this country are not served.", field="phone")


def _person(environment: Environment, intent: Intent, to: Contact) -> Person:
    if intent is Intent.SIGN_UP:
        person = Identifier.objects.register(environment, to.kind, to.value)
        if person.is_verified or person.is_disabled:
            raise UserExists
        return person
    found = Identifier.objects.find(environment, to.kind, to.value)
    if found is None:
        raise UnknownUser
    if found.is_disabled:
        raise UserDisabled
    return found
