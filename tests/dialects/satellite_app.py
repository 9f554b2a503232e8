"""A Satellite client in a world of its own: it has an id and a secret, and may use every grant."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.oauth_clients import Grant, OAuthClient
from tests.world import World, build, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

FORM = "application/x-www-form-urlencoded"
ALL = list(Grant.values)


@dataclass
class Satellite:
    world: World
    row: OAuthClient
    secret: str

    @property
    def client_id(self) -> str:
        return self.row.client_id

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.client_id, "client_secret": self.secret}

    @property
    def basic(self) -> str:
        return basic(self.client_id, self.secret)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """JSON, unless `body` is bytes of something else."""
        data = body if isinstance(body, bytes) else json.dumps(body)
        content_type = headers.pop("content_type", "application/json")
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
        answer: Answer = client().post(f"{self.world.root}/{path}", data, content_type=content_type, headers=sent)
        return answer

    def form(self, path: str, body: dict[str, str], **headers: str) -> Answer:
        return self.post(path, urlencode(body).encode(), content_type=FORM, **headers)

    def token(self, grant_type: str, **parameters: Any) -> Answer:
        return self.post("oauth/v2/token", {"grant_type": grant_type, **self.credentials, **parameters})

    def form_token(self, grant_type: str, **parameters: str) -> Answer:
        return self.form("oauth/v2/token", {"grant_type": grant_type, **self.credentials, **parameters})

    def password(self, username: str, password: str, **parameters: Any) -> Answer:
        return self.token("password", username=username, password=password, **parameters)

    def refresh(self, token: str, **parameters: Any) -> Answer:
        return self.token("refresh_token", refresh_token=token, **parameters)

    def own_token(self, **parameters: Any) -> str:
        return str(self.token("client_credentials", **parameters).json()["access_token"])

    def send(self, body: Any, *, bearer: str | None = None) -> Answer:
        return self.post("otp/send", body, Authorization=f"Bearer {bearer or self.own_token()}")

    def code(self, email: str) -> str:
        """Sent anew."""
        assert self.send({"email": email}).status_code == 200
        return self.world.code(email)

    def signed_in(self, email: str, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.password(email, self.code(email), **parameters).content)
        return answer

    def introspect(self, token: str, **headers: str) -> Answer:
        return self.form("oauth/v2/introspect", {"token": token}, **(headers or {"Authorization": self.basic}))

    def is_active(self, token: str) -> bool:
        """As a server hears it that may ask about everything."""
        environment = self.world.environment
        _key, secret = ApiKey.objects.mint(environment, name="Asking", scopes=[Scope.INTROSPECT])
        return bool(self.introspect(token, Authorization=f"Bearer {secret}").json()["active"])

    def revoke(self, token: str, **headers: str) -> Answer:
        return self.form("oauth/v2/revoke", {"token": token}, **(headers or {"Authorization": self.basic}))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def satellite(*, grants: list[str] | None = None, scopes: list[str] | None = None, **policy: Any) -> Satellite:
    return another(build(otp_send=True, **policy), grants=grants, scopes=scopes)


def another(world: World, *, grants: list[str] | None = None, scopes: list[str] | None = None) -> Satellite:
    """A client in a world that is there already."""
    grants = ALL if grants is None else grants
    row, secret = OAuthClient.objects.register(world.environment, name="Test client", grants=grants, scopes=scopes)
    return Satellite(world, row, secret)
