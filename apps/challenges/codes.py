"""How a code and a handle follow from a challenge. Neither is stored: the row holds a nonce, and ending it nulls it.

Beside the nonce stands a digest of the code, so that PostgreSQL can compare a guess by itself, in the statement that
redeems it. It is keyed, so it tells nothing to whoever has a dump: the key is what makes codes from nonces, too.
"""

import base64
import binascii
import uuid
from dataclasses import dataclass

from apps.core import crypto

DIGEST_BYTES = 16
HANDLE_MAC_BYTES = 15  # 120 bits; with the rest of the handle a multiple of three, so base64 needs no padding.


@dataclass(frozen=True, slots=True)
class CodeSource:
    """Everything a code depends on: the same code can only come from the same challenge for the same person."""

    environment_id: uuid.UUID
    purpose: str
    channel: str
    identifier: str
    challenge_id: uuid.UUID
    nonce: bytes
    key_version: int
    length: int

    def code(self) -> str:
        """Decimal digits, `length` of them, leading zeros included.

        64 bits modulo 10^10 leave a bias below one in 10^9, which no number of guesses allowed here can use.
        """
        tag = crypto.mac(
            "code",
            self.key_version,
            self.environment_id.bytes,
            self.purpose.encode(),
            self.channel.encode(),
            self.identifier.encode(),
            self.challenge_id.bytes,
            self.nonce,
        )
        return str(int.from_bytes(tag[:8], "big") % 10**self.length).zfill(self.length)


def digest(environment_id: uuid.UUID, purpose: str, identifier: str, key_version: int, code: str) -> bytes:
    """What a row keeps of a code. It names the person and not the challenge, which a guess does not name either."""
    parts = environment_id.bytes, purpose.encode(), identifier.encode(), code.encode()
    return crypto.mac("code-digest", key_version, *parts)[:DIGEST_BYTES]


def handle(environment_id: uuid.UUID, challenge_id: uuid.UUID, send: int, key_version: int) -> str:
    """One start's own name for a challenge (Passage's `otp_id`): 44 URL-safe characters that nobody can make up."""
    head = bytes([key_version]) + challenge_id.bytes + bytes([send])
    tag = crypto.mac("handle", key_version, environment_id.bytes, head)[:HANDLE_MAC_BYTES]
    return base64.urlsafe_b64encode(head + tag).decode()


def read_handle(environment_id: uuid.UUID, text: str) -> tuple[uuid.UUID, int] | None:
    """The challenge id and send number, or None for whatever this environment never issued. Costs no query."""
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        challenge_id, send, version = uuid.UUID(bytes=raw[1:17]), raw[17], raw[0]
        genuine = handle(environment_id, challenge_id, send, version)
    except (binascii.Error, ValueError, IndexError, KeyError):
        return None
    return (challenge_id, send) if crypto.equal(genuine.encode(), text.encode()) else None
