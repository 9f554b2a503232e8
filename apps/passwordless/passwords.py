"""Who somebody is by their password. Wrong ones have a count and a growing delay of their own, which codes know not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from apps.core import passwords
from apps.core.context import RequestContext
from apps.core.errors import AuthError, UserDisabled, WrongPassword
from apps.core.identifiers import Kind, canonical_email, canonical_phone, canonical_username
from apps.passwordless.redeem import open_session
from apps.passwordless.sessions import Client, Tokens, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Opened
from apps.users.models import EndUser, Identifier, PasswordHolder, Person

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoggedIn:
    tokens: Tokens
    is_verified: bool


def log_in(
    environment: Environment, client: Client, *, kind: Kind, value: str, password: str, context: RequestContext
) -> LoggedIn:
    """A session for whoever has this canonical identifier and password. Raises as `prove_password` does."""
    limit(environment, "password", context)
    # Before the transaction, so that no lock waits for a key to be read.
    backend = jwt.signer(environment, client.profile)

    def opens(person: Person) -> tuple[Opened, Person] | None:
        session = open_session(environment, client, person, context)
        return None if session is None else (session, person)

    session, person = prove_password(environment, kind, value, password, opens)
    return LoggedIn(sign(environment, backend, session, session.refresh_token()), person.is_verified)


def prove_password(
    environment: Environment, kind: Kind, value: str, password: str, grant: Callable[[Person], T | None]
) -> T:
    """What `grant` makes for the person, inside the transaction that accepts the password: so whoever changes it and
    ends all sessions also ends one that was just being opened with the old one.

    `grant` returns None for somebody who is disabled: UserDisabled where the environment does not conceal, else
    WrongPassword. Every refusal is raised after COMMIT.
    """
    holder = Identifier.objects.holder(environment, kind, value)
    is_right = passwords.is_right(password, holder.digest if holder else "")
    with transaction.atomic():
        granted = _decide(environment, holder if is_right else None, holder, grant)
    if isinstance(granted, AuthError):
        raise granted
    if holder is not None:
        _modernize(environment, holder, password)
    return granted


def _decide(
    environment: Environment,
    proved: PasswordHolder | None,
    tried: PasswordHolder | None,
    grant: Callable[[Person], T | None],
) -> T | AuthError:
    """Locks in the order user, session. Returns the refusal instead of raising it.

    All refusals are the same statements, so that a right password that comes too soon cannot be told from a wrong one.
    """
    if not EndUser.objects.accept_password(environment, proved) or proved is None:
        EndUser.objects.count_password_failure(environment, tried)
        return WrongPassword()
    granted = grant(proved.person)
    if granted is None:
        return WrongPassword() if environment.concealment else UserDisabled()
    return granted


def _modernize(environment: Environment, holder: PasswordHolder, password: str) -> None:
    digest = passwords.refreshed(password, holder.digest)
    if digest != holder.digest:
        EndUser.objects.replace_digest(environment, holder, digest)


def read_name(text: str, environment: Environment) -> tuple[Kind, str]:
    """What a user name on the wire is: an email address, a user name, or a phone number, which without a country code
    is one of the environment's default region. Raises InvalidRequest for what can be none of them."""
    if "@" in text:
        return Kind.EMAIL, canonical_email(text)
    if text[:1].isascii() and text[:1].isalpha():
        return Kind.USERNAME, canonical_username(text)
    return Kind.PHONE, canonical_phone(text, environment.default_region)
