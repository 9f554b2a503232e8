"""The policy of an environment as a form: every editable column, in groups, with units and bounds."""

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

# What an environment is, as opposed to how it behaves: others compare these, so they are not changed here.
FIXED = ("project", "name", "kind", "issuer", "passage_issuer")


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
    Group("Limits", "Against noise and cost. What protects a code does not rest on them.", ("requests_per_minute",)),
    Group(
        "Messages",
        "How people are written to.",
        ("mail_from", "default_language", "default_region", "sms_countries", "sms_domain"),
    ),
    Group("Passage clients", "For applications that speak the Passage dialect.", ("auth_origin", "redirect_url")),
)
REST = Group("More", "", ())

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
    "already” at once.",
    "max_tries": "After so many wrong guesses a code is spent.",
}
SECONDS = (
    "code_ttl",
    "resend_after",
    "access_token_ttl",
    "session_idle_ttl",
    "session_absolute_ttl",
    "refresh_grace",
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
        exclude = FIXED  # noqa: DJ006 - a new column shall turn up here by itself.

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
        """The fields in their groups; what no group names stands in the last."""
        named = {name for group in GROUPS for name in group.columns}
        rest = [name for name in self.fields if name not in named]
        columns = [(group, group.columns) for group in GROUPS] + [(REST, tuple(rest))]
        fields = [(group, [self[name] for name in names if name in self.fields]) for group, names in columns]
        return [(group, members) for group, members in fields if members]


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
    return bool(0 <= rule.limit_value < 2**31 - 1)
