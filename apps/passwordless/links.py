"""Links that are mailed instead of a code: to confirm an address, and to choose a password.

A link is the handle of a start and the code of its challenge. Only the mail holds both; the handle cannot be made up,
so nobody can guess at a code either. Looking at a link changes nothing, because scanners of mail open links too.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from apps.audit.models import Actor, Event
from apps.challenges import codes
from apps.challenges.models import Attempt, Challenge, Purpose
from apps.core import passwords
from apps.core.context import RequestContext
from apps.core.errors import CodeExpired, WeakPassword
from apps.core.identifiers import Kind
from apps.passwordless.proof import prove, shut_out
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.users.models import EndUser, Identifier, Person

# Where each is followed, below the environment's own address.
PATHS = {Purpose.VERIFY_IDENTIFIER: "confirm-email", Purpose.RESET_PASSWORD: "reset-password"}


@dataclass(frozen=True, slots=True)
class Look:
    """What the page of a live link has to say."""

    address: str
    has_account: bool
    """Its owner has proved the address before."""
    has_password: bool
    """Following it is enough: a password was chosen at sign-up, and nobody has disputed it."""


def url(environment: Environment, challenge: Challenge) -> str:
    """The link for the newest start of a live challenge, below the address that is the environment's name."""
    purpose = Purpose(challenge.purpose)
    handle = codes.handle(environment.id, challenge.id, len(challenge.tries) - 1, challenge.key_version)
    return f"{environment.issuer}/{PATHS[purpose]}?token={handle}.{challenge.code()}"


def look(environment: Environment, purpose: Purpose, *, token: str, context: RequestContext) -> Look:
    """Raises CodeExpired for whatever is no live link, RateLimited. Whether the code in it is right is not told."""
    limit(environment, "link", context)
    attempt = _attempt(environment, purpose, token)
    challenge = attempt.challenge
    if attempt.is_spent or challenge.expires_at <= timezone.now():
        raise CodeExpired
    person = Identifier.objects.find(environment, Kind.EMAIL, challenge.identifier)
    has_account = person is not None and person.is_verified
    return Look(challenge.identifier, has_account, bool(challenge.password_digest) and not has_account)


def follow(
    environment: Environment, purpose: Purpose, *, token: str, password: str | None, context: RequestContext
) -> None:
    """Use a link up: its address is proved, and `password`, or else the one that waited for this, is the person's.

    Raises WeakPassword, which uses nothing up; a subclass of InvalidGrant, or UserDisabled, for a link that is good for
    nothing; RateLimited; ServiceUnavailable.
    """
    limit(environment, "link", context)
    attempt = _attempt(environment, purpose, token)
    if attempt.is_right and password is None and not attempt.challenge.password_digest:
        raise WeakPassword("Choose a password.", field="password")
    # Only for a right link, or strangers could have the machine compute.
    digest = passwords.digest(password) if attempt.is_right and password is not None else ""
    prove(environment, attempt, lambda person: _settle(environment, attempt, person, digest, context))


def _attempt(environment: Environment, purpose: Purpose, token: str) -> Attempt:
    handle, _, code = token.partition(".")
    return Challenge.objects.check_handle(environment, purpose=purpose, handle=handle, code=code)


def _settle(
    environment: Environment, attempt: Attempt, person: Person, digest: str, context: RequestContext
) -> Person | None:
    """Inside the transaction that has used the link up. None for somebody who is disabled."""
    if person.is_disabled:
        return None
    if digest:
        _change_password(environment, person, digest, context)
    elif person.is_new or not person.is_verified:
        # Who had an account before keeps its password: whoever signed the address up again may be a stranger.
        EndUser.objects.set_password(environment, person.user_id, attempt.challenge.password_digest)
    return person


def _change_password(environment: Environment, person: Person, digest: str, context: RequestContext) -> None:
    """Whoever knew the old one is signed out everywhere. Locks in the order user, session."""
    EndUser.objects.set_password(environment, person.user_id, digest)
    shut_out(environment, person.user_id, reason="password_changed")
    Event.objects.record(environment, Event.Kind.PASSWORD_CHANGED, context=context, actor=Actor(person.user_id))
