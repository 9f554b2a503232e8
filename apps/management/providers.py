"""How an environment's messages leave: by a provider of its own, or by the platform's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction

from apps.audit.models import Event
from apps.challenges.models import Challenge, Purpose
from apps.core.identifiers import Channel
from apps.core.ratelimit import Rate, spend
from apps.delivery import hint
from apps.delivery.providers import sms
from apps.delivery.providers.base import PermanentFailure
from apps.delivery.providers.smtp_server import Security, Server
from apps.management.acting import SHELL, Acting
from apps.tenants.models import Environment, Operator

SCHEMES = {Security.TLS: "smtps", Security.STARTTLS: "smtp+tls", Security.NONE: "smtp"}
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # RFC 9110 section 5.1.
HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,2000}")
# Customers who use one vendor share connections to it. Whoever sets how a request is framed or routed there could have
# the answer to somebody else's, so these are ours alone (RFC 9110 section 7.6.1, RFC 9112 section 6).
FRAMING = {"connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding"}
FRAMING |= {"proxy-authenticate", "proxy-authorization", "proxy-connection", "upgrade"}
TEST_MESSAGES = Rate(3, 600)


@dataclass(frozen=True, slots=True)
class Sender:
    """What may be shown of a provider: where messages go, and never with which credentials."""

    title: str
    place: str
    has_password: bool = True


def mail_server(environment: Environment) -> Sender | None:
    """The environment's own mail server; None when it uses the platform's."""
    if environment.mail_url is None:
        return None
    server = Server.parse(environment.mail_url, guarded=True)
    return Sender(server.security.value, f"{server.host}:{server.port}", bool(server.password))


def sms_provider(environment: Environment) -> Sender | None:
    """The environment's own SMS provider; None when it uses the platform's."""
    if environment.sms_provider is None:
        return None
    provider = sms.provider(environment.sms_provider)
    if isinstance(provider, sms.Twilio):
        return Sender("Twilio", provider.sender)
    return Sender("HTTP gateway", urlsplit(provider.url).hostname or "")


def mail_url(*, security: Security, host: str, port: int, user: str, password: str) -> str:
    """The parts of a mail server as the URL that `set_mail_server` takes."""
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}@" if user else ""
    return f"{SCHEMES[security]}://{credentials}{host}:{port}"


def set_mail_server(environment: Environment, url: str | None, *, by: Acting = SHELL) -> bool:
    """`smtp://`, `smtp+tls://` or `smtps://` with `user:password@`; None for the platform's. False: it was so before.

    Raises ValidationError.
    """
    if url is not None:
        try:
            Server.parse(url, guarded=True)
        except PermanentFailure:
            raise ValidationError("This is no URL of a mail server.") from None
    return _keep(environment, "mail_url", url, by)


def set_sms_provider(environment: Environment, provider: str | None, *, by: Acting = SHELL) -> bool:
    """JSON as apps/delivery/providers/sms.py reads it; None for the platform's. False: it was so before.

    Raises ValidationError.
    """
    if provider is not None:
        try:
            read = sms.provider(provider)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if isinstance(read, sms.Gateway):
            _check_gateway(read)
    return _keep(environment, "sms_provider", provider, by)


def gateway(*, url: str, method: str, format: str, fields: dict[str, str], headers: dict[str, str]) -> str:
    """An HTTP gateway as the JSON that `set_sms_provider` takes."""
    facts = {"url": url, "method": method, "format": format, "fields": fields, "headers": headers}
    return json.dumps({"kind": "gateway", **facts})


def twilio(*, account_sid: str, auth_token: str, sender: str) -> str:
    return json.dumps({"kind": "twilio", "account_sid": account_sid, "auth_token": auth_token, "from": sender})


def send_test_message(environment: Environment, operator: Operator) -> None:
    """Write to the operator's own address, by the way that people of this environment are written to.

    The message is a real one, so that it shows what people will see. Its code is one of the operators' purpose and of
    this environment, where nobody signs in with it: it opens nothing. Raises RateLimited.
    """
    spend("test-message", str(operator.id), TEST_MESSAGES)
    Challenge.objects.issue(
        environment,
        purpose=Purpose.OPERATOR,
        channel=Channel.EMAIL,
        identifier=operator.email,
        creates_user=False,
        template=Purpose.OPERATOR,
        language=environment.default_language,
    )
    transaction.on_commit(hint.wake_workers)


def _check_gateway(gateway: sms.Gateway) -> None:
    for name, value in gateway.headers.items():
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise ValidationError("A header has a name of letters, digits and dashes, and one line of plain text.")
        if name.lower() in FRAMING:
            raise ValidationError(f"The header {name} cannot be set: it is part of how requests are made.")


@transaction.atomic
def _keep(environment: Environment, column: str, value: str | None, by: Acting) -> bool:
    environment.refresh_from_db(from_queryset=Environment.objects.select_for_update())
    if getattr(environment, column) == value:
        return False
    setattr(environment, column, value)
    environment.save(update_fields=[f"{column}_sealed"])
    changed = {"mail_url": "mail server", "sms_provider": "SMS provider"}[column]
    facts = by.facts(changed=changed, is_own=value is not None)
    Event.objects.record(environment, Event.Kind.POLICY_CHANGED, context=by.context, facts=facts)
    return True
