"""A SmallPict plug-in: it asks for a code, and trades it for an API key of the person's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.world import World, build

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

SITE = "https://blog.example.com"


@dataclass
class Plugin:
    world: World

    def request(self, email: str, **more: Any) -> Answer:
        return self.world.post("plugin/auth/request-otp", {"email": email, **more}, app_key="")

    def verify(self, email: str, code: str, **more: Any) -> Answer:
        return self.world.post("plugin/auth/verify-otp", {"email": email, "code": code, **more}, app_key="")

    def key(self, email: str, **more: Any) -> str:
        """A new API key of this person's."""
        assert self.request(email).status_code == 200
        return str(self.verify(email, self.world.code(email), **more).json()["api_key"])


def plugin(**policy: Any) -> Plugin:
    """Open to clients without a key, unless the policy says otherwise."""
    return Plugin(build(**{"allows_keyless_clients": True, **policy}))
