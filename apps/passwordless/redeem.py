"""Redeem: a right code becomes a session and its tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.challenges.models import Attempt, Challenge, Purpose
from apps.core.context import RequestContext
from apps.core.errors import AuthError, CodeExpired, CodeMismatch, UserDisabled
from apps.passwordless.sessions import Tokens, sign
from apps.passwordless.start import EMAIL, limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Session
from apps.tokens.signing_keys import Profile
from apps.users.models import Identifier, Person


@dataclass(frozen=True, slots=True)
class SignedIn:
    identifier: str
    tokens: Tokens


def redeem(
    environment: Environment, *, client_id: uuid.UUID, email: str, code: str, context: RequestContext
) -> SignedIn:
    """Sign a person in with the code sent to `email` (canonical).

    Raises a subclass of InvalidGrant whatever is wrong with the code, and UserDisabled only where the environment does
    not conceal. Every refusal is raised after COMMIT: raised inside the transaction it would undo its own count.
    """
    limit(environment, "redeem", context)
    backend = jwt.signer(environment, Profile.ACCESS)
    attempt = Challenge.objects.check_code(environment, purpose=Purpose.SIGN_IN, identifier=email, code=code)
    if not attempt.is_right:
        Challenge.objects.refuse(attempt)
    with transaction.atomic():
        opened = _consume(environment, attempt, client_id, context)
    if isinstance(opened, AuthError):
        raise opened
    return SignedIn(email, sign(environment, backend, opened, opened.refresh_token(0)))


def _consume(
    environment: Environment, attempt: Attempt, client_id: uuid.UUID, context: RequestContext
) -> Session | AuthError:
    """Locks in the order challenge, user, session. Returns the refusal instead of raising it."""
    if not Challenge.objects.consume(attempt):
        return CodeExpired()
    person = _prove(environment, attempt.challenge)
    if person is None:
        return CodeMismatch()
    session = Session.objects.open(environment, user_id=person.user_id, client_id=client_id)
    if session is None:
        return CodeMismatch() if environment.concealment else UserDisabled()
    actor = Actor(person.user_id, session.id, client_id)
    Event.objects.record(environment, Event.Kind.SIGNED_IN, context=context, actor=actor, facts={"new": person.is_new})
    return session


def _prove(environment: Environment, challenge: Challenge) -> Person | None:
    """The person whose identifier the code has just proved: the known one, or the one this challenge may create."""
    known = Identifier.objects.find(environment, EMAIL, challenge.identifier)
    if known and not known.is_verified:
        Identifier.objects.verify(environment, EMAIL, challenge.identifier)
    if known or not (challenge.creates_user and environment.sign_up_open):
        return known
    return Identifier.objects.register(
        environment, EMAIL, challenge.identifier, user_id=challenge.provisional_user_id, verified_at=timezone.now()
    )
