"""An Email as the bytes and the envelope that SMTP carries."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import idna

from apps.delivery.providers.base import Email, PermanentFailure

# One address and nothing else: no angle brackets, commas, quotes or blanks, with which it would say something more to
# a mail server. Addresses were normalised long before they get here; this is the last door before the wire.
_ADDRESS = re.compile(r'([^\s<>()\[\],;:\\"@\x00-\x1f\x7f]+)@([^\s<>()\[\],;:\\"@\x00-\x1f\x7f]+)')
_MAILBOX = re.compile(r"(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>|(?P<bare>[^<>]*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes over the wire. `international` asks for SMTPUTF8 (RFC 6531)."""

    sender: str = field(repr=False)
    recipient: str = field(repr=False)
    international: bool
    content: bytes = field(repr=False)


def pack(email: Email) -> Parcel:
    """Raises PermanentFailure when an address or a header could say more than itself (header injection)."""
    sender, recipient = _mailbox(email.sender), _address(email.recipient)
    # Only a local part needs SMTPUTF8, because domains always travel as punycode, which every server understands.
    international = not (sender.addr_spec + recipient.addr_spec).isascii()
    content = _compose(email, sender, recipient, international=international).as_bytes()
    return Parcel(sender.addr_spec, recipient.addr_spec, international, content)


def ascii_domain(domain: str) -> str:
    """Return punycode by IDNA 2008: the 2003 rules of Python's own codec turn "ß" into "ss", another owner's domain."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()


def _compose(email: Email, sender: Address, recipient: Address, *, international: bool) -> EmailMessage:
    # Seven-bit bodies cross every relay unchanged, so that a DKIM signature made on the way stays valid.
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit", utf8=international))
    message["Message-ID"] = _header(email.message_id)
    message["Date"] = datetime.now(UTC)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = _header(email.subject)
    # RFC 3834 and Exchange's own header: an absence notice must not answer a sign-in code.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    # Only now: what is called Content-something before moves into the first part.
    message["Content-Language"] = _header(email.language)
    return message


def _header(value: str) -> str:
    if _CONTROL.search(value):
        raise PermanentFailure("control character in a header")
    return value


def _mailbox(value: str) -> Address:
    found = _MAILBOX.fullmatch(_header(value).strip())
    if not found:
        raise PermanentFailure("malformed address")
    name = (found["name"] or "").strip().removeprefix('"').removesuffix('"')
    return _address(found["address"] or found["bare"] or "", name)


def _address(value: str, display_name: str = "") -> Address:
    found = _ADDRESS.fullmatch(value)
    if found:
        with suppress(ValueError):  # idna refuses what is no domain name.
            return Address(display_name, found[1], ascii_domain(found[2]))
    raise PermanentFailure("malformed address")
