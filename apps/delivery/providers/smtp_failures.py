"""From what went wrong on an SMTP connection to a reason that may be stored and logged.

Replies of servers quote addresses and the message, so nothing of their wording is kept but the two status codes.
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apps.delivery.providers.base import PermanentFailure, ProviderError, TransientFailure

_REFUSED = range(500, 600)
_ENHANCED_STATUS = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")  # RFC 3463


@contextmanager
def named(stage: str) -> Iterator[None]:
    """Turn every failure of the network, TLS or the server into a TransientFailure that says at which step it was.

    All are transient, also a 5xx before MAIL: a refused password may be one that is being rotated just now, and a
    certificate is renewed while messages wait. Only a refused message is refused for good, see `demand`.
    """
    try:
        yield
    except (OSError, ValueError) as error:  # smtplib raises ValueError on a reply that is no base64, for one.
        # Without `from None` a traceback would print the server's words.
        raise TransientFailure(f"{_wording(error)} at {stage}") from None


def demand(stage: str, reply: tuple[int, bytes], *accepted: int) -> None:
    """Raise unless the reply of MAIL, RCPT or DATA is an accepted one: PermanentFailure for 5xx."""
    code, text = reply
    if code not in accepted:
        raise _refusal(code)(f"{_smtp(code, text)} at {stage}")


def _refusal(code: int) -> type[ProviderError]:
    return PermanentFailure if code in _REFUSED else TransientFailure


def _smtp(code: int, text: bytes | str) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    enhanced = _ENHANCED_STATUS.match(raw)
    return f"smtp {code} {enhanced[0].decode()}" if enhanced else f"smtp {code}"


def _disconnected(error: smtplib.SMTPServerDisconnected) -> str:
    # smtplib reports a time-out while reading as a disconnect.
    return "timed out" if isinstance(error.__context__, TimeoutError) else "disconnected"


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    # The part before the comma is OpenSSL's; after it Python quotes the host name.
    return f"tls: certificate verify failed: {error.verify_message.split(',')[0].lower()}"


def _tls(error: ssl.SSLError) -> str:
    return f"tls: {(error.reason or 'failed').replace('_', ' ').lower()}"


# The first class that fits decides, so the narrow ones stand before their parents; all but the last two are OSErrors.
_WORDINGS: list[tuple[type[Exception], Callable[[Any], str]]] = [
    (ssl.SSLCertVerificationError, _untrusted),
    (ssl.SSLError, _tls),
    (smtplib.SMTPResponseException, lambda error: _smtp(error.smtp_code, error.smtp_error)),
    (smtplib.SMTPServerDisconnected, _disconnected),
    (smtplib.SMTPNotSupportedError, lambda _: "not offered by the server"),
    (smtplib.SMTPException, lambda _: "no common way to log in"),
    (TimeoutError, lambda _: "timed out"),
    (ConnectionRefusedError, lambda _: "connection refused"),
    (ConnectionError, lambda _: "disconnected"),
    (OSError, lambda error: f"network error {error.errno}"),
    (UnicodeError, lambda _: "not ascii"),
    (ValueError, lambda _: "malformed"),
]


def _wording(error: Exception) -> str:
    return next(wording(error) for kind, wording in _WORDINGS if isinstance(error, kind))
