"""The resource owner password credentials grant (RFC 6749 section 4.3), for the two contracts that promise it.

The secret is the code that was just sent, or the person's password; the contracts have one field for both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from apps.challenges.models import Challenge, Purpose
from apps.core.context import RequestContext
from apps.core.errors import InvalidGrant, InvalidRequest, UserDisabled, WrongPassword
from apps.core.identifiers import Kind
from apps.passwordless.passwords import prove_password, read_name
from apps.passwordless.people import lock
from apps.passwordless.proof import prove
from apps.passwordless.redeem import open_session
from apps.passwordless.sessions import ClaimsOf, Client, Tokens, no_claims, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Opened, Session
from apps.users.models import Person

CODE_FORM = re.compile(r"[0-9]{1,10}")
Open = Callable[[Person], Opened | None]


def password_grant(
    environment: Environment,
    client: Client,
    *,
    username: str,
    secret: str,
    context: RequestContext,
    scope: str = "",
    claims_of: ClaimsOf = no_claims,
    ends_others: bool = False,
) -> Tokens:
    """Sign a person in by email, phone or user name and the live code or the password.

    Raises WrongPassword, an InvalidGrant, in one way for all that can be wrong, and after the same work: whatever is
    not a right code is compared with a password, which costs one Argon2 also where there is none. `ends_others`: the
    person's earlier sessions on this client end.
    """
    limit(environment, "redeem", context)
    # Before the transaction, so that no lock waits for a key to be read.
    backend = jwt.signer(environment, client.profile)
    opens = partial(_open, environment, client, context=context, scope=scope, ends_others=ends_others)
    kind, value = _name(environment, username)
    session = _by_code(environment, kind, value, secret, opens)
    if session is None:
        limit(environment, "password", context)  # The same allowance as a login by password has.
        session = _by_password(environment, kind, value, secret, opens)
    return sign(environment, backend, session, session.refresh_token(), claims_of, longest=client.longest_token)


def _name(environment: Environment, username: str) -> tuple[Kind, str]:
    try:
        return read_name(username, environment)
    except InvalidRequest:
        raise WrongPassword from None


def _by_code(environment: Environment, kind: Kind, value: str, secret: str, opens: Open) -> Opened | None:
    """None for every refusal, also of a right code that came too late: answered at once, it would be told from a wrong
    one by its time, and a spent counter would bound nothing."""
    if kind is Kind.USERNAME or not CODE_FORM.fullmatch(secret):
        return None
    try:
        attempt = Challenge.objects.check_code(environment, purpose=Purpose.SIGN_IN, identifier=value, code=secret)
        if len(secret) > attempt.challenge.code_length:
            return None  # No guess at this code, so it is not counted as one: a password may be all digits.
        # A wrong one is counted here and now, before the password is looked at: that takes a while, in which a
        # thousand guesses sent at once would all be compared with the code.
        return prove(environment, attempt, opens)
    except (InvalidGrant, UserDisabled):
        return None


def _by_password(environment: Environment, kind: Kind, value: str, secret: str, opens: Open) -> Opened:
    try:
        return prove_password(environment, kind, value, secret, opens)
    except (InvalidGrant, UserDisabled):
        raise WrongPassword from None


def _open(
    environment: Environment,
    client: Client,
    person: Person,
    *,
    context: RequestContext,
    scope: str,
    ends_others: bool,
) -> Opened | None:
    if ends_others:
        # Two grants at once would each end what they see, and leave two sessions: the second waits here.
        if not lock(environment, person.user_id):
            return None
        Session.objects.end_others(environment, client, person.user_id)
    return open_session(environment, client, person, context, scope)
