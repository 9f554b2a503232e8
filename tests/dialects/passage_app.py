"""An environment as Passage's clients address it: by app id, and without a key where it allows that."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.world import World, build, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


@dataclass
class App:
    world: World
    app_key: str = ""

    @property
    def root(self) -> str:
        return f"/v1/apps/{self.world.environment.id.hex}"

    @property
    def headers(self) -> dict[str, str]:
        return {"APP-KEY": self.app_key} if self.app_key else {}

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        data = json.dumps(body)
        answer: Answer = client().post(
            f"{self.root}/{path}", data, content_type="application/json", headers=self.headers
        )
        return answer

    def registered(self, identifier: str) -> str:
        """The `otp_id` of a registration."""
        return str(self.post("register/otp", {"identifier": identifier}).json()["otp_id"])

    def activate(self, otp_id: str, code: str) -> Answer:
        return self.post("otp/activate", {"otp": code, "otp_id": otp_id})

    def signed_in(self, identifier: str) -> dict[str, Any]:
        otp_id = self.registered(identifier)
        result: dict[str, Any] = self.activate(otp_id, self.world.code(identifier)).json()["auth_result"]
        return result

    def get(self) -> Answer:
        answer: Answer = client().get(self.root, headers=self.headers)
        return answer

    def revoke(self, token: str) -> Answer:
        query = {"refresh_token": token}
        answer: Answer = client().delete(f"{self.root}/tokens", query_params=query, headers=self.headers)
        return answer

    def refresh(self, token: str) -> Answer:
        return self.post("tokens", {"refresh_token": token})


def app(**policy: Any) -> App:
    """With an origin, and open to clients without a key, unless the policy says otherwise."""
    return App(build(**{"allows_keyless_clients": True, "auth_origin": "https://shop.example.com", **policy}))
