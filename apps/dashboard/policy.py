"""The policy of an environment as a form: its columns by name, in groups, with units and bounds.

A column that is in no group is on no page: whoever adds one decides here whether it is for operators to change, and
tests/dashboard/test_changes.py fails until they did.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models

from apps.dashboard.forms import PageRenderer
from apps.dashboard.words import in_words
from apps.tenants.models import Environment


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    text: str
    columns: tuple[str, ...]


GROUPS = (
    Group(
        "Who may sign in",
        "Whether new people are let in, and what a stranger can find out about those who are known.",
        ("sign_up_open", "concealment", "allows_keyless_clients"),
    ),
    Group(
        "Codes",
        "Longer codes and fewer tries are safer; people mistype, so leave them a few.",
        ("code_length", "code_ttl", "max_tries", "resend_after"),
    ),
    Group(
        "Sessions and tokens",
        "New values hold for sessions and tokens from now on.",
        ("access_token_ttl", "session_idle_ttl", "session_absolute_ttl", "refresh_grace"),
    ),
    Group(
        "Limits",
        "Against noise and cost. What protects a code does not rest on them.",
        ("requests_per_minute", "code_requests_per_day"),
    ),
    Group(
        "API keys",
        "For the keys of your servers and for those that your people make for themselves.",
        ("api_key_prefix", "api_key_idle_ttl"),
    ),
    Group(
        "Messages",
        "How people are written to. By which server is said under “Sending”.",
        ("mail_from", "default_language", "default_region", "sms_countries", "sms_domain"),
    ),
    Group("Passage clients", "For applications that speak the Passage dialect.", ("auth_origin", "redirect_url")),
    Group("Satellite clients", "For applications that speak the Satellite dialect.", ("otp_send",)),
    Group("SMTPD clients", "For applications that speak the SMTPD dialect.", ("password_grant",)),
)
COLUMNS = tuple(name for group in GROUPS for name in group.columns)

LABELS = {
    "sign_up_open": "New people may sign up",
    "concealment": "Conceal who is known here",
    "allows_keyless_clients": "Allow clients without an APP-KEY",
    "code_ttl": "Code lifetime",
    "max_tries": "Tries per code",
    "resend_after": "Pause between two messages",
    "access_token_ttl": "Access token lifetime",
    "session_idle_ttl": "Session ends unused after",
    "session_absolute_ttl": "Session ends in any case after",
    "refresh_grace": "Grace for the previous refresh token",
    "requests_per_minute": "Requests per minute",
    "code_requests_per_day": "Messages to one address in 24 hours",
    "api_key_prefix": "Prefix",
    "api_key_idle_ttl": "Revoke a key unused for",
    "otp_send": "Clients may have codes sent",
    "password_grant": "Clients may exchange a person’s password or code for tokens",
    "mail_from": "Sender of mail",
    "default_region": "Country of national phone numbers",
    "sms_countries": "Countries that text messages may go to",
    "sms_domain": "Site that phones fill codes in for",
    "auth_origin": "Site of the product",
    "redirect_url": "Address after a sign-in",
}
HELP = {
    "sign_up_open": "Off: only people who are known already can sign in.",
    "concealment": "On: until a code was proved, the answers are the same in words and in time for people who are known"
    " and for strangers, so nobody can find out who your users are. Off: clients hear “no such user” and “exists "
    "already” at once. User names cannot be concealed: there is no mailbox to prove one by, so a sign-up has to say "
    "whether the name is taken.",
    "allows_keyless_clients": "For clients that cannot send an APP-KEY, such as Passage’s SDKs and SmallPict’s "
    "plug-ins. On: anybody who knows the address can ask, and only the limits below slow them down.",
    "code_requests_per_day": "Empty means no limit beyond the 30 an hour that hold everywhere. SmallPict’s contract "
    "has 5.",
    "api_key_prefix": "What keys start with, so that people and secret scanners know whose they are: sp makes "
    "sp_live_… in production and sp_test_… elsewhere. Keys made before keep theirs.",
    "api_key_idle_ttl": "Empty means never. SMTPD’s contract has 90 days.",
    "otp_send": "On: whoever knows the address can have a code sent to anybody who may sign in, within the limits "
    "above. Off: nothing is sent that way.",
    "password_grant": "On: a client sees what a person types and could keep it, which is why newer contracts have no "
    "such thing. While it is off, sessions that began so are refused too.",
    "max_tries": "After so many wrong guesses a code is spent.",
}
SECONDS = (
    "code_ttl",
    "resend_after",
    "access_token_ttl",
    "session_idle_ttl",
    "session_absolute_ttl",
    "refresh_grace",
    "api_key_idle_ttl",
)


def _field_of(column: models.Field[Any, Any], **options: Any) -> forms.Field | None:
    if isinstance(column, models.URLField):
        options["assume_scheme"] = "https"
    return column.formfield(**options)


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no such subscript when it runs.
    default_renderer = PageRenderer

    class Meta:
        model = Environment
        formfield_callback = _field_of
        fields = COLUMNS

    def __init__(self, *args: Any, is_editable: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        # Nobody could sign in at none a minute; no limit is written as nothing.
        self.fields["requests_per_minute"].validators.append(MinValueValidator(1))
        self.fields["requests_per_minute"].widget.attrs["min"] = "1"
        self.fields["default_language"] = forms.ChoiceField(label="Language", choices=settings.LANGUAGES)
        for name, field in self.fields.items():
            field.label = LABELS.get(name, field.label)
            field.help_text = _help(name, str(field.help_text))
            field.widget.attrs |= _bounds(name)
            field.disabled = not is_editable
            # What the page showed comes back with it, so that only what was changed on it is written.
            field.show_hidden_initial = is_editable
            if name in SECONDS:
                field.widget.attrs |= {"data-unit": "seconds"}

    def groups(self) -> list[tuple[Group, list[forms.BoundField]]]:
        return [(group, [self[name] for name in group.columns]) for group in GROUPS]


def _help(name: str, text: str) -> str:
    text = HELP.get(name, text.replace(" In seconds.", "").replace("Digits.", "How many digits."))
    bounds = [in_words(int(bound)) if name in SECONDS else bound for bound in _bounds(name).values()]
    return f"{text} {' to '.join(bounds)}." if len(bounds) == len(("min", "max")) else text


def _bounds(name: str) -> dict[str, str]:
    """What the model's validators allow, for the browser to say before anything is sent."""
    column = Environment._meta.get_field(name)  # noqa: SLF001 - Django's documented name.
    validators = column.validators if isinstance(column, models.Field) else []
    limits = {MinValueValidator: "min", MaxValueValidator: "max"}
    return {
        limits[type(rule)]: str(rule.limit_value)
        for rule in validators
        if isinstance(rule, BaseValidator) and type(rule) in limits and _is_ours(rule)
    }


def _is_ours(rule: BaseValidator) -> bool:
    """Django adds the limits of the column's type, which say nothing to people."""
    return bool(rule.limit_value >= 0 and rule.limit_value not in (2**15 - 1, 2**31 - 1))
