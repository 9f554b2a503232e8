"""The short forms of the dashboard. Bounds that the database cares about are the models'."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.forms.renderers import TemplatesSetting

from apps.core.errors import InvalidRequest
from apps.core.identifiers import canonical_email
from apps.tenants.models import Environment, Membership

Role = Membership.Role
MAX_NAME = 100
OVERLAPS = {
    "0": ("At once", timedelta(0)),
    "1h": ("In 1 hour", timedelta(hours=1)),
    "24h": ("In 24 hours", timedelta(hours=24)),
    "7d": ("In 7 days", timedelta(days=7)),
}


class PageRenderer(TemplatesSetting):
    field_template_name = "dashboard/components/field.html"


class PageForm(forms.Form):
    default_renderer = PageRenderer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class EmailField(forms.CharField):
    """An address in its canonical form, by our own rules."""

    widget = forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"})

    def clean(self, value: object) -> str:
        text: str = super().clean(value)
        try:
            return canonical_email(text)
        except InvalidRequest:
            raise forms.ValidationError("Enter an email address, such as ada@example.com.") from None


class EmailForm(PageForm):
    email = EmailField(label="Email address", max_length=254)


class CodeForm(PageForm):
    code = forms.CharField(
        label="Code",
        max_length=20,
        help_text="The digits from the message. Blanks do not matter.",
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True, "class": "code-input"}
        ),
    )

    def clean_code(self) -> str:
        """Digits alone; anything else is a typing mistake and spends no try."""
        code = "".join(str(self.cleaned_data["code"]).split())
        RegexValidator(r"\A[0-9]{4,10}\Z", "The code is digits only.")(code)
        return code


class ConfirmForm(PageForm):
    """Nothing to fill in."""


class NameForm(PageForm):
    name = forms.CharField(label="Name", max_length=MAX_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class ProjectForm(NameForm):
    """The name is one that end users read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = "Of the product, as its users know it: it stands in the messages they get."


class EnvironmentForm(PageForm):
    name = forms.CharField(
        label="Name",
        max_length=32,
        validators=[RegexValidator(r"\A[a-z][a-z0-9-]*\Z", "Start with a letter; then letters, digits and dashes.")],
        help_text="Small letters, digits and dashes. It becomes part of the address and stays as it is.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    kind = forms.ChoiceField(
        label="Kind",
        choices=[
            (Environment.Kind.DEVELOPMENT, "Development: without a mail server, messages are captured for you to read"),
            (Environment.Kind.STAGING, "Staging: the same rules, kept apart from everybody's experiments"),
            (Environment.Kind.PRODUCTION, "Production: real people; nothing is captured"),
        ],
        initial=Environment.Kind.DEVELOPMENT,
        widget=forms.RadioSelect,
    )


class RotateForm(PageForm):
    overlap = forms.ChoiceField(
        label="The present key ends",
        choices=[(value, words) for value, (words, _) in OVERLAPS.items()],
        initial="24h",
        widget=forms.RadioSelect,
    )

    @property
    def duration(self) -> timedelta:
        return OVERLAPS[self.cleaned_data["overlap"]][1]


ROLES = [
    (Role.VIEWER, "Viewer: reads everything, changes nothing"),
    (Role.DEVELOPER, "Developer: keys and clients; the policy and the providers of development and staging"),
    (Role.ADMIN, "Admin: everything but members"),
    (Role.OWNER, "Owner: everything"),
]


class RoleForm(PageForm):
    role = forms.ChoiceField(label="Role", choices=ROLES, initial=Role.DEVELOPER, widget=forms.RadioSelect)


class InviteForm(RoleForm):
    email = EmailField(label="Email address", max_length=254)
    field_order = ("email", "role")


class SearchForm(PageForm):
    recipient = forms.CharField(
        label="Recipient", required=False, max_length=254, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
