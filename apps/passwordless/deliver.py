"""What a worker does with one claimed message: ask whether it is still wanted, compose it, hand it to its provider."""

from __future__ import annotations

import json

import structlog
from django.conf import settings

from apps.challenges.models import Challenge, Purpose
from apps.delivery.models import CapturedMessage, Message
from apps.delivery.providers import smtp
from apps.delivery.providers.base import Email, PermanentFailure, TransientFailure
from apps.passwordless.mail import render_code_email
from apps.passwordless.start import EMAIL, Intent
from apps.tenants.models import Environment, Operator
from apps.users.models import Identifier

log = structlog.get_logger()


def deliver(message: Message) -> None:
    """Carry one claimed message as far as it goes. Every way out writes the row, or leaves it to fall due again."""
    environment = Environment.objects.select_related("project").get(id=message.environment_id)
    challenge = Challenge.objects.for_environment(environment).filter(id=message.reference).first()
    if challenge is None or challenge.nonce is None:
        message.obsolete("the challenge has ended")
    elif not _wanted(environment, message):
        message.obsolete("nobody to write to")
    else:
        _send(environment, message, challenge)


def _wanted(environment: Environment, message: Message) -> bool:
    """Who hears what (contracts/answers.md): the question that a concealed start must not ask."""
    if message.template == Purpose.OPERATOR:
        return Operator.objects.filter(email=message.recipient, is_active=True).exists()
    person = Identifier.objects.find(environment, EMAIL, message.recipient)
    if person is None:
        return message.template == Intent.SIGN_UP and environment.sign_up_open
    return not person.is_disabled


def _send(environment: Environment, message: Message, challenge: Challenge) -> None:
    email = _compose(environment, message, challenge)
    url = environment.mail_url or settings.EMAIL_URL
    try:
        if url:
            _post(environment, message, email, url)
        elif environment.is_production:
            message.retry("no mail provider is set")
        else:
            _capture(environment, message, email, challenge.code())
    except PermanentFailure as failure:
        message.dead(failure.reason)
        log.warning("message_dead", message=str(message.id), reason=failure.reason)
    except TransientFailure as failure:
        message.retry(failure.reason)
        log.warning("message_retried", message=str(message.id), reason=failure.reason, attempts=message.attempts)


def _post(environment: Environment, message: Message, email: Email, url: str) -> None:
    # A tenant's own server is looked up with care; the platform's is the operator's word.
    if message.renew():
        outcome = smtp.send(url, email, guarded=environment.mail_url is not None)
        message.sent(outcome)
        log.info("message_sent", message=str(message.id), attempts=message.attempts)


def _compose(environment: Environment, message: Message, challenge: Challenge) -> Email:
    minutes = max(1, round((challenge.expires_at - message.created_at).total_seconds() / 60))
    rendered = render_code_email(
        code=challenge.code(), product=environment.project.name, language=message.language, minutes=minutes
    )
    return Email(
        message_id=f"<{message.id}@{_domain()}>",
        sender=environment.mail_from or settings.DEFAULT_FROM_EMAIL,
        recipient=message.recipient,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        language=message.language,
    )


def _domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"


def _capture(environment: Environment, message: Message, email: Email, code: str) -> None:
    """The same row for a retried capture: a message is captured once, whatever happens in between.

    The code stands beside the body, so that a customer's test need not search a text that may change.
    """
    row = CapturedMessage(id=message.id, environment=environment, recipient=email.recipient)
    body = {"subject": email.subject, "text": email.text, "html": email.html, "code": code}
    row.seal(json.dumps(body).encode())
    CapturedMessage.objects.bulk_create([row], ignore_conflicts=True)
    message.captured()
