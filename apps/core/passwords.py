"""What a password may be, and the room for computing with them (NIST SP 800-63B-4 section 3.1.1).

Argon2 is meant to be slow and large, so a process does only a few at a time: logins shall not take the machine from
everybody else.
"""

from __future__ import annotations

import gzip
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from django.contrib.auth import password_validation

from apps.core import crypto
from apps.core.errors import ServiceUnavailable, WeakPassword

SHORTEST, LONGEST = 8, 128
AT_ONCE = 2
PATIENCE_SECONDS = 2.0

_room = threading.BoundedSemaphore(AT_ONCE)


def digest(password: str) -> str:
    """The stored form of a new password. Raises WeakPassword for one that is refused, and ServiceUnavailable."""
    normal = normalized(password)
    if not SHORTEST <= len(normal) <= LONGEST:
        raise WeakPassword(f"A password has {SHORTEST} to {LONGEST} characters.", field="password")
    if normal.casefold() in _common():
        raise WeakPassword(field="password")
    with _place():
        return crypto.password_digest(normal)


def is_right(password: str, encoded: str) -> bool:
    """Compare, at the cost of one Argon2 whatever `encoded` is; empty for nobody. Raises ServiceUnavailable."""
    with _place():
        return crypto.is_password(normalized(password), encoded)


def refreshed(password: str, encoded: str) -> str:
    """The digest of a right password under today's parameters; the same one while those are today's, or there is no
    room to make another: it is not worth a refusal."""
    if not crypto.is_outdated_digest(encoded):
        return encoded
    try:
        with _place():
            return crypto.password_digest(normalized(password))
    except ServiceUnavailable:
        return encoded


def normalized(password: str) -> str:
    """One form for what looks the same and is typed differently on another keyboard: NFKC, as section 3.1.1.2 says."""
    return unicodedata.normalize("NFKC", password)


@contextmanager
def _place() -> Iterator[None]:
    if not _room.acquire(timeout=PATIENCE_SECONDS):
        raise ServiceUnavailable
    try:
        yield
    finally:
        _room.release()


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """The 20,000 passwords that Django ships, those that are long enough to be tried here."""
    path = Path(password_validation.__file__).with_name("common-passwords.txt.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return frozenset(word for line in lines if len(word := line.strip().casefold()) >= SHORTEST)
