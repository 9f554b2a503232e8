"""Redeem: a right code becomes a session and its tokens."""

from __future__ import annotations

from django.db import IntegrityError

from apps.challenges.models import Attempt, Challenge, ChallengeQuerySet, Purpose
from apps.core import crypto
from apps.core.context import RequestContext
from apps.core.identifiers import Channel, Contact, Kind
from apps.passwordless.proof import prove
from apps.passwordless.sessions import ClaimsOf, Client, Tokens, no_claims, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Session, SessionQuerySet
from apps.users.models import Person

# The common way in one statement, which is what `prove` and `Session.objects.open` do in six: it applies only to
# somebody who is proved already and not disabled, and to somebody new who may be created. Where it does not apply it
# changes nothing, and the long way decides. It saves 1.5 of 6 ms of a flow in web.
# Locks in the order challenge, user, session, as everywhere: `known` reads from `consumed`, so it comes after it. A
# user who was disabled in between gets nothing for a code that is consumed.
REDEEM = f"""
    WITH consumed AS (
        UPDATE challenges_challenge SET nonce = NULL, tries[%(tries)s] = tries[%(tries)s] + 1
         WHERE {ChallengeQuerySet.OPEN_TO_GUESS} AND password_digest = ''
           AND (EXISTS (SELECT FROM users_identifier i JOIN users_enduser u ON u.id = i.user_id
                         WHERE i.environment_id = %(environment)s AND i.kind = %(name)s AND i.value = %(value)s
                           AND i.verified_at IS NOT NULL AND u.disabled_at IS NULL)
                OR %(creates_user)s
                   AND NOT EXISTS (SELECT FROM users_identifier i
                                    WHERE i.environment_id = %(environment)s AND i.kind = %(name)s
                                      AND i.value = %(value)s))
        RETURNING id
    ), known AS (
        SELECT u.id FROM consumed, users_identifier i JOIN users_enduser u ON u.id = i.user_id
         WHERE i.environment_id = %(environment)s AND i.kind = %(name)s AND i.value = %(value)s
           AND u.disabled_at IS NULL
           FOR SHARE OF u
    ), fresh AS (
        INSERT INTO users_identifier (id, environment_id, user_id, kind, value, verified_at, created_at)
        SELECT %(identifier)s, %(environment)s, %(user)s, %(name)s, %(value)s, now(), now() FROM consumed
         WHERE NOT EXISTS (SELECT FROM users_identifier i
                            WHERE i.environment_id = %(environment)s AND i.kind = %(name)s AND i.value = %(value)s)
        RETURNING user_id
    ), created AS (
        INSERT INTO users_enduser (id, environment_id, created_at) SELECT user_id, %(environment)s, now() FROM fresh
    ), active AS (
        SELECT id, FALSE AS is_new FROM known UNION ALL SELECT user_id, TRUE FROM fresh
    ), {SessionQuerySet.OPENED}
"""  # noqa: S608 - Of our own parts.


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
    # Before anything is locked, so that no lock waits for a key to be read.
    backend = jwt.signer(environment, client.profile)
    session = _at_once(environment, client, attempt, context, scope) if attempt.is_right else None
    if session is None:
        session = prove(environment, attempt, lambda person: open_session(environment, client, person, context, scope))
    return sign(environment, backend, session, session.refresh_token(0), claims_of)


def open_session(
    environment: Environment, client: Client, person: Person, context: RequestContext, scope: str = ""
) -> Session | None:
    """A session of a person who has just proved who they are, with its event; None for somebody who is disabled."""
    return Session.objects.open(environment, client, person, context=context, scope=scope)


def _at_once(
    environment: Environment, client: Client, attempt: Attempt, context: RequestContext, scope: str
) -> Session | None:
    """The session that REDEEM opens; None where it does not apply."""
    challenge = attempt.challenge
    facts = {
        **attempt.guard(),
        "name": Kind.EMAIL.value if challenge.channel == Channel.EMAIL else Kind.PHONE.value,
        "value": challenge.identifier,
        "creates_user": challenge.creates_user and environment.sign_up_open,
        "identifier": crypto.new_id(),
        "user": challenge.provisional_user_id,
    }
    try:
        return Session.objects.opened_by(REDEEM, facts, environment, client, context=context, scope=scope)
    except IntegrityError:
        # Somebody else has just created the person by this identifier, and nothing of this statement remains.
        return None
