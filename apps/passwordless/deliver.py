"""What a worker does with one claimed message: ask whether it is still wanted, compose it, hand it to its provider."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import connection

from apps.challenges.models import Challenge, Purpose
from apps.core.identifiers import Channel
from apps.delivery import segments
from apps.delivery.models import CapturedMessage, Message
from apps.delivery.outcomes import Outcome
from apps.delivery.providers import sms, smtp
from apps.delivery.providers.base import Email, PermanentFailure, TransientFailure
from apps.passwordless import links
from apps.passwordless.claims import Claimed
from apps.passwordless.mail import RenderedEmail, render_code_email, render_link_email
from apps.passwordless.start import Intent
from apps.passwordless.text import render_code_text
from apps.tenants.models import Environment

log = structlog.get_logger()

SIGN_UPS = {Intent.SIGN_UP, Purpose.VERIFY_IDENTIFIER}


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to go: what a captured copy of it holds, and how its provider is called, if it has one."""

    body: dict[str, str]
    send: Callable[[], str] | None
    segments: int = 0


def carry(claimed: Claimed) -> Outcome | None:
    """Carry one claimed message as far as it goes; what became of it is for the caller to settle.

    None: another worker holds it by now.
    """
    message = claimed.message
    if claimed.challenge is None:
        return message.obsolete("the challenge has ended")
    if not _wanted(claimed):
        return message.obsolete("nobody to write to")
    compose = COMPOSERS[Channel(message.channel)]
    return _hand_over(message, compose(claimed.environment, message, claimed.challenge))


def _wanted(claimed: Claimed) -> bool:
    """Who hears what (contracts/answers.md): the question that a concealed start must not ask."""
    template = claimed.message.template
    if template == Purpose.OPERATOR:
        return claimed.is_operator
    if claimed.person is None:
        return template in SIGN_UPS and claimed.environment.sign_up_open
    return not claimed.person.is_disabled


def _hand_over(message: Message, composed: Composed) -> Outcome | None:
    try:
        if composed.send:
            return _send(message, composed, composed.send)
        if message.environment.is_production:
            return message.retry(f"no provider for {message.channel} is set")
        return _capture(message, composed)
    except PermanentFailure as failure:
        log.warning("message_dead", message=str(message.id), reason=failure.reason)
        return message.dead(failure.reason)
    except TransientFailure as failure:
        log.warning("message_retried", message=str(message.id), reason=failure.reason, attempts=message.attempts)
        return message.retry(failure.reason)


def _send(message: Message, composed: Composed, send: Callable[[], str]) -> Outcome | None:
    held = message.renew()
    connection.close()  # Providers take their time, and there are fewer connections than threads.
    if not held:
        return None
    words = send()
    log.info("message_sent", message=str(message.id), channel=message.channel, attempts=message.attempts)
    return message.sent(words, segments=composed.segments)


def _capture(message: Message, composed: Composed) -> Outcome:
    """The same row for a retried capture: a message is captured once, whatever happens in between."""
    row = CapturedMessage(id=message.id, environment=message.environment, recipient=message.recipient)
    row.seal(json.dumps(composed.body).encode())
    CapturedMessage.objects.bulk_create([row], ignore_conflicts=True)
    return message.captured(segments=composed.segments)


def _email(environment: Environment, message: Message, challenge: Challenge) -> Composed:
    minutes = max(1, round((challenge.expires_at - message.created_at).total_seconds() / 60))
    own = environment.mail_url
    rendered, secret = _letter(environment, message, challenge, minutes)
    email = Email(
        message_id=f"<{message.id}@{_mail_domain()}>",
        # Only through its own server: the platform's would vouch for whatever name a customer writes there.
        sender=(own and environment.mail_from) or settings.DEFAULT_FROM_EMAIL,
        recipient=message.recipient,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        language=message.language,
    )
    # The secret stands beside the body, so that a customer's test need not search a text that may change.
    body = {"subject": email.subject, "text": email.text, "html": email.html, **secret}
    url = own or settings.EMAIL_URL
    # A tenant's own server is looked up with care; the platform's is the operator's word.
    return Composed(body, (lambda: smtp.send(url, email, guarded=own is not None)) if url else None)


def _letter(
    environment: Environment, message: Message, challenge: Challenge, minutes: int
) -> tuple[RenderedEmail, dict[str, str]]:
    """What to read, and the code or link in it by its name."""
    facts: dict[str, Any] = {"product": environment.project.name, "language": message.language, "minutes": minutes}
    if challenge.purpose in links.PATHS:
        link = links.url(environment, challenge)
        return render_link_email(kind=challenge.purpose, link=link, **facts), {"link": link}
    code = challenge.code()
    return render_code_email(code=code, **facts), {"code": code}


def _text_message(environment: Environment, message: Message, challenge: Challenge) -> Composed:
    code = challenge.code()
    text = render_code_text(
        code=code, product=environment.project.name, language=message.language, domain=environment.sms_domain
    )
    ready = sms.Sms(reference=message.id.hex, recipient=message.recipient, text=text)
    own = environment.sms_provider
    provider = own or settings.SMS_PROVIDER
    send = (lambda: sms.send(provider, ready, guarded=own is not None)) if provider else None
    return Composed({"text": text, "code": code}, send, segments.count(text))


def _mail_domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"


COMPOSERS = {Channel.EMAIL: _email, Channel.SMS: _text_message}
