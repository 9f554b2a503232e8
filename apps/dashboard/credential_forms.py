"""The forms of API keys and OAuth clients."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.dashboard.forms import NameForm, PageForm, RotateForm
from apps.management.scopes import checked
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.oauth_clients import Grant, OAuthClient

LIFETIMES = {
    "never": ("Never: it works until somebody revokes it", None),
    "30d": ("In 30 days", timedelta(days=30)),
    "90d": ("In 90 days", timedelta(days=90)),
    "1y": ("In a year", timedelta(days=365)),
}
ON_A_DAY = "day"
SCOPES = {
    Scope.READ_MESSAGES: "Read captured messages, codes included, for your own end-to-end tests",
    Scope.INTROSPECT: "Ask whether a token or key is good, for your servers",
}
GRANTS = [
    (Grant.CLIENT_CREDENTIALS, "Client credentials: tokens of its own, without a person"),
    (Grant.REFRESH_TOKEN, "Refresh token: new tokens for people who are signed in, until their session ends"),
    (
        Grant.PASSWORD,
        "Password: it takes a person’s code or password into its own hands. Only for clients that know no other way",
    ),
]
# Which fact of a client each field of its form belongs to.
CLIENT_FACTS = {
    "name": "name",
    "grants": "grants",
    "built_in": "scopes",
    "own": "scopes",
    "ends": "expires_at",
    "last_day": "expires_at",
}
STATES = [("", "In use"), ("ended", "Ended")]
MAX_SCOPES_TEXT = 500


class ExpiryForm(PageForm):
    """When the thing ends by itself. `expires_at` after `is_valid`: a moment, or None for never."""

    ends = forms.ChoiceField(
        label="Ends by itself",
        choices=[*((value, words) for value, (words, _) in LIFETIMES.items()), (ON_A_DAY, "On the day below")],
        initial="never",
        widget=forms.RadioSelect,
    )
    last_day = forms.DateField(
        label="Last day",
        required=False,
        help_text="Its last day, in UTC. Only read when “On the day below” is chosen.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
    )

    def clean(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().clean() or {}
        if facts.get("ends") == ON_A_DAY and "last_day" not in self.errors:
            day: date | None = facts.get("last_day")
            if day is None or day < timezone.now().date():
                self.add_error("last_day", "Choose a day that is not over.")
        return facts

    @property
    def expires_at(self) -> datetime | None:
        if self.cleaned_data["ends"] == ON_A_DAY:
            return datetime.combine(self.cleaned_data["last_day"], time.max.replace(microsecond=0), UTC)
        lifetime = LIFETIMES[self.cleaned_data["ends"]][1]
        return timezone.now() + lifetime if lifetime else None


class ScopesForm(PageForm):
    """Scopes of ours to tick, and the customer's own to write. `scopes` after `is_valid`."""

    built_in = forms.MultipleChoiceField(
        label="What it may do here", required=False, widget=forms.CheckboxSelectMultiple
    )
    own = forms.CharField(
        label="Scopes of your own",
        required=False,
        max_length=MAX_SCOPES_TEXT,
        help_text="For your own servers to read, with blanks between them, such as orders:read orders:write.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    has_owner: ClassVar[bool]

    def clean(self) -> dict[str, Any]:
        facts: dict[str, Any] = super().clean() or {}
        if not {"built_in", "own"} & {*self.errors}:
            try:
                checked(self.scopes, has_owner=self.has_owner)
            except ValidationError as error:
                self.add_error("own", error)
        return facts

    def offer(self, scopes: list[Scope]) -> None:
        field = self.fields["built_in"]
        field.choices = [(scope.value, f"{SCOPES[scope]} ({scope.value})") for scope in scopes]  # type: ignore[attr-defined]

    @property
    def scopes(self) -> list[str]:
        return [*self.cleaned_data["built_in"], *self.cleaned_data["own"].split()]


class ApiKeyForm(NameForm, ScopesForm, ExpiryForm):
    has_owner = False
    field_order = ("name", "built_in", "own", "ends", "last_day")

    def __init__(self, *args: Any, environment: Environment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = "Of the server or integration that holds it, for you to tell keys apart."
        # Production captures nothing.
        self.offer([Scope.INTROSPECT] if environment.is_production else list(SCOPES))


class ClientForm(NameForm, ScopesForm, ExpiryForm):
    has_owner = True  # A token of the password grant belongs to a person.
    grants = forms.MultipleChoiceField(
        label="How it gets tokens (grants)",
        choices=GRANTS,
        initial=[Grant.CLIENT_CREDENTIALS.value, Grant.REFRESH_TOKEN.value],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one: without any, it could do nothing."},
    )
    field_order = ("name", "grants", "built_in", "own", "ends", "last_day")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = "Of the application, for you to tell clients apart."
        self.fields[
            "own"
        ].help_text = "What its tokens may be asked for, with blanks between them, such as orders:read orders:write."
        self.offer([Scope.INTROSPECT])

    def changes(self) -> dict[str, Any]:
        """What was changed on the page, as the client's own facts."""
        changed = {CLIENT_FACTS[name] for name in self.changed_data}
        facts = {**self.cleaned_data, "scopes": self.scopes, "expires_at": self.expires_at}
        return {name: facts[name] for name in changed}

    @staticmethod
    def facts_of(client: OAuthClient) -> dict[str, Any]:
        """What the form shows of a client."""
        ends, last_day = ends_of(client.expires_at)
        return {
            "name": client.name,
            "grants": client.grants,
            "built_in": [scope for scope in client.scopes if scope == Scope.INTROSPECT],
            "own": " ".join(scope for scope in client.scopes if scope != Scope.INTROSPECT),
            "ends": ends,
            "last_day": last_day,
        }


class RotateApiKeyForm(RotateForm, ExpiryForm):
    """The next key has an end of its own; the same distance as the present one had, where that is on offer."""

    field_order = ("overlap", "ends", "last_day")

    def __init__(self, *args: Any, key: ApiKey, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends"].label = "The next key ends by itself"
        self.initial["ends"] = _lifetime_of(key)


class RotateSecretForm(RotateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["overlap"].label = "The present secret ends"


class KeySearchForm(PageForm):
    q = forms.CharField(
        label="Search", required=False, max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    state = forms.ChoiceField(label="Show", choices=STATES, required=False)


def ends_of(expires_at: datetime | None) -> tuple[str, date | None]:
    return ("never", None) if expires_at is None else (ON_A_DAY, expires_at.astimezone(UTC).date())


def _lifetime_of(key: ApiKey) -> str | None:
    """None where it cannot be told, because a rotation has shortened it: then somebody has to choose."""
    if key.expires_at is None:
        return "never"
    days = round((key.expires_at - key.created_at) / timedelta(days=1))
    return next((value for value, (_, lifetime) in LIFETIMES.items() if lifetime and lifetime.days == days), None)
