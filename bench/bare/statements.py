"""The floor: each step of a sign-in as one statement, which also finds the caller by its key.

It writes the rows that Latchkey writes and keeps the guards that decide (live, tries, time, active person). It leaves
out whatever else Latchkey does: limits, resends, budgets, derived codes and tokens, the mail.
"""

APP_KEY = "pk_live_floor"
ENVIRONMENT = "00000000-0000-4000-8000-000000000001"

_CALLER = f"""
    caller AS MATERIALIZED (
        SELECT k.environment_id, k.client_id, e.code_ttl, e.code_length, e.max_tries, e.session_idle_ttl,
               e.session_absolute_ttl
          FROM application_key k JOIN environment e ON e.id = k.environment_id
         WHERE k.environment_id = '{ENVIRONMENT}' AND k.digest = sha256(convert_to(%(key)s::text, 'UTF8'))
           AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    )"""  # noqa: S608 - our own constant.

START = f"""
    WITH {_CALLER}, ended AS (
        UPDATE challenge SET nonce = NULL
         WHERE environment_id = '{ENVIRONMENT}' AND purpose = 'sign_in' AND identifier = %(email)s::text
           AND nonce IS NOT NULL
        RETURNING id
    ), fresh AS (
        INSERT INTO challenge
        SELECT gen_random_uuid(), environment_id, 'sign_in', 'email', %(email)s::text,
               convert_to(lpad(floor(random() * 1000000)::int::text, 6, '0'), 'UTF8'), 1, code_length, max_tries,
               ARRAY[0, 0], make_interval(secs => code_ttl), now(), now(), now() + make_interval(secs => code_ttl),
               now() + 1.5 * make_interval(secs => code_ttl), gen_random_uuid(), TRUE, FALSE
          FROM caller WHERE (SELECT count(*) FROM ended) >= 0
        RETURNING id, environment_id, identifier, nonce, expires_at, provisional_user_id
    ), queued AS (
        INSERT INTO message
        SELECT gen_random_uuid(), environment_id, 'email', 'sign_up', id, identifier, 'en', 'queued', now(), now(),
               expires_at, 0, 0, '', 0
          FROM fresh
    )
    SELECT provisional_user_id::text AS user_id, convert_from(nonce, 'UTF8') AS code FROM fresh
"""  # noqa: S608 - Of our own parts.

VERIFY = f"""
    WITH {_CALLER}, consumed AS (
        UPDATE challenge SET nonce = NULL, tries[1] = tries[1] + 1
         WHERE environment_id = '{ENVIRONMENT}' AND purpose = 'sign_in' AND identifier = %(email)s::text
           AND nonce = convert_to(%(code)s::text, 'UTF8') AND tries[1] < max_tries AND expires_at > clock_timestamp()
        RETURNING identifier, provisional_user_id
    ), known AS (
        SELECT i.user_id FROM identifier i JOIN end_user u ON u.id = i.user_id AND u.disabled_at IS NULL
         WHERE i.environment_id = '{ENVIRONMENT}' AND i.kind = 'email' AND i.value = %(email)s::text
    ), fresh AS (
        INSERT INTO end_user
        SELECT provisional_user_id, environment_id, now() FROM consumed, caller WHERE NOT EXISTS (SELECT FROM known)
        RETURNING id
    ), named AS (
        INSERT INTO identifier
        SELECT gen_random_uuid(), environment_id, fresh.id, 'email', identifier, now(), now()
          FROM fresh, consumed, caller
    ), person AS (
        SELECT user_id FROM known UNION ALL SELECT id FROM fresh
    ), opened AS (
        INSERT INTO session
        SELECT gen_random_uuid(), environment_id, user_id, client_id, 'access', 0, 1, uuid_send(gen_random_uuid()),
               now(), now(), now() + make_interval(secs => session_idle_ttl),
               now() + make_interval(secs => session_absolute_ttl)
          FROM person, consumed, caller
        RETURNING id, environment_id, user_id, client_id, secret
    ), noted AS (
        INSERT INTO event
        SELECT gen_random_uuid(), environment_id, 'session.opened', now(), user_id, id, client_id, '127.0.0.1', 'bench',
               '{{"new": true}}'
          FROM opened
    )
    SELECT user_id::text, id::text AS session_id, encode(secret, 'hex') AS secret FROM opened
"""  # noqa: S608 - Of our own parts.

REFRESH = f"""
    WITH {_CALLER}
    UPDATE session AS s
       SET generation = generation + 1, rotated_at = clock_timestamp(),
           idle_expires_at = least(clock_timestamp() + make_interval(secs => c.session_idle_ttl), absolute_expires_at)
      FROM caller c
     WHERE s.id = %(session_id)s::uuid AND s.environment_id = c.environment_id AND s.client_id = c.client_id
       AND s.secret = decode(%(secret)s::text, 'hex') AND s.generation = 0 AND s.idle_expires_at > clock_timestamp()
       AND EXISTS (SELECT FROM end_user u WHERE u.id = s.user_id AND u.disabled_at IS NULL)
    RETURNING s.user_id::text, s.id::text AS session_id, encode(s.secret, 'hex') AS secret
"""  # noqa: S608 - Of our own parts.
