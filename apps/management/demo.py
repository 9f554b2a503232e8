"""A world to try things in: one tenant whose keys can be told again, because they are derived and not random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from apps.core import crypto
from apps.management.environments import create_application_key, create_environment, key_prefix, move_issuers
from apps.management.providers import set_mail_server, set_sms_provider
from apps.tenants.models import ApplicationKey, Environment, Membership, Operator, Project, Tenant
from apps.tokens import api_keys
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.oauth_clients import Grant, OAuthClient

M = TypeVar("M", ApplicationKey, ApiKey, OAuthClient)
TENANT = "Latchkey demo"
OPERATOR = "demo@example.com"
# Beside `development`, which is for ZeroMagic's clients: one environment for each other dialect, named for it. The
# clients of three of them have no way to send a key.
DIALECTS: dict[str, dict[str, Any]] = {
    "passage": {"allows_keyless_clients": True, "auth_origin": "http://localhost:3000"},
    "satellite": {"otp_send": True},
    "smtpd": {"allows_keyless_clients": True, "password_grant": True},
    "smallpict": {"allows_keyless_clients": True, "code_ttl": 900, "code_requests_per_day": 5},
}
MAX_TURNS = 256
# Two `demo` at once would make two of everything; the number only has to be our own.
LOCK = 0x1A7C_4B3D


@dataclass(frozen=True, slots=True)
class World:
    """What `manage.py demo` shall see to: one environment, and what is to be different in it."""

    project: str = "Demo"
    environment: str = "development"
    kind: Environment.Kind = Environment.Kind.DEVELOPMENT
    mail_url: str | None = None
    sms_provider: str | None = None
    policy: dict[str, Any] = field(default_factory=dict)


@transaction.atomic
def ensure(world: World) -> dict[str, Any]:
    """Make what is missing, set what `world` names, and tell all there is in the demo tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    tenant, _ = Tenant.objects.get_or_create(name=TENANT)
    project, _ = Project.objects.get_or_create(tenant=tenant, name=world.project)
    _ensure_environment(project, world)
    _ensure_dialects(project)
    operator = _ensure_operator(tenant)
    projects = tenant.projects.order_by("created_at")
    return {
        "base_url": settings.PUBLIC_URL,
        "dashboard_url": f"{settings.PUBLIC_URL}/dashboard/",
        "operator": operator.email,
        "tenant": {"id": tenant.id.hex, "name": tenant.name},
        "projects": [_describe_project(project) for project in projects],
    }


def _ensure_operator(tenant: Tenant) -> Operator:
    """Staff, so that the whole dashboard can be seen. The domain is nobody's (RFC 2606): only a link signs them in."""
    operator, _ = Operator.objects.get_or_create(email=OPERATOR, defaults={"is_staff": True})
    Membership.objects.get_or_create(tenant=tenant, operator=operator, defaults={"role": Membership.Role.OWNER})
    return operator


def _ensure_dialects(project: Project) -> None:
    there = set(project.environments.values_list("name", flat=True))
    for name, policy in DIALECTS.items():
        if name not in there:
            create_environment(project, name=name, kind=Environment.Kind.DEVELOPMENT, **policy)


def _ensure_environment(project: Project, world: World) -> None:
    environment = project.environments.filter(name=world.environment).first()
    if environment is None:
        environment = create_environment(project, name=world.environment, kind=world.kind)
    environment.kind = world.kind
    for name, value in world.policy.items():
        setattr(environment, name, value)
    environment.full_clean()
    environment.save()
    if world.mail_url is not None:
        set_mail_server(environment, world.mail_url or None)
    if world.sms_provider is not None:
        set_sms_provider(environment, world.sms_provider or None)


def _describe_project(project: Project) -> dict[str, Any]:
    environments = project.environments.order_by("created_at")
    return {
        "id": project.id.hex,
        "name": project.name,
        "environments": [_describe(environment) for environment in environments],
    }


def _describe(environment: Environment) -> dict[str, Any]:
    move_issuers(environment)  # `make run` may have had to take another port than last time.
    base_url = environment.issuer
    return {
        "id": environment.id.hex,
        "name": environment.name,
        "kind": environment.kind,
        "base_url": base_url,
        "passage_url": environment.passage_issuer,
        "app_key": _application_key(environment),
        **_client(environment),
        "jwks_url": f"{base_url}/.well-known/jwks.json",
        "messages_url": None if environment.is_production else f"{base_url}/dev/messages",
        "messages_key": None if environment.is_production else _messages_key(environment),
    }


def _application_key(environment: Environment) -> str:
    prefix = key_prefix(environment)
    secret, key = _secret(ApplicationKey.objects.for_environment(environment), _keys(prefix, environment))
    if key is None:
        create_application_key(environment, name="Demo application", secret=secret)
    return secret


def _client(environment: Environment) -> dict[str, str]:
    clients = OAuthClient.objects.for_environment(environment)
    secret, client = _secret(clients, partial(crypto.derived_client_secret, environment.id))
    if client is None:
        client, _ = OAuthClient.objects.register(
            environment, name="Demo client", grants=list(Grant.values), secret=secret
        )
    return {"client_id": client.client_id, "client_secret": secret}


def _messages_key(environment: Environment) -> str:
    prefix = api_keys.key_prefix(environment)
    secret, key = _secret(ApiKey.objects.for_environment(environment), _keys(prefix, environment))
    if key is None:
        ApiKey.objects.mint(environment, name="Demo tests", scopes=[Scope.READ_MESSAGES], secret=secret)
    return secret


def _keys(prefix: str, environment: Environment) -> Callable[[int], str]:
    return partial(crypto.derived_key_text, prefix, environment.id)


def _secret(rows: QuerySet[M], derive: Callable[[int], str]) -> tuple[str, M | None]:
    """The first of the derived secrets whose row has not ended, and that row; None where it is still to be made."""
    for turn in range(MAX_TURNS):
        secret = derive(turn)
        row = rows.filter(digest=crypto.digest(secret)).first()
        if row is None or row.is_usable:
            return secret, row
    raise RuntimeError("the demo's keys have been revoked too often")
