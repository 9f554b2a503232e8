"""Text messages: Twilio, or any gateway that takes one HTTP request.

A provider is one JSON object, kept sealed in the environment (`sms_provider`) or given as SMS_PROVIDER:

    {"kind": "twilio", "account_sid": "AC…", "auth_token": "…", "from": "+15005550006"}
    {"kind": "gateway", "url": "https://sms.example/send", "method": "POST", "format": "json",
     "headers": {"Authorization": "Bearer …"}, "fields": {"to": "{to}", "message": "{text}", "from": "Shop"}}

Twilio takes a messaging service (`MG…`) in place of the number. In a gateway's fields `{to}`, `{text}` and
`{reference}` are replaced; the reference is the same on every retry.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from apps.delivery.providers import http
from apps.delivery.providers.base import PermanentFailure

TWILIO = "https://api.twilio.com"
METHODS = {"POST", "PUT"}
CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
PLACEHOLDER = re.compile(r"\{(to|text|reference)\}")
SID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True, slots=True)
class Sms:
    """A composed text message. Only `reference` is in its repr: the rest holds the person and the code."""

    reference: str
    recipient: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Twilio:
    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    base_url: str = TWILIO

    def send(self, sms: Sms, *, guarded: bool) -> str:
        """Twilio's Messages resource. Returns the message's SID."""
        sender = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        answer = http.request(
            "POST",
            f"{self.base_url}/2010-04-01/Accounts/{quote(self.account_sid, safe='')}/Messages.json",
            headers={"Content-Type": CONTENT_TYPES["form"]},
            content=urlencode({"To": sms.recipient, sender: self.sender, "Body": sms.text}).encode(),
            auth=(self.account_sid, self.auth_token),
            guarded=guarded,
        )
        return _sid(answer.body)


@dataclass(frozen=True, slots=True)
class Gateway:
    url: str = field(repr=False)
    fields: dict[str, str]
    method: str = "POST"
    format: Literal["json", "form"] = "json"
    headers: dict[str, str] = field(default_factory=dict, repr=False)

    def send(self, sms: Sms, *, guarded: bool) -> str:
        """One request; any 2xx is a yes. Returns the status."""
        values = {name: _fill(template, sms) for name, template in self.fields.items()}
        content = json.dumps(values) if self.format == "json" else urlencode(values)
        headers = {"Content-Type": CONTENT_TYPES[self.format], **self.headers}
        answer = http.request(self.method, self.url, headers=headers, content=content.encode(), guarded=guarded)
        return f"http {answer.status}"


def provider(text: str) -> Twilio | Gateway:
    """Read a provider. Raises ValueError in words that an operator may be shown; they quote no value."""
    try:
        facts: dict[str, Any] = json.loads(text)
        kind = facts.pop("kind")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ValueError('An SMS provider is a JSON object with "kind".') from None
    if kind == "twilio":
        return _twilio(facts)
    if kind == "gateway":
        return _gateway(facts)
    raise ValueError('The kind of an SMS provider is "twilio" or "gateway".')


def send(provider_text: str, sms: Sms, *, guarded: bool) -> str:
    """Hand the message to its provider. Raises TransientFailure or PermanentFailure."""
    try:
        return provider(provider_text).send(sms, guarded=guarded)
    except ValueError:
        raise PermanentFailure("the SMS provider is set up wrongly") from None


def _twilio(facts: dict[str, Any]) -> Twilio:
    facts = {"base_url": TWILIO, **facts}
    for name in ("account_sid", "auth_token", "from", "base_url"):
        if not isinstance(facts.get(name), str):
            raise ValueError(f'Twilio needs "{name}", and that as a string.')
    return Twilio(facts["account_sid"], facts["auth_token"], facts["from"], facts["base_url"])


def _gateway(facts: dict[str, Any]) -> Gateway:
    try:
        gateway = Gateway(**facts)
    except TypeError:
        raise ValueError("A gateway has url, fields, and perhaps method, format and headers.") from None
    if not isinstance(gateway.url, str) or not _are_strings(gateway.fields) or not _are_strings(gateway.headers):
        raise ValueError("A gateway's url, and all of its fields and headers, are strings.")
    if str(gateway.method) not in METHODS or str(gateway.format) not in CONTENT_TYPES:
        raise ValueError("A gateway is called by POST or PUT, in the format json or form.")
    if not any("{text}" in template for template in gateway.fields.values()):
        raise ValueError("One of a gateway's fields must hold {text}.")
    return gateway


def _are_strings(values: object) -> bool:
    return isinstance(values, dict) and all(isinstance(value, str) for value in values.values())


def _fill(template: str, sms: Sms) -> str:
    """In one pass, so that nothing is replaced in what was filled in; str.format would reach into objects."""
    values = {"to": sms.recipient, "text": sms.text, "reference": sms.reference}
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def _sid(body: bytes) -> str:
    """What is stored comes from a server that a customer may have chosen: the form of a SID, or nothing of it."""
    try:
        sid = str(json.loads(body)["sid"])
    except (ValueError, KeyError, TypeError, RecursionError):
        sid = ""
    return f"twilio {sid}" if SID.fullmatch(sid) else "twilio accepted"
