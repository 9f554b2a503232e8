"""Redeem: a right code becomes a session and its tokens."""

from __future__ import annotations

from apps.challenges.models import Attempt, Challenge, Purpose
from apps.core.context import RequestContext
from apps.core.identifiers import Contact
from apps.passwordless.proof import prove
from apps.passwordless.sessions import ClaimsOf, Client, Tokens, no_claims, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Session


def redeem(
    environment: Environment,
    client: Client,
    *,
    to: Contact,
    code: str,
    context: RequestContext,
    scope: str = "",
    claims_of: ClaimsOf = no_claims,
) -> Tokens:
    """Sign a person in with the code sent to `to`. Raises as `prove` does."""
    limit(environment, "redeem", context)
    attempt = Challenge.objects.check_code(environment, purpose=Purpose.SIGN_IN, identifier=to.value, code=code)
    return _sign_in(environment, client, attempt, context, scope=scope, claims_of=claims_of)


def redeem_handle(
    environment: Environment, client: Client, *, handle: str, code: str, context: RequestContext
) -> Tokens:
    """The same with the handle of one start, whose tries are its own. ChallengeLocked tells that they are spent."""
    limit(environment, "redeem", context)
    attempt = Challenge.objects.check_handle(environment, purpose=Purpose.SIGN_IN, handle=handle, code=code)
    return _sign_in(environment, client, attempt, context)


def _sign_in(
    environment: Environment,
    client: Client,
    attempt: Attempt,
    context: RequestContext,
    *,
    scope: str = "",
    claims_of: ClaimsOf = no_claims,
) -> Tokens:
    # Before the transaction, so that no lock waits for a key to be read.
    backend = jwt.signer(environment, client.profile)
    session = prove(
        environment,
        attempt,
        lambda person: Session.objects.open(environment, client, person, context=context, scope=scope),
    )
    return sign(environment, backend, session, session.refresh_token(0), claims_of)
