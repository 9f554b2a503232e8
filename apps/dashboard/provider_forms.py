"""The forms of an environment's own mail server and SMS provider.

They are always filled in whole. A form that kept the stored password while the host is changed would hand it to
whichever host somebody writes there.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator, URLValidator

from apps.dashboard.forms import PageForm
from apps.delivery.providers.smtp_server import Security
from apps.management import providers
from apps.tenants import validators

MAX_SECRET = 500
MAX_LINES = 20
MAX_TEXT = 4000
PORTS = {Security.TLS: 465, Security.STARTTLS: 587}


def secret_field(label: str, **options: Any) -> forms.CharField:
    """Never filled in by us, and never shown again."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"})
    return forms.CharField(label=label, max_length=MAX_SECRET, strip=False, widget=widget, **options)


def plain_field(label: str, **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"})
    return forms.CharField(label=label, **{"max_length": 253, "widget": widget, **options})


class MailServerForm(PageForm):
    host = plain_field(
        "Host", validators=[validators.host_name], help_text="Such as smtp.example.com. It must be a public address."
    )
    security = forms.ChoiceField(
        label="Encryption",
        choices=[
            (Security.STARTTLS.value, "STARTTLS, as a rule on port 587"),
            (Security.TLS.value, "TLS from the first byte, as a rule on port 465"),
        ],
        initial=Security.STARTTLS.value,
        widget=forms.RadioSelect,
    )
    port = forms.IntegerField(
        label="Port", required=False, min_value=1, max_value=65535, help_text="Empty means the usual one."
    )
    user = plain_field("User name", required=False)
    password = secret_field("Password", required=False, help_text="Kept sealed, and never shown again.")

    def clean(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().clean() or {}
        if bool(facts.get("user")) != bool(facts.get("password")) and not {"user", "password"} & {*self.errors}:
            missing = "password" if facts.get("user") else "user"
            self.add_error(missing, "User name and password go together: fill in both or neither.")
        return facts

    def provider(self) -> str:
        facts, security = self.cleaned_data, Security(self.cleaned_data["security"])
        return providers.mail_url(
            security=security,
            host=facts["host"],
            port=facts["port"] or PORTS[security],
            user=facts["user"],
            password=facts["password"],
        )


class TwilioForm(PageForm):
    account_sid = plain_field(
        "Account SID", validators=[RegexValidator(r"\AAC[0-9a-fA-F]{32}\Z", "It is AC and 32 hexadecimal digits.")]
    )
    auth_token = secret_field("Auth token", help_text="Kept sealed, and never shown again.")
    sender = plain_field(
        "From",
        validators=[
            RegexValidator(
                r"\A(\+[1-9][0-9]{5,14}|MG[0-9a-fA-F]{32}|[A-Za-z0-9 ]{1,11})\Z",
                "Write a number such as +15005550006, a messaging service (MG…) or a sender of up to 11 letters.",
            )
        ],
        help_text="A number in the form +15005550006, the SID of a messaging service (MG…), or a sender’s name.",
    )

    def provider(self) -> str:
        facts = self.cleaned_data
        return providers.twilio(
            account_sid=facts["account_sid"], auth_token=facts["auth_token"], sender=facts["sender"]
        )


class PairsField(forms.CharField):
    """Lines of `name: value`, as a dict."""

    def __init__(self, **options: Any) -> None:
        area = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off", "class": "code-area"})
        super().__init__(**{"max_length": MAX_TEXT, "widget": area, **options})

    def clean(self, value: object) -> dict[str, str]:
        lines = [line for line in str(super().clean(value)).splitlines() if line.strip()]
        pairs = {name.strip(): text.strip() for name, colon, text in (line.partition(":") for line in lines) if colon}
        if len(pairs) != len(lines) or "" in pairs or len(lines) > MAX_LINES:
            raise forms.ValidationError(f"Write up to {MAX_LINES} lines of a name, a colon and a value, no name twice.")
        return pairs


class GatewayForm(PageForm):
    url = forms.CharField(
        label="Address",
        max_length=MAX_SECRET,
        validators=[URLValidator(schemes=["https"], message="Write an address that starts with https://.")],
        help_text="Where each message is sent to, such as https://sms.example.com/send. It must be a public address.",
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    method = forms.ChoiceField(label="Method", choices=[("POST", "POST"), ("PUT", "PUT")])
    format = forms.ChoiceField(label="Body", choices=[("json", "A JSON object"), ("form", "A form, URL-encoded")])
    fields_of_body = PairsField(
        label="Fields of the body",
        initial="to: {to}\nmessage: {text}",
        help_text="One per line. {to}, {text} and {reference} are filled in; the reference is the same on every retry.",
    )
    headers = PairsField(
        label="Headers",
        required=False,
        help_text="One per line, such as Authorization: Bearer … They are kept sealed, and never shown again.",
    )

    def provider(self) -> str:
        facts = self.cleaned_data
        return providers.gateway(
            url=facts["url"],
            method=facts["method"],
            format=facts["format"],
            fields=facts["fields_of_body"],
            headers=facts["headers"],
        )
