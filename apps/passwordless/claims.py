"""What a worker takes from the outbox: due messages, with all that is needed to judge and to compose them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model

from apps.challenges.models import Challenge, Purpose
from apps.core.crypto import key_versions
from apps.core.database import rows, stored
from apps.delivery.models import LEASE, Message, MessageQuerySet
from apps.delivery.outcomes import Outcome, parameters
from apps.tenants.models import Environment, Project
from apps.users.models import Person


def _fields(model: type[Model], *wanted: str) -> tuple[str, ...]:
    return tuple(name for _column, name in stored(model) if name in wanted or not wanted)


# What composing reads. Any other field of these would be one more statement for each message, by Django's own deferral.
_MESSAGE = _fields(
    Message,
    *(
        "id",
        "environment_id",
        "channel",
        "template",
        "recipient",
        "language",
        "created_at",
        "expires_at",
        "attempts",
        "claim",
    ),
)
_ENVIRONMENT = _fields(
    Environment,
    *(
        "id",
        "project_id",
        "kind",
        "issuer",
        "sign_up_open",
        "mail_from",
        "mail_url_sealed",
        "sms_domain",
        "sms_provider_sealed",
    ),
)
_PROJECT = _fields(Project, "id", "name", "data_key_sealed")
_CHALLENGE = _fields(
    Challenge,
    *(
        "id",
        "environment_id",
        "purpose",
        "channel",
        "identifier",
        "nonce",
        "key_version",
        "code_length",
        "tries",
        "expires_at",
    ),
)


def _columns(table: str, names: Sequence[str]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


# One statement for a whole batch: claiming, then one query each for the environment, the challenge and the person, cost
# 2.3 ms of CPU for a message, and this 0.3. It is composed here because no app below may know all of these tables.
# A code of a key that was taken out of ENCRYPTION_KEYS cannot be derived any more.
_CLAIM = f"""
    WITH m AS ({MessageQuerySet.CLAIM})
    SELECT {_columns("m", _MESSAGE)}, {_columns("e", _ENVIRONMENT)}, {_columns("p", _PROJECT)},
           {_columns("c", _CHALLENGE)}, i.user_id, i.verified_at IS NOT NULL, u.disabled_at IS NOT NULL,
           EXISTS (SELECT FROM tenants_operator o
                    WHERE m.template = '{Purpose.OPERATOR}' AND o.email = m.recipient AND o.is_active)
      FROM m
      JOIN tenants_environment e ON e.id = m.environment_id
      JOIN tenants_project p ON p.id = e.project_id
      LEFT JOIN challenges_challenge c ON c.id = m.reference AND c.environment_id IS NOT DISTINCT FROM m.environment_id
           AND c.expires_at > now() AND c.key_version = ANY(%(key_versions)s)
      LEFT JOIN users_identifier i ON i.environment_id = m.environment_id AND i.value = m.recipient
           AND i.kind = CASE m.channel WHEN 'email' THEN 'email' ELSE 'phone' END
      LEFT JOIN users_enduser u ON u.id = i.user_id
     ORDER BY m.created_at
"""  # noqa: S608 - only names of columns are put into it.
# With what has ended since the last claim: one round trip and one COMMIT for both. A message whose lease ran out just
# before it was settled could be touched by either part, and PostgreSQL lets one of the two change it: then it is
# settled, or claimed and sent again.
_SETTLE_AND_CLAIM = _CLAIM.replace("WITH m AS", f"WITH settled AS ({MessageQuerySet.SETTLE}), m AS", 1)
_PARTS = (len(_MESSAGE), len(_ENVIRONMENT), len(_PROJECT), len(_CHALLENGE))


@dataclass(frozen=True, slots=True)
class Claimed:
    """`challenge` only while its code may be used. The message's environment and its project are loaded."""

    message: Message
    challenge: Challenge | None
    person: Person | None
    is_operator: bool

    @property
    def environment(self) -> Environment:
        return self.message.environment


def claim(limit: int, ended: Collection[Outcome] = (), full: Collection[uuid.UUID] = ()) -> list[Claimed]:
    """Take at most `limit` due messages, each for the length of LEASE, of all environments but those that are `full`;
    settle what has ended."""
    # Before the statement, so that the lease is never younger than it looks here.
    claimed_at = time.monotonic()
    facts: dict[str, Any] = {"lease": LEASE, "limit": limit, "full": list(full), "key_versions": key_versions()}
    found = rows(_SETTLE_AND_CLAIM, facts | parameters(ended)) if ended else rows(_CLAIM, facts)
    environments: dict[uuid.UUID, Environment] = {}
    return [_read(row, claimed_at, environments) for row in found]


def _read(row: Sequence[Any], claimed_at: float, environments: dict[uuid.UUID, Environment]) -> Claimed:
    """`environments`: those of the rows before this one. To make one takes as long as all else here."""
    parts, start = [], 0
    for length in _PARTS:
        parts.append(row[start : start + length])
        start += length
    message = Message.from_db(connection.alias, _MESSAGE, parts[0])
    if message.environment_id not in environments:
        environment = Environment.from_db(connection.alias, _ENVIRONMENT, parts[1])
        environment.project = Project.from_db(connection.alias, _PROJECT, parts[2])
        environments[message.environment_id] = environment
    message.environment = environments[message.environment_id]
    message.claimed_at = claimed_at
    challenge = Challenge.from_db(connection.alias, _CHALLENGE, parts[3]) if parts[3][0] else None
    if challenge is not None and challenge.nonce is None:
        challenge = None  # Asked in SQL, the planner would look for it among all that are live.
    user_id, is_verified, is_disabled, is_operator = row[start:]
    person = Person(user_id, is_verified, is_disabled) if user_id else None
    return Claimed(message, challenge, person, is_operator)
