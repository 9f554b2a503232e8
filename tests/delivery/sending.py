"""One email and the ways to send it."""

import time

import pytest

from apps.delivery.providers import smtp
from apps.delivery.providers.base import Email, ProviderError, TransientFailure
from apps.delivery.providers.smtp_conversation import Patience

EMAIL = Email(
    message_id="<0b1c@latchkey.example>",
    sender="Bücher, Söhne <no-reply@shop.example>",
    recipient="ada@example.com",
    subject="123456 ist Ihr Code für Bücher – jetzt",
    text="Ihr Code\n\n123456\n\n.\n.mit Punkt\n",
    html="<p>Ihr Code für Bücher: 123456</p>\n",
    language="de",
)
IMPATIENT = Patience(connect=1.0, step=0.3, check=0.2, reply=0.2, prepare=1.0, finish=0.4)


def send(url: str, email: Email = EMAIL, *, guarded: bool = False, patience: Patience = smtp.PATIENCE) -> str:
    return smtp.send(url, email, guarded=guarded, patience=patience)


def failure(url: str, email: Email = EMAIL, *, guarded: bool = False) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        smtp.send(url, email, guarded=guarded, patience=IMPATIENT)
    assert "@" not in caught.value.reason
    return caught.value


def assert_fails_within(seconds: float, url: str, reason: str) -> None:
    started = time.monotonic()
    refused = failure(url)
    assert isinstance(refused, TransientFailure)
    assert refused.reason == reason
    assert time.monotonic() - started < seconds
