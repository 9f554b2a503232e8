"""Redeem: a right code becomes a session and its tokens."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.challenges.models import Attempt, Challenge, Purpose
from apps.core.context import RequestContext
from apps.core.errors import AuthError, ChallengeLocked, CodeExpired, CodeMismatch, UserDisabled
from apps.core.identifiers import Channel, Contact, Kind
from apps.passwordless.sessions import Client, Tokens, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Session
from apps.users.models import Identifier, Person


def redeem(environment: Environment, client: Client, *, to: Contact, code: str, context: RequestContext) -> Tokens:
    """Sign a person in with the code sent to `to`.

    Raises a subclass of InvalidGrant whatever is wrong with the code, and UserDisabled only where the environment does
    not conceal. Every refusal is raised after COMMIT: raised inside the transaction it would undo its own count.
    """
    limit(environment, "redeem", context)
    attempt = Challenge.objects.check_code(environment, purpose=Purpose.SIGN_IN, identifier=to.value, code=code)
    return _decide(environment, client, attempt, context)


def redeem_handle(
    environment: Environment, client: Client, *, handle: str, code: str, context: RequestContext
) -> Tokens:
    """The same with the handle of one start, whose tries are its own. ChallengeLocked tells that they are spent."""
    limit(environment, "redeem", context)
    attempt = Challenge.objects.check_handle(environment, purpose=Purpose.SIGN_IN, handle=handle, code=code)
    return _decide(environment, client, attempt, context)


def _decide(environment: Environment, client: Client, attempt: Attempt, context: RequestContext) -> Tokens:
    # Before the transaction, so that no lock waits for a key to be read.
    backend = jwt.signer(environment, client.profile)
    if not attempt.is_right:
        Challenge.objects.refuse(attempt)
    with transaction.atomic():
        opened = _consume(environment, attempt, client, context)
    if isinstance(opened, AuthError):
        raise opened
    return sign(environment, backend, opened, opened.refresh_token(0))


def _consume(
    environment: Environment, attempt: Attempt, client: Client, context: RequestContext
) -> Session | AuthError:
    """Locks in the order challenge, user, session. Returns the refusal instead of raising it."""
    if not Challenge.objects.consume(attempt):
        return ChallengeLocked() if attempt.is_spent else CodeExpired()
    person = _prove(environment, attempt.challenge)
    if person is None:
        return CodeMismatch()
    session = Session.objects.open(environment, user_id=person.user_id, client_id=client.id, profile=client.profile)
    if session is None:
        return CodeMismatch() if environment.concealment else UserDisabled()
    actor = Actor(person.user_id, session.id, client.id)
    Event.objects.record(environment, Event.Kind.SIGNED_IN, context=context, actor=actor, facts={"new": person.is_new})
    return session


def _prove(environment: Environment, challenge: Challenge) -> Person | None:
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
