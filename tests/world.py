"""A world of its own for each test: one environment, its keys, and a client that speaks to it over HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from apps.core import crypto
from apps.delivery.models import CapturedMessage, Message
from apps.management.environments import create_application_key, create_environment
from apps.passwordless.claims import claim
from apps.passwordless.deliver import carry
from apps.tenants.models import Environment, Project, Tenant
from apps.tokens.api_keys import ApiKey, Scope

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


@dataclass
class World:
    environment: Environment
    app_key: str
    messages_key: str

    @property
    def root(self) -> str:
        return f"/auth/{self.environment.project_id.hex}/{self.environment.name}"

    def post(self, path: str, body: Any = None, *, app_key: str | None = None, **headers: str) -> Answer:
        """POST under the environment's root. `body` is JSON-encoded unless it is bytes; an empty app_key sends none."""
        key = self.app_key if app_key is None else app_key
        data = body if isinstance(body, bytes) else json.dumps(body)
        sent = {**({"APP-KEY": key} if key else {}), **headers}
        answer: Answer = client().post(f"{self.root}/{path}", data, content_type="application/json", headers=sent)
        return answer

    def get(self, path: str, *, bearer: str = "", **query: str) -> Answer:
        sent = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        answer: Answer = client().get(f"{self.root}/{path}", query, headers=sent)
        return answer

    def sign_up(self, email: str) -> Answer:
        return self.post("email-otp-signup", {"email": email})

    def log_in(self, email: str) -> Answer:
        return self.post("email-otp-login", {"email": email})

    def verify(self, email: str, code: str | int) -> Answer:
        return self.post("email-otp-verify", {"email": email, "otp_code": code})

    def refresh(self, token: str) -> Answer:
        return self.post("token/refresh", {"refresh_token": token})

    def revoke(self, token: str) -> Answer:
        return self.post("token/revoke", {"refresh_token": token})

    def mailbox(self, email: str) -> list[dict[str, Any]]:
        """What was captured for an address, newest first, after the outbox has been worked off."""
        deliver_due()
        messages: list[dict[str, Any]] = self.get("dev/messages", bearer=self.messages_key, recipient=email).json()[
            "messages"
        ]
        return messages

    def code(self, email: str) -> str:
        return str(self.mailbox(email)[0]["code"])

    def wrong_code(self, email: str) -> str:
        """A code of the right length that is not the one that was sent."""
        right = self.code(email)
        return str((int(right) + 1) % 10 ** len(right)).zfill(len(right))

    def signed_in(self, email: str) -> dict[str, Any]:
        """Sign somebody up and in; the body of the verify."""
        self.sign_up(email)
        answer: dict[str, Any] = json.loads(self.verify(email, self.code(email)).content)
        return answer


def client() -> Client:
    """Asks the host that the installation is known by; an error of ours is an answer with 500, as on the wire."""
    return Client(raise_request_exception=False, HTTP_HOST=urlsplit(settings.PUBLIC_URL).netloc)


def build(*, kind: Environment.Kind = Environment.Kind.DEVELOPMENT, name: str = "development", **policy: Any) -> World:
    """A tenant with one project and environment. Limits per address are off, because all tests share one address."""
    tenant = Tenant.objects.create(name="Test tenant")
    project = Project.objects.create(tenant=tenant, name="Shop")
    facts = {"requests_per_minute": None, "resend_after": 0, **policy}
    environment = create_environment(project, name=name, kind=kind, **facts)
    new = create_application_key(environment, name="Test application")
    _key, messages_key = ApiKey.objects.mint(environment, name="Tests", scopes=[Scope.READ_MESSAGES])
    return World(environment, new.secret, messages_key)


def deliver_due() -> int:
    """Do what a worker does, here and now, until nothing is due."""
    carried = 0
    while claimed := claim(50):
        Message.objects.settle([outcome for each in claimed if (outcome := carry(each))])
        carried += len(claimed)
    return carried


def forget_captured(world: World) -> None:
    CapturedMessage.objects.for_environment(world.environment).delete()


def junk_key() -> str:
    """Well formed, and of nobody."""
    return crypto.new_key("pk_test")
