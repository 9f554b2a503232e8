"""A company of its own for each test: its people by role, its environments, and browsers for them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.challenges.models import Challenge, Purpose
from apps.core.crypto import new_id, random_bytes
from apps.core.identifiers import Channel
from apps.dashboard.authentication import BACKEND
from apps.delivery.models import CapturedMessage, Message
from apps.management.environments import create_application_key, create_environment
from apps.management.sign_in import system_environment
from apps.tenants.models import ApplicationKey, Environment, Membership, Operator, Project, Tenant
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.oauth_clients import OAuthClient
from apps.users.models import EndUser, Identifier

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

Role = Membership.Role


@dataclass
class Company:
    tenant: Tenant
    project: Project
    environment: Environment
    key: ApplicationKey
    secret: str
    captured: CapturedMessage
    api_key: ApiKey
    personal_key: ApiKey
    client: OAuthClient
    people: dict[str, Operator]

    @cached_property
    def production(self) -> Environment:
        return _environment(self.project, Environment.Kind.PRODUCTION)

    def membership(self, role: str) -> Membership:
        return Membership.objects.get(tenant=self.tenant, operator=self.people[role])


def build() -> Company:
    tenant = Tenant.objects.create(name="Ada & Co <b>")
    project = Project.objects.create(tenant=tenant, name="Shop")
    development = _environment(project, Environment.Kind.DEVELOPMENT)
    new = create_application_key(development, name="Web site")
    people = {role.value: operator() for role in Role}
    for role, person in people.items():
        Membership.objects.create(tenant=tenant, operator=person, role=role)
    message, owner = capture(development), EndUser.objects.create(environment=development)
    Identifier.objects.create(environment=development, user=owner, kind="email", value="grace@example.com")
    api_key, _ = ApiKey.objects.mint(development, name="Billing", scopes=[Scope.INTROSPECT, "orders:read"])
    personal_key = personal(development, owner, "Plug-in", site_url="https://grace.example/blog")
    client, _ = OAuthClient.objects.register(development, name="Partner", scopes=["orders:read"])
    return Company(tenant, project, development, new.key, new.secret, message, api_key, personal_key, client, people)


def personal(environment: Environment, owner: EndUser, name: str, **facts: Any) -> ApiKey:
    """An API key of a person's own."""
    key, _ = ApiKey.objects.mint(environment, name=name, scopes=[Scope.ACCOUNT], user_id=owner.id, **facts)
    return key


@cache
def untouched(number: int = 0) -> Company:
    """For tests that change nothing, because a new environment's signing keys take most of a second."""
    return build()


def _environment(project: Project, kind: Environment.Kind) -> Environment:
    return create_environment(project, name=kind.value, kind=kind, requests_per_minute=None, resend_after=0)


def operator(**facts: Any) -> Operator:
    return Operator.objects.create(email=f"{new_id().hex}@example.com", **facts)


def capture(environment: Environment, recipient: str = "ada@example.com") -> CapturedMessage:
    row = CapturedMessage(environment=environment, recipient=recipient)
    row.seal(b'{"subject": "123456 is your Shop code", "text": "Hello <b>", "html": "", "code": "123456"}')
    row.save(force_insert=True)
    now = timezone.now()
    Message.objects.create(
        environment=environment,
        channel=Channel.EMAIL,
        template="sign_up",
        reference=new_id(),
        recipient=recipient,
        language="en",
        due_at=now,
        expires_at=now,
    )
    return row


def browser(person: Operator | None = None, **options: Any) -> Client:
    """At an address of its own, because attempts are limited by address; signed in if a person is given."""
    address = f"10.{'.'.join(str(byte) for byte in random_bytes(3))}"
    facts = {"raise_request_exception": False, "HTTP_HOST": urlsplit(settings.PUBLIC_URL).netloc, **options}
    client = Client(REMOTE_ADDR=address, **facts)
    if person:
        client.force_login(person, backend=BACKEND)
    return client


def code_for(email: str) -> str:
    """What the worker would mail."""
    live = Challenge.objects.for_environment(system_environment()).filter(nonce__isnull=False)
    return live.get(identifier=email, purpose=Purpose.OPERATOR).code()


def start(client: Client, email: str, **more: str) -> Answer:
    return client.post("/dashboard/sign-in/", {"email": email, **more})


def answer_code(client: Client, code: str) -> Answer:
    return client.post("/dashboard/sign-in/code/", {"code": code})


def is_signed_in(client: Client) -> bool:
    return client.get("/dashboard/").status_code == 200


def text_of(answer: Answer) -> str:
    return answer.content.decode()


class Tags(HTMLParser):
    """All start tags of a page, with their attributes and, for scripts and styles, whether they hold anything."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style") and data.strip():
            self.inline.append(data)
