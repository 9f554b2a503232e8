"""What the columns of a policy may hold. A wrong value would break messages or tokens much later."""

from __future__ import annotations

import re
from email.utils import parseaddr
from urllib.parse import urlsplit

import phonenumbers
from django.core.exceptions import ValidationError

from apps.core.errors import InvalidRequest
from apps.core.identifiers import canonical_email

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def sender(value: str) -> None:
    """`Shop <mail@shop.example>` or the bare address."""
    try:
        canonical_email(parseaddr(value)[1])
    except InvalidRequest:
        raise ValidationError("Write an address, or a name and <an address>.") from None
    if CONTROL.search(value):
        raise ValidationError("A sender is one line.")


def origin(value: str) -> None:
    """Scheme and host, as browsers write an origin (RFC 6454 section 6.2)."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or value != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        raise ValidationError("An origin is https:// and a host, without a path.")


def destination(value: str) -> None:
    """A path on the product's own site, or a web address."""
    is_path = value.startswith("/") and not value.startswith("//")
    if CONTROL.search(value) or not (is_path or urlsplit(value).scheme in {"http", "https"}):
        raise ValidationError("Write a path such as /welcome, or a web address.")


def host_name(value: str) -> None:
    if not HOST.fullmatch(value):
        raise ValidationError("Write a host name such as shop.example.com.")


def region(value: str) -> None:
    """A country that has telephone numbers (ISO 3166)."""
    if value not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError("Write the two capital letters of a country, such as DE.")
