"""The public halves of an environment's signing keys."""

from typing import Any

from apps.tenants.models import Environment
from apps.tokens.keyring import ring
from apps.tokens.signing_keys import Profile


def published_keys(environment: Environment) -> list[dict[str, Any]]:
    """JWKs (RFC 7517), newest first."""
    keys = ring(environment, Profile.ACCESS).keys.values()
    return [key.public_jwk for key in sorted(keys, key=lambda key: key.activates_at, reverse=True)]
