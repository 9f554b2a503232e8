"""Signing keys: one ring per environment and profile. The row of a key fixes what its tokens must say."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from jwt.algorithms import get_default_algorithms

from apps.core.crypto import new_id
from apps.tenants.models import Environment
from apps.tenants.querysets import EnvironmentQuerySet

# Clients cache a key set for minutes (PyJWKClient 5, most servers an hour); a key is published this long before use.
PUBLISHED_AHEAD = timedelta(hours=24)
# When a key's row no longer says what it should: as long as our own processes and documents remember the old ring.
PUBLISHED_SOON = timedelta(minutes=7)
# The upper bound of Environment.access_token_ttl and an hour for clocks: the policy may change before the key ends.
LONGEST_TOKEN = timedelta(hours=25)


class Profile(models.TextChoices):
    """What kind of token a key signs. Two profiles never share a key, so one kind can never pass for another."""

    ACCESS = "at+jwt"
    PASSAGE = "passage"


@dataclass(frozen=True, slots=True)
class ProfileRules:
    algorithm: str
    typ: str


# Of RFC 7638 section 3.2, for the two kinds of keys there are.
REQUIRED_MEMBERS = ("crv", "e", "kty", "n", "x", "y")
RULES = {
    Profile.ACCESS: ProfileRules(algorithm="ES256", typ="at+jwt"),
    # passage-js insists on this pair (contracts/clients.md, trap 8).
    Profile.PASSAGE: ProfileRules(algorithm="RS256", typ="JWT"),
}


def issuer(environment: Environment, profile: Profile) -> str:
    return environment.passage_issuer if profile is Profile.PASSAGE else environment.issuer


def audience(environment: Environment, profile: Profile) -> list[str]:
    """Passage's SDKs look for the app id or for the product's origin, by their age (contracts/clients.md, trap 7)."""
    if profile is Profile.ACCESS:
        return [environment.issuer]
    return [environment.id.hex, *([environment.auth_origin] if environment.auth_origin else [])]


class SigningKeyQuerySet(EnvironmentQuerySet["SigningKey"]):
    def published(self) -> SigningKeyQuerySet:
        """Next, current and retired keys whose tokens may still be alive: newest first."""
        now = timezone.now()
        alive = models.Q(retires_at=None) | models.Q(retires_at__gt=now)
        return self.filter(alive).order_by("-activates_at")

    def add(self, environment: Environment, profile: Profile, *, ahead: timedelta = PUBLISHED_AHEAD) -> SigningKey:
        """A fresh key: current when it is the first, else next, for the sake of everybody's caches."""
        now = timezone.now()
        # A key that has not signed yet is of no use beside this one, and would take over from it later.
        self.for_environment(environment).filter(profile=profile, activates_at__gt=now).delete()
        before = self.for_environment(environment).filter(profile=profile, retires_at=None)
        activates_at = now + ahead if before.exists() else now
        before.update(retires_at=activates_at + LONGEST_TOKEN)
        key = SigningKey(environment=environment, profile=profile, activates_at=activates_at)
        key.generate()
        key.save(force_insert=True)
        return key

    def disown(self, environment: Environment) -> int:
        """Retire every key at once, signed tokens and all: for a theft. Other processes notice within a minute."""
        return self.for_environment(environment).published().update(retires_at=timezone.now())


class SigningKey(models.Model):
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="+", db_index=False)
    profile = models.CharField(max_length=16, choices=Profile.choices)
    kid = models.CharField(max_length=43, editable=False, help_text="RFC 7638 thumbprint.")
    algorithm = models.CharField(max_length=8)
    typ = models.CharField(max_length=16)
    issuer = models.CharField(max_length=200)
    audience = ArrayField(models.CharField(max_length=200))
    private_sealed = models.BinaryField(editable=False)
    public_jwk = models.JSONField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    activates_at = models.DateTimeField()
    retires_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[SigningKeyQuerySet] = SigningKeyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = (models.UniqueConstraint(fields=["environment", "profile", "kid"], name="signing_key_kid"),)

    def __str__(self) -> str:
        return f"{self.profile} {self.kid[:8]}"

    def generate(self) -> None:
        """Make the key pair and copy what its tokens must say from the profile and the environment."""
        rules = RULES[Profile(self.profile)]
        private = _new_private_key(rules.algorithm)
        self.algorithm, self.typ = rules.algorithm, rules.typ
        self.issuer = issuer(self.environment, Profile(self.profile))
        self.audience = audience(self.environment, Profile(self.profile))
        self.public_jwk = _public_jwk(private, rules.algorithm)
        self.kid = self.public_jwk["kid"]
        pkcs8 = private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.private_sealed = self.environment.seal(pkcs8, "signing_key", "private_sealed", self.id)

    def private_key(self) -> Any:
        """The opened key, for PyJWT. Slow for RSA (50 ms of consistency checks): the key ring keeps it."""
        pkcs8 = self.environment.unseal(bytes(self.private_sealed), "signing_key", "private_sealed", self.id)
        # The seal is authenticated: what opens is what we generated, so the checks of RSA need no repeating.
        return serialization.load_der_private_key(pkcs8, password=None, unsafe_skip_rsa_key_validation=True)

    def public_key(self) -> Any:
        return get_default_algorithms()[self.algorithm].from_jwk(self.public_jwk)


def _new_private_key(algorithm: str) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _public_jwk(private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, algorithm: str) -> dict[str, Any]:
    exported: dict[str, Any] = get_default_algorithms()[algorithm].to_jwk(private.public_key(), as_dict=True)
    members: dict[str, Any] = {name: exported[name] for name in REQUIRED_MEMBERS if name in exported}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    kid = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    return {**members, "kid": kid, "use": "sig", "alg": algorithm}
