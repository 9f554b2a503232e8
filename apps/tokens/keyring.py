"""Signing keys, read and parsed once per process and minute.

A minute is safe because a key is published long before it signs; one that has to sign at once is looked for again when
a token names it. An empty ring is never remembered.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from apps.core.errors import ServiceUnavailable
from apps.tenants.models import Environment
from apps.tokens.signing_keys import Profile, SigningKey

FRESH_SECONDS = 60
# A key that signs at once is unknown to the other processes: they look again, but junk makes them look only so often.
LOOK_AGAIN_SECONDS = 1
MAX_RINGS = 2048


@dataclass
class KeyRing:
    keys: dict[str, SigningKey]
    read_at: float = field(default_factory=time.monotonic)
    opened: dict[str, Any] = field(default_factory=dict)
    parsed: dict[str, Any] = field(default_factory=dict)

    def current(self) -> SigningKey:
        """The newest key that may sign already."""
        now = timezone.now()
        active = [key for key in self.keys.values() if key.activates_at <= now]
        if not active:
            raise ServiceUnavailable
        return max(active, key=lambda key: key.activates_at)

    def private(self, key: SigningKey) -> Any:
        if key.kid not in self.opened:
            self.opened[key.kid] = key.private_key()
        return self.opened[key.kid]

    def public(self, key: SigningKey) -> Any:
        if key.kid not in self.parsed:
            self.parsed[key.kid] = key.public_key()
        return self.parsed[key.kid]


def key_named(environment: Environment, profile: Profile, kid: str) -> tuple[KeyRing, SigningKey]:
    """The published key with this `kid`. Raises KeyError."""
    keys = ring(environment, profile)
    if kid not in keys.keys and time.monotonic() - keys.read_at > LOOK_AGAIN_SECONDS:
        forget(environment)
        keys = ring(environment, profile)
    return keys, keys.keys[kid]


_rings: OrderedDict[tuple[uuid.UUID, str], KeyRing] = OrderedDict()


def ring(environment: Environment, profile: Profile) -> KeyRing:
    """The published keys of one environment and profile, by kid."""
    place = (environment.id, profile.value)
    known = _rings.get(place)
    if known and known.keys and time.monotonic() - known.read_at < FRESH_SECONDS:
        return known
    keys = SigningKey.objects.for_environment(environment).filter(profile=profile).published()
    fresh = KeyRing({key.kid: key for key in keys.select_related("environment__project")})
    _rings[place] = fresh
    while len(_rings) > MAX_RINGS:
        _rings.popitem(last=False)
    return fresh


def forget(environment: Environment) -> None:
    """Read this environment's keys anew on the next use, in this process."""
    # By name and not by a look through all of them, which other threads are changing meanwhile.
    for profile in Profile:
        _rings.pop((environment.id, profile.value), None)
