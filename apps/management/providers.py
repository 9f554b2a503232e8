"""How an environment's messages leave: by a provider of its own, or by the platform's."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from apps.delivery.providers import sms
from apps.delivery.providers.base import PermanentFailure
from apps.delivery.providers.smtp_server import Server
from apps.tenants.models import Environment


def set_mail_server(environment: Environment, url: str | None) -> None:
    """`smtp://`, `smtp+tls://` or `smtps://` with `user:password@`; None for the platform's. Raises ValidationError."""
    if url is not None:
        try:
            Server.parse(url, guarded=True)
        except PermanentFailure:
            raise ValidationError("This is no URL of a mail server.") from None
    environment.mail_url = url
    environment.save(update_fields=["mail_url_sealed"])


def set_sms_provider(environment: Environment, provider: str | None) -> None:
    """JSON as apps/delivery/providers/sms.py reads it; None for the platform's. Raises ValidationError."""
    if provider is not None:
        try:
            sms.provider(provider)
        except ValueError as error:
            raise ValidationError(str(error)) from None
    environment.sms_provider = provider
    environment.save(update_fields=["sms_provider_sealed"])
