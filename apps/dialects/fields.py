"""Fields that dialects share. DRF's own coerce; on a sign-in endpoint a wrong type is an error, not a hint."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import SkipField, empty

from apps.core.identifiers import Contact, any_contact, canonical_username, email_contact

# ASCII only: \d would take full-width and other digits, which the person never saw in the message.
CODE = re.compile(r"[0-9]{1,10}")
LARGEST_CODE = 10**10
MAX_LENGTH = 4096
MAX_LANGUAGE_LENGTH = 200


def read(form: type[serializers.Serializer[Any]], data: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form's fields. Raises ValidationError, of the first field that is wrong.

    DRF's own way makes a copy of every field for every request, which takes longer than all else that happens here.
    These fields keep nothing between two requests, and no form looks at two of them together.
    """
    values = {}
    for name, field in form._declared_fields.items():  # noqa: SLF001 - What the class body says, in its order.
        try:
            values[name] = field.run_validation(data.get(name, empty))
        except SkipField:
            continue
        except serializers.ValidationError as error:
            raise serializers.ValidationError({name: error.detail}) from None
    return values


class EmailField(serializers.Field[Contact, Any, str, Any]):
    """Becomes the canonical address; a list, a number or a header injection is refused."""

    def to_internal_value(self, data: Any) -> Contact:
        return email_contact(data)


class IdentifierField(serializers.Field[Contact, Any, str, Any]):
    """An email address or an E.164 phone number."""

    def to_internal_value(self, data: Any) -> Contact:
        return any_contact(data)


class CodeField(serializers.Field[str, Any, str, Any]):
    """A code as a string of digits or as a JSON integer, which has lost its leading zeros."""

    default_error_messages = {"invalid": "must be a string of digits or an integer"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, int) and not isinstance(data, bool) and 0 <= data < LARGEST_CODE:
            return str(data)
        if not isinstance(data, str) or not CODE.fullmatch(data):
            self.fail("invalid")
        return str(data)


class StringField(serializers.Field[str, Any, str, Any]):
    """A string of reasonable length, and nothing that could be read as one."""

    default_error_messages = {"invalid": "must be a string"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or len(data) > MAX_LENGTH:
            self.fail("invalid")
        return str(data)


class UsernameField(serializers.Field[str, Any, str, Any]):
    """Becomes the canonical user name."""

    def to_internal_value(self, data: Any) -> str:
        return canonical_username(data)


class FlagField(serializers.Field[bool, Any, bool, Any]):
    default_error_messages = {"invalid": "must be true or false"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return bool(data)


class LanguageField(serializers.Field[str, Any, str, Any]):
    """The wish for a language: what is none is no error, only no wish."""

    def to_internal_value(self, data: Any) -> str:
        return data if isinstance(data, str) and len(data) <= MAX_LANGUAGE_LENGTH else ""
