"""The statement that issues a challenge or carries the live one on, and what bounds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from apps.challenges.failures import BUDGET_TTL
from apps.core.database import compact
from apps.tenants.models import Environment

MAX_SENDS = 5
# To one person, whoever asks; an environment may allow fewer in a day. Without guesses the rules of resending allow
# some 25; guesses would make room for 120.
MAX_SENDS_PER_HOUR = 30

# The failure budget: how many failures of one person make new codes longer.
LONGER_AFTER, LONGER_DIGITS = 50, 8
LONGEST_AFTER, LONGEST_DIGITS = 100, 10
NOISE_MINUTES = 10
NOISE_FLOOR = 500

# What was sent to one person, by challenge.
TODAY = """(
    SELECT purpose, created_at, cardinality(tries) - 1 AS messages FROM challenges_challenge
     WHERE environment_id = %(environment)s AND identifier = %(identifier)s
       AND purpose <> 'operator_link'
       AND (identifier, created_at) > (%(identifier)s, now() - interval '1 day')
    ) AS today"""

# One statement, because two starts at once must agree on one code:
# resent carries the live code on (it keeps the tries and adds one counter, for the new handle);
# ended  makes room where the code expired, can no longer be derived, has less than half its time to be had, or has
#        its shared tries spent. The last only where no handle is out: a stranger's guesses must not end its code;
# sent   bounds what a stranger can have sent to one person, with guesses or without, for whatever purpose;
# fresh  inserts unless resent did. A concurrent start holds the unique key or the row lock: then nothing comes
#        back, and the caller is told to wait, because the other start has just sent a code;
# queued puts the message into the outbox, so that neither is ever there without the other.
# Pairs are compared where time alone would say the same: a plan that does not know how busy an environment is could
# go through all of its last hour by the index on (environment, time). These can only go by the person's.
# PostgreSQL runs `ended` before `fresh` because `fresh` reads its count; the row it ended no longer conflicts.
ISSUE = compact(
    f"""
    WITH sent AS (
        SELECT count(*) FILTER (WHERE purpose = %(purpose)s) = 0 AS is_first,
               coalesce(sum(messages) FILTER (WHERE created_at > now() - interval '1 hour'), 0) < {MAX_SENDS_PER_HOUR}
               AND (%(daily)s::int IS NULL
                    OR coalesce(sum(messages) FILTER (WHERE purpose = %(purpose)s), 0) < %(daily)s::int)
               AND $unchanged AS has_room
          FROM {TODAY}
    ), resent AS (
        UPDATE challenges_challenge
           SET tries = tries || 0, last_sent_at = now(), creates_user = creates_user OR %(creates_user)s,
               has_handles = has_handles OR %(by_handle)s,
               password_digest = '',
               expires_at = least(now() + ttl, created_at + 2 * ttl)
         WHERE (environment_id, purpose, identifier) = (%(environment)s, %(purpose)s, %(identifier)s)
           AND nonce IS NOT NULL AND expires_at > now() AND last_sent_at <= now() - %(pause)s
           AND renewable_until >= now() AND (tries[1] < max_tries OR %(by_handle)s)
           AND cardinality(tries) <= {MAX_SENDS} AND key_version = ANY(%(key_versions)s)
           AND (SELECT has_room FROM sent)
        RETURNING *
    ), ended AS (
        UPDATE challenges_challenge SET nonce = NULL, code_digest = NULL, password_digest = ''
         WHERE (environment_id, purpose, identifier) = (%(environment)s, %(purpose)s, %(identifier)s)
           AND nonce IS NOT NULL
           AND (expires_at <= now() OR key_version <> ALL(%(key_versions)s)
                OR last_sent_at <= now() - %(pause)s AND (SELECT has_room FROM sent)
                   AND (renewable_until < now() OR tries[1] >= max_tries AND NOT has_handles))
        RETURNING id
    ), person AS (
        SELECT coalesce(sum(failures), 0) AS failures FROM challenges_failurecount
         WHERE environment_id = %(environment)s AND identifier = %(identifier)s
           AND (identifier, minute) > (%(identifier)s, now() - interval '{BUDGET_TTL.days} days')
    ), noise AS (
        SELECT coalesce(sum(failures), 0) AS failures FROM (
            SELECT failures FROM challenges_failurecount
             WHERE environment_id = %(environment)s AND minute > now() - interval '{NOISE_MINUTES} minutes'
             LIMIT %(noise)s + 1) AS recent
    ), safe AS (
        SELECT CASE WHEN person.failures >= {LONGEST_AFTER} THEN %(longest)s::int
                    WHEN person.failures >= {LONGER_AFTER} OR noise.failures > %(noise)s THEN %(longer)s
                    ELSE %(usual)s END AS digits
          FROM person, noise
    ), fresh AS (
        INSERT INTO challenges_challenge (id, environment_id, purpose, channel, identifier, nonce, key_version,
               code_length, code_digest, max_tries, tries, ttl, created_at, last_sent_at, expires_at, renewable_until,
               provisional_user_id, creates_user, has_handles, password_digest)
        SELECT %(id)s, %(environment)s, %(purpose)s, %(channel)s, %(identifier)s, %(nonce)s, %(key_version)s,
               digits, CASE WHEN digits = %(usual)s THEN %(code_digest)s::bytea END,
               %(max_tries)s, ARRAY[0, 0], %(ttl)s, now(), now(), now() + %(ttl)s, now() + 1.5 * %(ttl)s,
               %(user)s, %(creates_user)s, %(by_handle)s,
               CASE WHEN is_first THEN %(password_digest)s ELSE '' END
          FROM safe, sent
         WHERE has_room AND NOT EXISTS (SELECT FROM resent) AND (SELECT count(*) FROM ended) >= 0
        ON CONFLICT (environment_id, purpose, identifier) WHERE nonce IS NOT NULL DO NOTHING
        RETURNING *
    ), issued AS (
        SELECT * FROM resent UNION ALL SELECT * FROM fresh
    ), queued AS (
        INSERT INTO delivery_message (id, environment_id, channel, template, reference, recipient, language,
               state, created_at, due_at, expires_at, attempts, claim, outcome, segments)
        SELECT uuidv7(), environment_id, channel, %(template)s::varchar, id, identifier, %(language)s,
               'queued', now(), now(), expires_at, 0, 0, '', 0
          FROM issued WHERE %(template)s::varchar <> ''
    )
    SELECT id, provisional_user_id, key_version, cardinality(tries) - 1, extract(epoch FROM expires_at - now())
      FROM issued
