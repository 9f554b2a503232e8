"""The form of a refresh token: derived from its session's row, never stored.

Strict base64url of: key version (1 byte), session id (16), generation (4), tag (16), proof (32).
The proof is SHA-256 of the session's random secret and what stands before the tag; it needs no key, so PostgreSQL can
compare it in the statement that rotates. The tag is an HMAC of all of it; it needs no row, so junk is refused without a
query. Neither a dump of the database nor the key alone makes a token, and revocation, which nulls the secret, unmakes
all of them.
"""

import base64
import binascii
import uuid
from dataclasses import dataclass, field

from apps.core import crypto
from apps.core.errors import InvalidRefreshToken

HEAD_BYTES = 1 + 16 + 4
TAG_BYTES = 16
PROOF_BYTES = 32
TOKEN_LENGTH = (HEAD_BYTES + TAG_BYTES + PROOF_BYTES) * 4 // 3


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token whose tag is right: it was made here. Whether it opens anything is for its session to say."""

    head: bytes
    proof: bytes = field(repr=False)

    @property
    def key_version(self) -> int:
        return self.head[0]

    @property
    def session_id(self) -> uuid.UUID:
        return uuid.UUID(bytes=self.head[1:17])

    @property
    def generation(self) -> int:
        return int.from_bytes(self.head[17:], "big")


def make(environment_id: uuid.UUID, session_id: uuid.UUID, generation: int, key_version: int, secret: bytes) -> str:
    head = bytes([key_version]) + session_id.bytes + generation.to_bytes(4, "big")
    proof = crypto.proof_of(secret, head)
    return base64.urlsafe_b64encode(head + _tag(environment_id, head, proof) + proof).decode()


def read(environment_id: uuid.UUID, text: str) -> RefreshToken:
    """Raises InvalidRefreshToken for junk and for another environment's token. Costs no query."""
    try:
        raw = _decode(text)
        head, tag, proof = raw[:HEAD_BYTES], raw[HEAD_BYTES:-PROOF_BYTES], raw[-PROOF_BYTES:]
        genuine = crypto.equal(_tag(environment_id, head, proof), tag)
    except (ValueError, KeyError):
        raise InvalidRefreshToken from None
    if not genuine:
        raise InvalidRefreshToken
    return RefreshToken(head, proof)


def _tag(environment_id: uuid.UUID, head: bytes, proof: bytes) -> bytes:
    return crypto.mac("refresh", head[0], head, environment_id.bytes, proof)[:TAG_BYTES]


def _decode(text: str) -> bytes:
    """One text for one token: its bytes fill the last character, and nothing else may be in it."""
    # b64decode translates `altchars` and takes the usual two as well.
    if len(text) != TOKEN_LENGTH or "+" in text or "/" in text:
        raise ValueError
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except binascii.Error:
        raise ValueError from None
