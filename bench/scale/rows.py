"""Which rows there are: what a year of use leaves behind, in the order in which it came.

The order matters. Rows of one environment lie among those of all others, as they would; loaded environment by
environment they would lie side by side, and every range scan would look cheaper than it is.
"""

from __future__ import annotations

# Everything else of an environment is as the flagship has it, whatever columns there will be. Two for each project.
ENVIRONMENTS = (
    """
    CREATE UNLOGGED TABLE scale_made AS
    SELECT n, gen_random_uuid() AS environment_id, CASE WHEN n %% 2 = 0 THEN gen_random_uuid() END AS project_id
      FROM generate_series(0, %(count)s - 1) AS n
    """,
    """
    UPDATE scale_made AS odd SET project_id = even.project_id
      FROM scale_made AS even WHERE odd.n %% 2 = 1 AND even.n = odd.n - 1
    """,
    """
    INSERT INTO tenants_project
    SELECT (jsonb_populate_record(p, jsonb_build_object('id', m.project_id, 'name', 'Product ' || m.n))).*
      FROM scale_made m, tenants_project p JOIN tenants_environment e ON e.project_id = p.id
     WHERE e.id = %(flagship)s AND m.n %% 2 = 0
    """,
    """
    INSERT INTO tenants_environment
    SELECT (jsonb_populate_record(e, jsonb_build_object('id', m.environment_id, 'project_id', m.project_id,
            'name', (ARRAY['production', 'staging'])[1 + m.n %% 2], 'kind', 'production'))).*
      FROM scale_made m, tenants_environment e WHERE e.id = %(flagship)s
    """,
    *(
        f"""
        INSERT INTO {table}
        SELECT (jsonb_populate_record(k, jsonb_build_object('id', gen_random_uuid(), 'environment_id', m.environment_id)
                || {changed}::jsonb)).*
          FROM scale_made m, {table} k WHERE k.environment_id = %(flagship)s
        """  # noqa: S608 - written out below, in this file.
        for table, changed in (
            ("tenants_applicationkey", "jsonb_build_object('client_id', gen_random_uuid())"),
            ("tokens_apikey", "'{}'"),
            ("tokens_signingkey", "'{}'"),
        )
    ),
)

# Who lives where, and when they began to sign in. `scale_start` is a sign-in: a challenge and its message.
STAGING = (
    """
    CREATE UNLOGGED TABLE scale_place AS
    WITH ranked AS (
        SELECT %(flagship)s::uuid AS environment_id, 1 AS rank
         UNION ALL SELECT environment_id, n + 2 FROM scale_made
    ), weighed AS (SELECT *, rank ^ -%(skew)s::numeric / sum(rank ^ -%(skew)s::numeric) OVER () AS share FROM ranked)
    SELECT environment_id, greatest(1, round(share * greatest(0, %(users)s - %(environments)s)) + 1)::int AS people
      FROM weighed
    """,
    # Few people are in two environments, and the planner counts how many different addresses there are.
    """
    CREATE UNLOGGED TABLE scale_person AS
    SELECT *, 'person-' || left(user_id::text, 13) || '@load.example' AS email,
           '+49' || lpad(%(label)s::text, 3, '0') || lpad(row_number() OVER ()::text, 9, '0') AS phone
      FROM (SELECT gen_random_uuid() AS user_id, environment_id, number,
                   now() - random() * interval '400 days' - number * interval '0' AS joined
              FROM scale_place, generate_series(1, people) AS number) AS made
     ORDER BY joined
    """,
    # Two in the last 40 days, of which the second is never of the last minutes: only one may be live.
    """
    CREATE UNLOGGED TABLE scale_start AS
    SELECT gen_random_uuid() AS challenge_id, environment_id, user_id, email, at
      FROM scale_person, generate_series(0, 1) AS turn,
           LATERAL (SELECT now() - turn * interval '1 day' - random() * interval '39 days'
                           - number * interval '0' AS at) AS t
     ORDER BY at
    """,
)

_USER_AGENT = "'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile'"
_ALIVE = "now() - interval '10 minutes'"