"""  # noqa: S608 - Of our own parts.
)

# Seconds until the oldest messages of a bound that is spent no longer count; NULL where none is.
UNTIL_LESS_WAS_SENT = compact(
    f"""
    SELECT extract(epoch FROM greatest(
               CASE WHEN sum(messages) FILTER (WHERE created_at > now() - interval '1 hour') >= {MAX_SENDS_PER_HOUR}
                    THEN min(created_at) FILTER (WHERE created_at > now() - interval '1 hour') + interval '1 hour' END,
               CASE WHEN sum(messages) FILTER (WHERE purpose = %(purpose)s) >= %(daily)s::int
                    THEN min(created_at) FILTER (WHERE purpose = %(purpose)s) + interval '1 day' END) - now())
      FROM {TODAY}
"""  # noqa: S608 - Of our own parts.
)


def policy(environment: Environment) -> dict[str, Any]:
    """Of the parameters of ISSUE, those that say how an environment wants its codes."""
    return {
        "pause": timedelta(seconds=environment.resend_after),
        "ttl": timedelta(seconds=environment.code_ttl),
        "usual": environment.code_length,
        "max_tries": environment.max_tries,
        "daily": environment.code_requests_per_day,
        "longer": max(LONGER_DIGITS, environment.code_length),
        "longest": max(LONGEST_DIGITS, environment.code_length),
        "noise": max(NOISE_FLOOR, 2 * environment.usual_failures),
    }
