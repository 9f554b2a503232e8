-- What the floor writes to: the columns, keys and indexes that Latchkey's flow touches, as they were when the floor was
-- laid. They stay when Latchkey's change, because a floor that moves measures nothing.

CREATE TABLE environment (
    id uuid PRIMARY KEY, name varchar(32) NOT NULL, issuer varchar(200) NOT NULL, code_ttl int NOT NULL,
    max_tries smallint NOT NULL, code_length smallint NOT NULL, session_idle_ttl int NOT NULL,
    session_absolute_ttl int NOT NULL
);

CREATE TABLE application_key (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, client_id uuid NOT NULL,
    digest bytea NOT NULL, expires_at timestamptz, revoked_at timestamptz, UNIQUE (environment_id, digest)
);

CREATE TABLE challenge (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, purpose varchar(20) NOT NULL,
    channel varchar(8) NOT NULL, identifier varchar(254) NOT NULL, nonce bytea, key_version smallint NOT NULL,
    code_length smallint NOT NULL, max_tries smallint NOT NULL, tries smallint[] NOT NULL, ttl interval NOT NULL,
    created_at timestamptz NOT NULL, last_sent_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
    renewable_until timestamptz NOT NULL, provisional_user_id uuid NOT NULL, creates_user boolean NOT NULL,
    has_handles boolean NOT NULL
);
CREATE UNIQUE INDEX ON challenge (environment_id, purpose, identifier) WHERE nonce IS NOT NULL;
CREATE INDEX ON challenge (environment_id, created_at);
CREATE INDEX ON challenge (environment_id, identifier, created_at);

CREATE TABLE message (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, channel varchar(8) NOT NULL,
    template varchar(32) NOT NULL, reference uuid NOT NULL, recipient varchar(254) NOT NULL,
    language varchar(16) NOT NULL, state varchar(16) NOT NULL, created_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, attempts int NOT NULL, claim int NOT NULL,
    outcome varchar(200) NOT NULL, segments smallint NOT NULL
);
CREATE INDEX ON message (due_at) WHERE state = 'queued';
CREATE INDEX ON message (environment_id, created_at);

CREATE TABLE end_user (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, created_at timestamptz NOT NULL,
    disabled_at timestamptz
);
CREATE INDEX ON end_user (environment_id, created_at);

CREATE TABLE identifier (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, user_id uuid NOT NULL REFERENCES end_user,
    kind varchar(16) NOT NULL, value varchar(254) NOT NULL, verified_at timestamptz, created_at timestamptz NOT NULL,
    UNIQUE (environment_id, kind, value)
);
CREATE INDEX ON identifier (environment_id, user_id);
CREATE INDEX ON identifier (user_id);

CREATE TABLE session (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, user_id uuid NOT NULL REFERENCES end_user,
    client_id uuid NOT NULL, profile varchar(16) NOT NULL, generation int NOT NULL, key_version smallint NOT NULL,
    secret bytea, created_at timestamptz NOT NULL, rotated_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL, absolute_expires_at timestamptz NOT NULL
);
CREATE INDEX ON session (environment_id, user_id);
CREATE INDEX ON session (user_id);

CREATE TABLE event (
    id uuid PRIMARY KEY, environment_id uuid NOT NULL REFERENCES environment, kind varchar(40) NOT NULL,
    created_at timestamptz NOT NULL, user_id uuid, session_id uuid, client_id uuid, ip inet,
    user_agent varchar(256) NOT NULL, facts jsonb NOT NULL
);
CREATE INDEX ON event (environment_id, created_at);

INSERT INTO environment VALUES (
    '00000000-0000-4000-8000-000000000001', 'production', 'https://example.com', 600, 5, 6, 2592000, 31536000
);
INSERT INTO application_key VALUES (
    '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000003', sha256('pk_live_floor'), NULL, NULL
);
