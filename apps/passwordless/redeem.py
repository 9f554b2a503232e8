"""Redeem: a right code becomes a session and its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError

from apps.challenges.models import Challenge, ChallengeQuerySet, Purpose
from apps.core.context import RequestContext
from apps.core.database import compact
from apps.core.errors import CodeMismatch
from apps.core.identifiers import Contact, Kind
from apps.passwordless.proof import kind_of, prove
from apps.passwordless.sessions import ClaimsOf, Client, Tokens, no_claims, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.sessions import Opened, Session, SessionQuerySet
from apps.users.models import Person

# The common way in one statement, which is what `prove` and `Session.objects.open` do in six: it applies only to
# somebody who is proved already and not disabled, and to somebody new who may be created. Where it does not apply it
# changes nothing, and the long way decides (bench/README.md has what it saves).
# A wrong guess is counted by the same UPDATE that would let a right one in, so of guesses at one time no more are
# compared than there are tries.
# The person is looked up only if the code is right, once, and compared with parameters: of columns of the challenge a
# plan that was made while there were few people would make a table of everybody.
# Locks in the order challenge, user, session, as everywhere: `known` reads from `consumed`, so it comes after it. A
# user who was disabled in between gets nothing for a code that is consumed.
_REDEEM = f"""
    WITH theirs AS (
        SELECT i.user_id, i.verified_at IS NOT NULL AND u.disabled_at IS NULL AS is_usual
          FROM users_identifier i JOIN users_enduser u ON u.id = i.user_id
         WHERE i.environment_id = %(environment)s AND i.kind = %(name)s AND i.value = %(value)s
           AND EXISTS (SELECT FROM challenges_challenge WHERE $open AND $right)
    ), decided AS (
        UPDATE challenges_challenge
           SET nonce = CASE WHEN $right THEN NULL ELSE nonce END,
               code_digest = CASE WHEN $right THEN NULL ELSE code_digest END, tries[%(tries)s] = tries[%(tries)s] + 1
         WHERE $open AND password_digest = '' AND $unchanged
           AND CASE WHEN $right THEN coalesce((SELECT is_usual FROM theirs), creates_user AND %(sign_up_open)s)
                    ELSE TRUE END
        RETURNING environment_id, identifier, provisional_user_id, nonce IS NULL AS is_right
    ), wrong AS (
        SELECT environment_id, identifier FROM decided WHERE NOT is_right
    ), failed AS ({ChallengeQuerySet.FAILED}
    ), consumed AS (
        SELECT provisional_user_id FROM decided WHERE is_right
    ), known AS (
        SELECT u.id FROM consumed, theirs JOIN users_enduser u ON u.id = theirs.user_id
         WHERE u.disabled_at IS NULL
           FOR SHARE OF u
    ), fresh AS (
        INSERT INTO users_identifier (id, environment_id, user_id, kind, value, verified_at, created_at)
        SELECT uuidv7(), %(environment)s, provisional_user_id, %(name)s, %(value)s, now(), now() FROM consumed
         WHERE NOT EXISTS (SELECT FROM theirs)
        RETURNING user_id
    ), created AS (
        INSERT INTO users_enduser (id, environment_id, created_at) SELECT user_id, %(environment)s, now() FROM fresh
    ), active AS (
        SELECT id, FALSE AS is_new FROM known UNION ALL SELECT user_id, TRUE FROM fresh
    ), {SessionQuerySet.OPENED}
    SELECT active.id, opened.idle_expires_at, is_right
      FROM decided LEFT JOIN active ON TRUE LEFT JOIN opened ON TRUE
"""  # noqa: S608 - Of our own parts.


def _statement(is_open: str, is_right: str) -> str:
    return compact(_REDEEM.replace("$open", is_open).replace("$right", is_right))


REDEEM_BY_DIGEST = _statement(ChallengeQuerySet.OPEN_BY_DIGEST, ChallengeQuerySet.RIGHT_BY_DIGEST)
# For a guess that was found right already.
REDEEM_BY_NONCE = _statement(ChallengeQuerySet.OPEN_TO_GUESS, "TRUE")


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
    backend = jwt.signer(environment, client.profile)
    guess = Challenge.objects.by_digest(environment, Purpose.SIGN_IN, to.value, code)
    redeeming = _Redeeming(REDEEM_BY_DIGEST, guess, to.kind, to.value)
    session = _at_once(redeeming, environment, client, context, scope)
    if session is None:
        attempt = Challenge.objects.check_code(environment, purpose=Purpose.SIGN_IN, identifier=to.value, code=code)
        session = prove(environment, attempt, lambda person: open_session(environment, client, person, context, scope))
    return sign(environment, backend, session, session.refresh_token(), claims_of)


def redeem_handle(
    environment: Environment, client: Client, *, handle: str, code: str, context: RequestContext
) -> Tokens:
    """The same with the handle of one start, whose tries are its own. ChallengeLocked tells that they are spent."""
    limit(environment, "redeem", context)
    # Before anything is locked, so that no lock waits for a key to be read.
    backend = jwt.signer(environment, client.profile)
    attempt = Challenge.objects.check_handle(environment, purpose=Purpose.SIGN_IN, handle=handle, code=code)
    session = None
    challenge = attempt.challenge
    if attempt.is_right:
        redeeming = _Redeeming(REDEEM_BY_NONCE, attempt.guard(), kind_of(challenge), challenge.identifier)
        session = _at_once(redeeming, environment, client, context)
    if session is None:
        session = prove(environment, attempt, lambda person: open_session(environment, client, person, context))
    return sign(environment, backend, session, session.refresh_token())


def open_session(
    environment: Environment, client: Client, person: Person, context: RequestContext, scope: str = ""
) -> Opened | None:
    """A session of a person who has just proved who they are, with its event; None for somebody who is disabled."""
    return Session.objects.open(environment, client, person, context=context, scope=scope)


@dataclass(frozen=True, slots=True)
class _Redeeming:
    """One of the two statements, and what it takes for a guess."""

    statement: str
    guess: dict[str, Any]
    kind: Kind
    value: str


def _at_once(
    redeeming: _Redeeming, environment: Environment, client: Client, context: RequestContext, scope: str = ""
) -> Opened | None:
    """The session that one statement opens; None where it does not apply. Raises CodeMismatch for a wrong guess, which
    it has counted."""
    facts = {
        **redeeming.guess,
        "name": redeeming.kind.value,
        "value": redeeming.value,
        "sign_up_open": environment.sign_up_open,
        **environment.unchanged_parameters,
    }
    statement = redeeming.statement.replace("$unchanged", environment.unchanged)
    try:
        session, said = Session.objects.opened_by(statement, facts, environment, client, context=context, scope=scope)
    except IntegrityError:
        # Somebody else has just created the person by this identifier, and nothing of this statement remains.
        return None
    if said:
        environment.confirmed()
    if said == (False,):
        raise CodeMismatch
    return session
