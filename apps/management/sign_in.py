"""How operators sign in: with an emailed code, through the same challenges as everybody's end users.

A system tenant holds their challenges and messages. What comes out is the operator, not a token Session: the dashboard
opens Django's own session for a browser.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction

from apps.audit.models import Actor, Event
from apps.challenges.models import Challenge, Issued, Purpose
from apps.core.context import RequestContext
from apps.core.errors import CodeExpired, CodeMismatch
from apps.core.identifiers import Channel
from apps.core.ratelimit import Rate, spend
from apps.delivery import hint
from apps.management.environments import create_environment
from apps.tenants.models import Environment, Operator, Project, Tenant

SYSTEM_TENANT = "Latchkey"
ATTEMPTS = Rate(30, 60)


@dataclass(frozen=True, slots=True)
class Link:
    """A single-use way in for ten minutes: `url` is shown to nobody else."""

    operator: Operator
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        return f"{settings.PUBLIC_URL}/dashboard/sign-in/link?token={self.token}"


def system_environment() -> Environment:
    """The environment of the operators' own sign-in, made on first use."""
    found = Environment.objects.filter(project__tenant__is_system=True).select_related("project").first()
    return found or _create_system_environment()


@transaction.atomic
def _create_system_environment() -> Environment:
    # Two processes at once meet at the unique key of the system tenant; the second waits and then finds all there.
    tenant, created = Tenant.objects.get_or_create(is_system=True, defaults={"name": SYSTEM_TENANT})
    if not created:
        return Environment.objects.select_related("project").get(project__tenant=tenant)
    project = Project.objects.create(tenant=tenant, name=SYSTEM_TENANT)
    return create_environment(project, name="operators", kind=Environment.Kind.PRODUCTION, sign_up_open=False)


def start(email: str, context: RequestContext) -> Issued:
    """Send a code to `email` (canonical) if it is an operator's; the handle in the answer goes with the code.

    Whether it is one is found out by the worker, so the answer tells nobody. Raises RateLimited.
    """
    environment = system_environment()
    spend("operator-start", context.network, ATTEMPTS)
    issued = Challenge.objects.issue(
        environment,
        purpose=Purpose.OPERATOR,
        channel=Channel.EMAIL,
        identifier=email,
        creates_user=False,
        by_handle=True,
        template=Purpose.OPERATOR,
        language=environment.default_language,
    )
    if issued.is_due:
        transaction.on_commit(hint.wake_workers)
    return issued


def sign_in(handle: str, code: str, context: RequestContext) -> Operator:
    """The operator who got `code` for `handle`. Raises a subclass of InvalidGrant, always after COMMIT."""
    return _redeem(Purpose.OPERATOR, handle, code, context)


def _redeem(purpose: Purpose, handle: str, code: str, context: RequestContext) -> Operator:
    spend("operator-sign-in", context.network, ATTEMPTS)
    environment = system_environment()
    attempt = Challenge.objects.check_handle(environment, purpose=purpose, handle=handle, code=code)
    if not attempt.is_right:
        Challenge.objects.refuse(attempt)
    with transaction.atomic():
        consumed = Challenge.objects.consume(attempt)
        operator = Operator.objects.filter(email=attempt.challenge.identifier, is_active=True).first()
        if consumed and operator:
            actor = Actor(user_id=operator.id)
            Event.objects.record(environment, Event.Kind.OPERATOR_SIGNED_IN, context=context, actor=actor)
    if not consumed:
        raise CodeExpired
    if operator is None:
        raise CodeMismatch
    return operator


def make_link(operator: Operator) -> Link:
    """A fresh way in, for whoever has a shell: no message is sent, and an earlier link ends.

    It has a purpose of its own, so that nobody who asks for a code can lengthen its life.
    """
    environment = system_environment()
    with transaction.atomic():
        Challenge.objects.end(environment, purpose=Purpose.OPERATOR_LINK, identifier=operator.email)
        issued = Challenge.objects.issue(
            environment,
            purpose=Purpose.OPERATOR_LINK,
            channel=Channel.EMAIL,
            identifier=operator.email,
            creates_user=False,
            by_handle=True,
        )
        code = Challenge.objects.get(id=issued.challenge_id).code()
    return Link(operator, f"{issued.handle}.{code}")


def follow_link(token: str, context: RequestContext) -> Operator:
    """The operator that a link was made for. Raises a subclass of InvalidGrant."""
    handle, _, code = token.partition(".")
    return _redeem(Purpose.OPERATOR_LINK, handle, code, context)
