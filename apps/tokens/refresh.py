"""The form of a refresh token: derived from its session's row, never stored.

Strict base64url of: key version (1 byte), session id (16), generation (4), check tag (6), HMAC-SHA256 (32).
The check tag needs no row, so junk is refused without a query. The HMAC covers the session's random secret, so neither
a dump of the database nor the key alone makes a token, and revocation, which nulls the secret, unmakes all of them.
"""

import base64
import binascii
import uuid
from dataclasses import dataclass

from apps.core import crypto
from apps.core.errors import InvalidRefreshToken

CHECK_BYTES = 6
MAC_BYTES = 32
HEAD_BYTES = 1 + 16 + 4
TOKEN_BYTES = HEAD_BYTES + CHECK_BYTES + MAC_BYTES
TOKEN_LENGTH = -(-TOKEN_BYTES * 8 // 6)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token whose check tag is right: it was made here. Whether it opens anything is for its session to say."""

    key_version: int
    session_id: uuid.UUID
    generation: int
    mac: bytes


def make(environment_id: uuid.UUID, session_id: uuid.UUID, generation: int, key_version: int, secret: bytes) -> str:
    head = bytes([key_version]) + session_id.bytes + generation.to_bytes(4, "big")
    check = _check_tag(environment_id, head)
    raw = head + check + crypto.mac("refresh", key_version, head + check, environment_id.bytes, secret)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def read(environment_id: uuid.UUID, text: str) -> RefreshToken:
    """Raises InvalidRefreshToken for junk and for another environment's token. Costs no query."""
    try:
        raw = _decode(text)
        head, check, mac = raw[:HEAD_BYTES], raw[HEAD_BYTES : HEAD_BYTES + CHECK_BYTES], raw[-MAC_BYTES:]
        genuine = crypto.equal(_check_tag(environment_id, head), check)
    except (ValueError, KeyError):
        raise InvalidRefreshToken from None
    if not genuine:
        raise InvalidRefreshToken
    return RefreshToken(head[0], uuid.UUID(bytes=head[1:17]), int.from_bytes(head[17:], "big"), mac)


def _check_tag(environment_id: uuid.UUID, head: bytes) -> bytes:
    return crypto.mac("refresh-check", head[0], head, environment_id.bytes)[:CHECK_BYTES]


def _decode(text: str) -> bytes:
    """One text for one token: the last character's unused bits must be zero, and nothing else may be in it."""
    if len(text) != TOKEN_LENGTH:
        raise ValueError
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise ValueError
    return raw
