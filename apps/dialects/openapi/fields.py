"""What requests hold: our own serializer fields in JSON Schema, and the words for each field by its name."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from apps.dialects import fields, oauth, smallpict, smtpd_account
from apps.dialects.openapi.shapes import Shape
from apps.passwordless.api_keys import NAME_LENGTH
from apps.tokens.scopes import SCOPE_TOKEN

# The bounds are those that the fields check; what a field normalises is looser here than what it becomes.
SHAPES: dict[type[serializers.Field[Any, Any, Any, Any]], Shape] = {
    fields.EmailField: {"type": "string", "format": "email", "maxLength": 254},
    fields.IdentifierField: {"type": "string", "maxLength": 254},
    fields.CodeField: {
        "type": ["string", "integer"],
        "pattern": "^[0-9]{1,10}$",
        "minimum": 0,
        "maximum": fields.LARGEST_CODE - 1,
    },
    fields.StringField: {"type": "string", "maxLength": fields.MAX_LENGTH},
    fields.UsernameField: {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{3,19}$"},
    fields.FlagField: {"type": "boolean"},
    oauth.ParameterField: {"type": "string"},
    smtpd_account.NameField: {"type": "string", "minLength": 1, "maxLength": NAME_LENGTH},
    smtpd_account.ScopesField: {
        "type": "array",
        "items": {"type": "string", "pattern": f"^{SCOPE_TOKEN.pattern}$"},
        "minItems": 1,
        "maxItems": smtpd_account.MOST_SCOPES,
    },
    smallpict.SiteURLField: {"type": "string", "maxLength": smallpict.MAX_SITE_URL_LENGTH},
    fields.LanguageField: {"type": "string", "maxLength": fields.MAX_LANGUAGE_LENGTH},
}
WORDS: dict[str, tuple[str, Any]] = {
    "client_id": ("The client's id, unless it authenticates by HTTP Basic.", "3b5d5c3712955042212316173ccf37be"),
    "client_secret": ("The client's secret, unless it authenticates by HTTP Basic.", "sp_test_1hVDzXQ"),
    "code": ("The code that the person was sent.", "123456"),
    "connection_name": ("The name of a social connection.", "google"),
    "grant_type": ("Which grant this is.", "client_credentials"),
    "is_verification": ("Whether to mail a link that confirms the address.", True),
    "password": ("The password.", "correct horse battery staple"),
    "phone": ("The phone number; a national one is read in the environment's region.", "+14155550123"),
    "scopes": ("What the key may do; all that its maker may, where nothing is said.", ["account"]),
    "site_url": ("The web address of the site that asks; an empty one counts as left out.", "https://shop.example.com"),
    "scope": ("The scopes, separated by spaces; all that there may be where none is named.", ""),
    "token": ("The token.", "AXhTZXNzaW9uAAAAAQ"),
    "username": ("The user name; where a code may be the password, the email address or phone number.", "ada_l"),
    "country_code": ("The country's calling code, with its plus sign.", "+91"),
    "email": ("The person's email address.", "ada@example.com"),
    "identifier": ("An email address, or a phone number in E.164 form.", "ada@example.com"),
    "language": ("The language of the message, as in Accept-Language; what is no language is ignored.", "de"),
    "mobile": ("The phone number without its country code.", "9876543211"),
    "name": ("What its owner knows the key by.", "Backup script"),
    "otp": ("The code that the person was sent: a string, or an integer that has lost its leading zeros.", "123456"),
    "otp_code": ("The code that the person was sent: an integer, or a string of digits.", 123456),
    "otp_id": ("The id that the start of this sign-in answered.", "AQIDBAUGBwgJCgsMDQ4PEBES"),
    "recipient": ("Only messages to this email address or phone number.", "ada@example.com"),
    "refresh_token": ("The newest refresh token of the session.", "AXhTZXNzaW9uAAAAAQ"),
}


class OneOf(fields.StringField):
    """Only in documents: the few values of a field that mean something."""

    def __init__(self, *values: str, required: bool = True) -> None:
        super().__init__(required=required)
        self.values = values

    def __deepcopy__(self, _memo: Any) -> OneOf:
        return OneOf(*self.values, required=self.required)


class OwnField(OpenApiSerializerFieldExtension):
    """Raises KeyError for a field that nobody has described."""

    target_class = "apps.dialects.fields.EmailField"
    match_subclasses = True

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return isinstance(target, tuple(SHAPES))

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> Shape:
        description, example = WORDS[self.target.field_name]
        if isinstance(self.target, OneOf):
            values = list(self.target.values)
            return {"type": "string", "enum": values, "description": description, "examples": values[:1]}
        shape = next(SHAPES[base] for base in type(self.target).__mro__ if base in SHAPES)
        return {**shape, "description": description, "examples": [example]}
