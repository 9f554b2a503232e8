"""The public halves of an environment's signing keys."""

import base64
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from apps.tenants.models import Environment
from apps.tokens.keyring import ring
from apps.tokens.signing_keys import Profile


def published_keys(environment: Environment, profile: Profile) -> list[dict[str, Any]]:
    """JWKs (RFC 7517), newest first."""
    keys = ring(environment, profile).keys.values()
    return [key.public_jwk for key in sorted(keys, key=lambda key: key.activates_at, reverse=True)]


def public_key_pem(environment: Environment, profile: Profile) -> str:
    """The current key, as base64 of its PEM."""
    pem = (
        ring(environment, profile).current().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(pem).decode()
