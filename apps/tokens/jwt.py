"""Access tokens: JWTs (RFC 7519, profile RFC 9068) by simplejwt's Token over a backend that knows one key."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from jwt.utils import base64url_decode
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import Token

from apps.core import crypto
from apps.core.errors import InvalidToken
from apps.tenants.models import Environment
from apps.tokens.keyring import KeyRing, key_named, ring
from apps.tokens.signing_keys import Profile, SigningKey
from apps.tokens.verified import Claims, verified

REQUIRED_CLAIMS = ["exp", "iat", "nbf", "jti", "sub", "iss", "aud"]
# Headers that let a token bring its own key or its own rules (RFC 7515 section 4.1, RFC 8725 section 3.10).
REFUSED_HEADERS = {"jku", "jwk", "x5u", "x5c", "crit"}
MAX_TOKEN_LENGTH = 4096
NO_CLAIMS: Mapping[str, Any] = {}
STANDARD_CLAIMS = {*REQUIRED_CLAIMS, "sid", "client_id", "scope"}


class KeyBackend(TokenBackend):
    """simplejwt's backend for exactly one key: it writes `kid` and `typ`, and insists on both."""

    def __init__(self, ring: KeyRing, key: SigningKey) -> None:
        super().__init__(key.algorithm, audience=key.audience, issuer=key.issuer)
        self.ring, self.key = ring, key

    def encode(self, payload: dict[str, Any]) -> str:
        claims = {**payload, "iss": self.issuer, "aud": self.audience}
        headers = {"kid": self.key.kid, "typ": self.key.typ}
        return jwt.encode(claims, self.ring.private(self.key), algorithm=self.algorithm, headers=headers)

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        try:
            decoded = jwt.decode_complete(
                token,
                self.ring.public(self.key),
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": REQUIRED_CLAIMS},
            )
        except jwt.InvalidTokenError:
            raise TokenBackendError("Token is invalid") from None
        header, claims = decoded["header"], decoded["payload"]
        if (header.get("kid"), header.get("typ")) != (self.key.kid, self.key.typ) or REFUSED_HEADERS & header.keys():
            raise TokenBackendError("Token is invalid")
        return dict(claims)


class AccessToken(Token):
    """`typ` in the header tells the kind (RFC 9068 section 2.1), so simplejwt's own claim for it is left out."""

    token_type = "access"  # noqa: S105
    lifetime = timedelta(hours=1)

    def __init__(self, backend: KeyBackend, token: Any = None) -> None:
        self.backend = backend
        super().__init__(token)
        self.payload.pop("token_type", None)

    def get_token_backend(self) -> TokenBackend:
        return self.backend

    def verify_token_type(self) -> None:
        """Decided by the header before the signature was looked at."""


@dataclass(frozen=True, slots=True)
class SignedToken:
    text: str
    expires_at: int
    """Seconds since the epoch, as in `exp`."""


def signer(environment: Environment, profile: Profile) -> KeyBackend:
    """The backend of the current key. Ask for it before a transaction, so that no lock waits for a key to be read."""
    keys = ring(environment, profile)
    return KeyBackend(keys, keys.current())


def sign(
    backend: KeyBackend,
    *,
    client_id: uuid.UUID,
    ttl: int,
    subject: uuid.UUID | None = None,
    session_id: uuid.UUID | None = None,
    scope: str = "",
    extra: Mapping[str, Any] = NO_CLAIMS,
) -> SignedToken:
    """`extra` claims of a dialect stand beside ours, and never in the place of one.

    A client is called what it calls itself on the wire, also as the subject of its own tokens (RFC 9068 section 2.2).
    """
    token = AccessToken(backend)
    token.payload |= {name: value for name, value in extra.items() if name not in STANDARD_CLAIMS}
    token.set_exp(lifetime=timedelta(seconds=ttl))
    token["nbf"] = token["iat"]
    token["client_id"] = client_id.hex
    token["sub"] = str(subject) if subject else client_id.hex
    if session_id:
        token["sid"] = str(session_id)
    if scope:
        token["scope"] = scope
    return SignedToken(str(token), token["exp"])


def read(environment: Environment, profile: Profile, text: str) -> Claims:
    """Check form, key, signature, typ, iss, aud and time. Raises InvalidToken. Junk costs no query."""
    if len(text) > MAX_TOKEN_LENGTH:
        raise InvalidToken
    try:
        digest = crypto.digest(text)
        return verified.recall(environment, profile, digest) or _verify(environment, profile, text, digest)
    except (jwt.InvalidTokenError, TokenError, KeyError, ValueError):
        raise InvalidToken from None


def _verify(environment: Environment, profile: Profile, text: str, digest: bytes) -> Claims:
    keys, key = key_named(environment, profile, _kid(text))
    claims = _claims(AccessToken(KeyBackend(keys, key), text).payload)
    verified.remember(keys, digest, claims)
    return claims


def _kid(text: str) -> str:
    """Which key to verify with. PyJWT could tell as well, but at the price of all of the token; it reads the header
    again, by stricter rules, and what it reads there is what counts."""
    try:
        header = json.loads(base64url_decode(text.partition(".")[0]))
    except RecursionError:
        raise ValueError from None
    if not isinstance(header, dict):
        raise ValueError
    return str(header["kid"])


def _claims(payload: Mapping[str, Any]) -> Claims:
    return Claims(
        subject=uuid.UUID(str(payload["sub"])),
        issuer=payload["iss"],
        audience=payload["aud"],
        session_id=uuid.UUID(str(payload["sid"])) if "sid" in payload else None,
        client_id=uuid.UUID(str(payload["client_id"])),
        scope=str(payload.get("scope", "")),
        token_id=str(payload["jti"]),
        issued_at=payload["iat"],
        expires_at=payload["exp"],
    )
