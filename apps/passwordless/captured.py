"""Captured messages, for whoever holds an API key with the scope to read them. Production captures nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from apps.core.errors import InvalidToken
from apps.core.identifiers import Contact
from apps.delivery.models import CapturedMessage
from apps.tenants.models import Address, Environment
from apps.tokens.api_keys import ApiKey, Scope

NEWEST = 50


@dataclass(frozen=True, slots=True)
class Captured:
    id: uuid.UUID
    recipient: str
    sent_at: datetime
    body: bytes
    """JSON: subject, text, html, code."""


def reader(secret: str, address: Address, ip: str = "") -> Environment:
    """The environment whose captured messages this API key reads. Raises InvalidToken."""
    key = ApiKey.objects.server(secret, address, Scope.READ_MESSAGES, ip)
    if key.environment.is_production:
        raise InvalidToken
    return key.environment


def messages(environment: Environment, *, recipient: Contact | None) -> list[Captured]:
    rows = CapturedMessage.objects.for_environment(environment).fresh().order_by("-created_at")
    if recipient is not None:
        rows = rows.filter(recipient=recipient.value)
    return [_open(environment, row) for row in rows[:NEWEST]]


def _open(environment: Environment, row: CapturedMessage) -> Captured:
    row.environment = environment
    return Captured(row.id, row.recipient, row.created_at, row.unseal())
