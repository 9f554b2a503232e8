"""An SMTPD client: tokens by name and secret or by API key, and what may be done with them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from apps.tokens.api_keys import ApiKey, Scope
from apps.users.models import Identifier
from tests.world import World, build, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

KEYS = "api/v1/account/api_key"
INCORRECT = (403, {"code": 40102, "message": "Username and password are incorrect"})
BAD_REFRESH = {"code": 40106, "message": "Refresh token is invalid"}
# The vendor's own sample of an API key.
SAMPLE = "RPqH8iq9xHd7ayjQc2Qkg4j>jv/HUdWH"


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@dataclass
class Account:
    world: World

    def send(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: str
    ) -> Answer:
        """A body that is a string is a form, bytes are as they are, and anything else is JSON."""
        content_type = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
        data = body if isinstance(body, str | bytes) else b"" if body is None else json.dumps(body)
        answer: Answer = client().generic(
            method, f"{self.world.root}/{path}", data, content_type, headers=headers or {}, query_params=query
        )
        return answer

    def token(self, body: Any = None, headers: dict[str, str] | None = None, grant: str = "password") -> Answer:
        return self.send("POST", "oauth/token", body, headers, grant_type=grant)

    def code(self, email: str) -> str:
        """The code of a sign-in that this person has just begun."""
        self.world.sign_up(email)
        return self.world.code(email)

    def signed_in(self, email: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.token(headers=basic(email, self.code(email))).json()
        return answer

    def refresh(self, token: str, headers: dict[str, str] | None = None) -> Answer:
        return self.token({"refresh_token": token}, headers, grant="refresh_token")

    def revoke(self, token: str, headers: dict[str, str] | None = None) -> Answer:
        return self.send("POST", "oauth/revoke", {"refresh_token": token}, headers)

    def me(self, headers: dict[str, str]) -> Answer:
        return self.send("GET", "oauth/me", headers=headers)

    def key(self, email: str, *scopes: str, **facts: Any) -> str:
        """An API key of somebody who is known already."""
        user_id = Identifier.objects.get(environment=self.world.environment, value=email).user_id
        facts = {"user_id": user_id, **facts}
        _key, secret = ApiKey.objects.mint(
            self.world.environment, name="Test", scopes=list(scopes) or [Scope.ACCOUNT], **facts
        )
        return secret


def account(**policy: Any) -> Account:
    """Where the password grant is on, and clients need no key, unless the policy says otherwise."""
    return Account(build(**{"allows_keyless_clients": True, "password_grant": True, **policy}))


def told(answer: Answer) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


def refused(answer: Answer) -> tuple[int, int]:
    assert list(answer.json()) == ["code", "message"]
    return answer.status_code, answer.json()["code"]


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})
