"""Sign up with a password, and ask for a way to choose another one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from apps.challenges.models import Challenge, Issued, Purpose
from apps.core import passwords
from apps.core.context import RequestContext
from apps.core.errors import RateLimited, SignUpClosed, UnknownUser, UserDisabled, UserExists
from apps.core.identifiers import Channel, Contact, Kind
from apps.delivery import hint
from apps.passwordless.languages import choose_language
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.users.models import EndUser, Identifier


@dataclass(frozen=True, slots=True)
class SignedUp:
    """`user_id` is the person's own only where the environment does not conceal; else it is provisional."""

    user_id: uuid.UUID


def sign_up_by_email(
    environment: Environment, *, to: Contact, password: str, sends_link: bool, context: RequestContext
) -> SignedUp:
    """A person with this address and password, neither of which is proved to be theirs yet.

    With concealment nobody is looked up or made here: the password waits on the challenge, whose link goes out whatever
    was asked. Without it, raises UserExists. Raises SignUpClosed, WeakPassword, RateLimited, ServiceUnavailable.
    """
    limit(environment, "start", context)
    if not environment.sign_up_open:
        raise SignUpClosed
    digest = passwords.digest(password)
    try:
        with transaction.atomic():
            return _sign_up(environment, to, digest, sends_link=sends_link, context=context)
    except (RateLimited, UserExists):
        # Somebody else may have signed this address up a moment ago, and a link to confirm that is on its way to its
        # owner, who is perhaps the one that is being refused here: it must not confirm a password that is not theirs.
        Challenge.objects.dispute(environment, purpose=Purpose.VERIFY_IDENTIFIER, identifier=to.value)
        raise


def _sign_up(
    environment: Environment, to: Contact, digest: str, *, sends_link: bool, context: RequestContext
) -> SignedUp:
    if environment.concealment:
        return SignedUp(_send_link(environment, Purpose.VERIFY_IDENTIFIER, to, context, digest).provisional_user_id)
    if sends_link:
        # Before the person, as a verify locks them; a refusal takes it back.
        _send_link(environment, Purpose.VERIFY_IDENTIFIER, to, context, digest)
    return SignedUp(_register(environment, to.kind, to.value, digest))


def sign_up_by_username(environment: Environment, *, username: str, password: str, context: RequestContext) -> SignedUp:
    """A person with this canonical user name and password.

    There is no channel to prove it by, so nothing can be concealed: raises UserExists in both modes, and SignUpClosed,
    WeakPassword, RateLimited, ServiceUnavailable.
    """
    limit(environment, "start", context)
    if not environment.sign_up_open:
        raise SignUpClosed
    digest = passwords.digest(password)
    with transaction.atomic():
        return SignedUp(_register(environment, Kind.USERNAME, username, digest))


def _register(environment: Environment, kind: Kind, value: str, digest: str) -> uuid.UUID:
    # A user name is whose it is from the beginning: nobody could prove it later.
    verified_at = timezone.now() if kind is Kind.USERNAME else None
    person = Identifier.objects.register(environment, kind, value, verified_at=verified_at)
    if not person.is_new:
        raise UserExists
    EndUser.objects.set_password(environment, person.user_id, digest)
    return person.user_id


def send_reset_link(environment: Environment, *, to: Contact, context: RequestContext) -> uuid.UUID:
    """Enqueue a link to choose another password by; returns an id as `SignedUp` has it.

    With concealment the worker finds out whether there is anybody to write to. Without it, raises UnknownUser and
    UserDisabled. Raises RateLimited.
    """
    limit(environment, "start", context)
    with transaction.atomic():
        issued = _send_link(environment, Purpose.RESET_PASSWORD, to, context)
        if environment.concealment:
            return issued.provisional_user_id
        person = Identifier.objects.find(environment, to.kind, to.value)
        if person is None:
            raise UnknownUser
        if person.is_disabled:
            raise UserDisabled
    return person.user_id


def _send_link(
    environment: Environment, purpose: Purpose, to: Contact, context: RequestContext, digest: str = ""
) -> Issued:
    """In the caller's transaction. The purpose is the template of the message as well."""
    issued = Challenge.objects.issue(
        environment,
        purpose=purpose,
        channel=Channel.EMAIL,
        identifier=to.value,
        creates_user=environment.concealment and purpose is Purpose.VERIFY_IDENTIFIER,
        password_digest=digest,
        template=purpose,
        language=choose_language(context.language, environment.default_language),
    )
    transaction.on_commit(hint.wake_workers)
    return issued