# By table: where its rows come from, and what stands in each column.
TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "users_enduser": (
        "FROM scale_person",
        {
            "id": "user_id",
            "environment_id": "environment_id",
            "created_at": "joined",
            "disabled_at": "CASE WHEN random() < 0.002 THEN now() END",
        },
    ),
    "users_identifier": (
        """
        FROM scale_person, LATERAL (
            SELECT 'email' AS kind, email AS value
             UNION ALL SELECT 'phone', phone WHERE number % 10 = 0) AS known
        """,
        {
            "id": "uuidv7(joined - now())",
            "environment_id": "environment_id",
            "user_id": "user_id",
            "kind": "kind",
            "value": "value",
            "verified_at": "CASE WHEN random() < 0.95 THEN joined END",
            "created_at": "joined",
        },
    ),
    "challenges_challenge": (
        "FROM scale_start",
        {
            "id": "challenge_id",
            "environment_id": "environment_id",
            "purpose": "'sign_in'",
            "channel": "'email'",
            "identifier": "email",
            "nonce": f"CASE WHEN at > {_ALIVE} THEN uuid_send(gen_random_uuid()) END",
            "key_version": "1",
            "code_length": "6",
            "max_tries": "5",
            "tries": "'{1,0}'",
            "ttl": "interval '10 minutes'",
            "created_at": "at",
            "last_sent_at": "at",
            "expires_at": "at + interval '10 minutes'",
            "renewable_until": "at + interval '15 minutes'",
            "provisional_user_id": "gen_random_uuid()",
            "creates_user": "random() < 0.1",
            "has_handles": "FALSE",
        },
    ),
    # The unique key is by minute; of two sign-ins of one person the second is at least a day away or is left out.
    "challenges_failurecount": (
        "FROM (SELECT DISTINCT ON (date_trunc('minute', at), email) * FROM scale_start"
        " WHERE random() < 0.1 ORDER BY date_trunc('minute', at), email) AS failed",
        {
            "id": "uuidv7(at - now())",
            "environment_id": "environment_id",
            "identifier": "email",
            "minute": "date_trunc('minute', at)",
            "failures": "1 + (random() * 2)::int",
        },
    ),
    "delivery_message": (
        "FROM scale_start",
        {
            "id": "uuidv7(at - now())",
            "environment_id": "environment_id",
            "channel": "'email'",
            "template": "'sign_in'",
            "reference": "challenge_id",
            "recipient": "email",
            "language": "'en'",
            "state": "CASE WHEN random() < 0.005 THEN 'dead' WHEN random() < 0.01 THEN 'obsolete' ELSE 'sent' END",
            "created_at": "at",
            "due_at": "at + interval '40 seconds'",
            "expires_at": "at + interval '10 minutes'",
            "attempts": "1",
            "claim": "1",
            "outcome": "'2.0.0 Ok: queued as 4bR7Xy2zq8z3hVw'",
            "segments": "0",
        },
    ),
    # Of the last two days, as if the purge had not run on the second: for a tenth of the people.
    "delivery_capturedmessage": (
        """
        FROM (SELECT *, now() - random() * interval '2 days' - number * interval '0' AS at
                FROM scale_person WHERE number % 10 = 1 ORDER BY at) AS captured
        """,
        {
            "id": "uuidv7(at - now())",
            "environment_id": "environment_id",
            "recipient": "email",
            "body_sealed": "convert_to(repeat(md5(random()::text), 40), 'UTF8')",
            "created_at": "at",
        },
    ),
    # Three for two people, of the last 120 days; rotated until a random moment, and ended 30 days after it.
    "tokens_session": (
        """
        FROM (SELECT *, opened + random() * (now() - opened) AS rotated FROM (
                SELECT environment_id, user_id, now() - random() * interval '120 days' - number * interval '0' AS opened
                  FROM scale_person, generate_series(0, 1) AS turn WHERE turn = 0 OR number % 2 = 0) AS o
              ORDER BY opened) AS s
        """,
        {
            "id": "uuidv7(opened - now())",
            "environment_id": "environment_id",
            "user_id": "user_id",
            "client_id": "environment_id",
            "profile": "'at+jwt'",
            "generation": "(random() * 20)::int",
            "key_version": "1",
            "secret": "CASE WHEN random() < 0.9 THEN uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) END",
            "created_at": "opened",
            "rotated_at": "rotated",
            "idle_expires_at": "least(rotated + interval '30 days', opened + interval '90 days')",
            "absolute_expires_at": "opened + interval '90 days'",
        },
    ),
    "audit_event": (
        """
        FROM (SELECT environment_id, user_id, now() - random() * interval '400 days' - number * interval '0' AS at
                FROM scale_person, generate_series(1, 4) ORDER BY at) AS e
        """,
        {
            "id": "uuidv7(at - now())",
            "environment_id": "environment_id",
            "kind": "CASE WHEN random() < 0.97 THEN 'session.opened' ELSE 'session.revoked' END",
            "created_at": "at",
            "user_id": "user_id",
            "session_id": "gen_random_uuid()",
            "client_id": "environment_id",
            "ip": "'192.0.2.1'",
            "user_agent": _USER_AGENT,
            "facts": """'{"new": false}'""",
        },
    ),
}

CLEARING = tuple(f"DROP TABLE {name}" for name in ("scale_start", "scale_person", "scale_place", "scale_made"))
