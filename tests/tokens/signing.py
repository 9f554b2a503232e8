"""Tokens as a customer's server verifies them, and as an attacker makes them.

Verified by joserfc, which shares no code with us; put together by hand, because no decent library signs such tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jws, jwt
from joserfc.jwk import KeySet

from apps.tokens.signing_keys import Profile, SigningKey
from tests.world import World

Signer = Callable[[bytes], bytes]


def key_set(world: World) -> KeySet:
    """By the way of a client: metadata at the issuer, then the key set that it names."""
    metadata = world.get(".well-known/openid-configuration").json()
    path = metadata["jwks_uri"].removeprefix(world.environment.issuer + "/")
    return KeySet.import_key_set(world.get(path).json())


def verified(world: World, token: str) -> jwt.Token:
    """Raises joserfc's JoseError when the signature is not of a published key."""
    return jwt.decode(token, key_set(world), algorithms=["ES256"])


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified."""
    content = jws.extract_compact(token.encode())
    return dict(content.headers()), json.loads(content.payload)


def own_key(world: World) -> Any:
    """The environment's own private key: with it every check but one can be made to pass."""
    return SigningKey.objects.for_environment(world.environment).get(profile=Profile.ACCESS).private_key()


def es256(key: ec.EllipticCurvePrivateKey) -> Signer:
    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def hs256(secret: bytes) -> Signer:
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def unsigned(_data: bytes) -> bytes:
    return b""


def forged(token: str, sign: Signer, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token like `token` but for some of its header or claims (None takes one away), signed by `sign`."""
    old_header, old_claims = parts(token)
    halves = [_without_nothing({**old_header, **(header or {})}), _without_nothing({**old_claims, **claims})]
    signed = b".".join(_encoded(json.dumps(half).encode()) for half in halves)
    return (signed + b"." + _encoded(sign(signed))).decode()


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def just_expired() -> dict[str, int]:
    now = int(time.time())
    return {"iat": now - 120, "nbf": now - 120, "exp": now - 1}


def stranger() -> str:
    return str(uuid.uuid4())
