"""Randomness, digests, comparison and sealing: here and nowhere else.

Every secret that the service derives comes from one of the versioned master keys in ENCRYPTION_KEYS, through HKDF
(RFC 5869) with the purpose as `info`: a key for one purpose says nothing about a key for another.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import string
import time
import uuid
import zlib
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
KEY_RANDOM_LENGTH = 32  # 62**32 is 190 bits.
KEY_CHECKSUM_LENGTH = 6  # 62**6 holds a CRC-32.
CLIENT_SECRET_PREFIX = "lkcs"  # noqa: S105 - What scanners know one by.
GCM_NONCE_BYTES = 12

# Argon2id as OWASP's password storage cheat sheet has it for 19 MiB: some 30 ms. Django's own default takes 100 MiB.
_argon2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16)
# The digest of no password that anybody could know, with the same cost to compare as a real one.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 22 + "$" + "A" * 43


def new_id() -> uuid.UUID:
    """A random 128-bit id. It tells neither when nor in which order things were made."""
    return uuid.UUID(bytes=secrets.token_bytes(16))


def new_row_id() -> uuid.UUID:
    """For rows that come by the million and whose age is no secret: the time in milliseconds, then 74 random bits (RFC
    9562 section 5.7, as PostgreSQL's uuidv7() makes them). New rows stand together in their index, where random ids
    would have each write another page of it.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(secrets.token_bytes(10), "big")
    version_7, variant = 0x7 << 76, 0b10 << 62
    low = random & ~(0xF << 76) & ~(0b11 << 62)
    return uuid.UUID(int=milliseconds << 80 | version_7 | variant | low)


def random_bytes(length: int) -> bytes:
    return secrets.token_bytes(length)


def equal(left: bytes, right: bytes) -> bool:
    """Compare in constant time. Bytes only: `compare_digest` raises on text that is not ASCII."""
    return hmac.compare_digest(left, right)


def digest(secret: str) -> bytes:
    """The stored form of a key: its own 190 bits are what protects it, so a plain SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).digest()


def proof_of(secret: bytes, of_what: bytes) -> bytes:
    """That whoever made it knew the random `secret`: SHA-256 of both, as PostgreSQL's sha256() makes it, too. One
    secret is used for one length of `of_what`, so a proof cannot be made longer."""
    return hashlib.sha256(secret + of_what).digest()


def password_digest(password: str) -> str:
    """Argon2id with its own salt and parameters in it. It takes 19 MiB and some 30 ms: see `apps.core.passwords`."""
    return _argon2.hash(_password_bytes(password))


def is_password(password: str, encoded: str) -> bool:
    """Whether `encoded` is a digest of `password`. An empty one is of nobody, and costs as much to find out."""
    try:
        return _argon2.verify(encoded or _NOBODYS, _password_bytes(password)) and bool(encoded)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated_digest(encoded: str) -> bool:
    """Whether it was made with other parameters than are in use now."""
    return _argon2.check_needs_rehash(encoded)


def _password_bytes(password: str) -> bytes:
    # A lone surrogate is in no password that was accepted, and its bytes here are those of no other text.
    return password.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1)
def _master_keys() -> dict[int, bytes]:
    try:
        pairs = [entry.split(":", 1) for entry in settings.ENCRYPTION_KEYS]
        keys = {int(version): base64.b64decode(key, validate=True) for version, key in pairs}
    except (ValueError, binascii.Error):
        # The cause would quote the value of the variable, which is the key.
        raise ImproperlyConfigured("ENCRYPTION_KEYS must be <version>:<base64>, comma separated.") from None
    if not keys or any(len(key) != 32 or not 0 < version < 256 for version, key in keys.items()):  # noqa: PLR2004 - Bytes of AES-256 and of the version.
        raise ImproperlyConfigured("ENCRYPTION_KEYS needs versions from 1 to 255, each with a key of 32 bytes.")
    return keys


def current_key_version() -> int:
    """The version that new rows are derived and sealed with: the first one listed."""
    return next(iter(_master_keys()))


def key_versions() -> list[int]:
    """The versions that something can still be derived with."""
    return list(_master_keys())


@lru_cache(maxsize=256)
def derived_key(purpose: str, version: int) -> bytes:
    """32 bytes for one purpose. Raises KeyError when that version has been taken out of ENCRYPTION_KEYS."""
    master = _master_keys()[version]
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"latchkey/" + purpose.encode()).derive(master)


def mac(purpose: str, version: int, *parts: bytes) -> bytes:
    """HMAC-SHA256 over length-prefixed parts, so that no two different lists of parts are ever the same input."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(derived_key(purpose, version), message, "sha256")


def pseudonym(value: str) -> str:
    """A name for `value` that may be shown to Redis: stable, and useless without the master key."""
    return mac("pseudonym", current_key_version(), value.encode()).hex()[:32]


def seal(key: bytes, plaintext: bytes, *, table: str, column: str, row: uuid.UUID) -> bytes:
    """AES-256-GCM, nonce first. The associated data ties the value to its place: it opens in no other row."""
    nonce = secrets.token_bytes(GCM_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, _place(table, column, row))


def unseal(key: bytes, sealed: bytes, *, table: str, column: str, row: uuid.UUID) -> bytes:
    """The reverse of `seal`. Raises ValueError for a value that was changed, or was sealed for another place."""
    try:
        return AESGCM(key).decrypt(sealed[:GCM_NONCE_BYTES], sealed[GCM_NONCE_BYTES:], _place(table, column, row))
    except InvalidTag:
        raise ValueError(f"{table}.{column} does not open here") from None


def _place(table: str, column: str, row: uuid.UUID) -> bytes:
    return f"{table}/{column}/{row}".encode()


def wrap_data_key(data_key: bytes, project_id: uuid.UUID) -> bytes:
    """Seal a project's data key under the current master key; the first byte names the version."""
    version = current_key_version()
    sealed = seal(derived_key("wrap", version), data_key, table="project", column="data_key_sealed", row=project_id)
    return bytes([version]) + sealed


@lru_cache(maxsize=1024)
def unwrap_data_key(wrapped: bytes, project_id: uuid.UUID) -> bytes:
    """The reverse of `wrap_data_key`; remembered, because every sealed value of a project needs it."""
    key = derived_key("wrap", wrapped[0])
    return unseal(key, wrapped[1:], table="project", column="data_key_sealed", row=project_id)


def new_key(prefix: str) -> str:
    """`<prefix>_` + 32 random base62 characters + a CRC-32 in 6 more.

    Secret scanners find keys by the pattern in the README; the checksum lets junk be refused without a query.
    """
    return key_from_random(f"{prefix}_", "".join(secrets.choice(BASE62) for _ in range(KEY_RANDOM_LENGTH)))


def new_client_secret() -> str:
    """The same in letters and digits only, because clients disagree on how to encode others for HTTP Basic."""
    return key_from_random(CLIENT_SECRET_PREFIX, "".join(secrets.choice(BASE62) for _ in range(KEY_RANDOM_LENGTH)))


def derived_key_text(prefix: str, row: uuid.UUID, turn: int) -> str:
    """A key that can be printed again although only its digest is stored: for the demo world, and for nothing else."""
    return key_from_random(f"{prefix}_", _derived_random(prefix, row, turn))


def derived_client_secret(row: uuid.UUID, turn: int) -> str:
    """The same for a client's secret."""
    return key_from_random(CLIENT_SECRET_PREFIX, _derived_random(CLIENT_SECRET_PREFIX, row, turn))


def _derived_random(prefix: str, row: uuid.UUID, turn: int) -> str:
    number = int.from_bytes(mac("demo", current_key_version(), prefix.encode(), row.bytes, bytes([turn])), "big")
    return _base62(number, KEY_RANDOM_LENGTH)


def key_from_random(prefix: str, randomness: str) -> str:
    body = prefix + randomness
    return body + _checksum(body)


def is_well_formed_key(key: str) -> bool:
    """Whether the checksum is right. It saves the query for junk, and proves nothing else."""
    if not key.isascii():
        return False
    body, checksum = key[:-KEY_CHECKSUM_LENGTH], key[-KEY_CHECKSUM_LENGTH:]
    return equal(_checksum(body).encode(), checksum.encode())


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), KEY_CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
