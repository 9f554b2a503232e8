"""What SMTPD's people see of themselves (contracts/others.md): `oauth/me`, and their API keys.

Whoever acts comes with an access token, or with an API key that has the scope `account`, as Bearer or as the user name
of Basic. Names and pictures are not known here, so those fields of `oauth/me` are empty strings.

Of API keys the vendor documents the addresses, and that a secret is shown once; the fields are ours, in the style of
`oauth/me`: moments in milliseconds since the epoch, null for what has not happened.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from rest_framework import serializers

from apps.dialects.answers import Response
from apps.dialects.base import endpoint
from apps.dialects.smtpd import SmtpdView
from apps.passwordless.api_keys import NAME_LENGTH, create_key, key_of, keys_of, revoke_key
from apps.passwordless.people import describe, lifetime
from apps.tokens.api_keys import ApiKey
from apps.tokens.scopes import SCOPE_TOKEN

MOST_SCOPES = 20


class NameField(serializers.Field[str, Any, str, Any]):
    """One line that its owner knows the key by."""

    default_error_messages = {"invalid": "must be a text of 1 to 100 characters"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not data.isprintable() or not 1 <= len(data.strip()) <= NAME_LENGTH:
            self.fail("invalid")
        return str(data).strip()


class ScopesField(serializers.Field[list[str], Any, list[str], Any]):
    default_error_messages = {"invalid": "must be a list of scopes"}  # noqa: RUF012 - DRF reads it so.

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list) or not 1 <= len(data) <= MOST_SCOPES:
            self.fail("invalid")
        if not all(isinstance(scope, str) and SCOPE_TOKEN.fullmatch(scope) for scope in data):
            self.fail("invalid")
        return list(data)


class KeyForm(serializers.Serializer[Any]):
    name = NameField()
    scopes = ScopesField(required=False, default=None)


class Me(SmtpdView):
    def get(self, request: HttpRequest, **_address: str) -> Response:
        person = self.principal()
        described, times = describe(person), lifetime(person)
        return Response(
            {
                "id": str(person.user_id),
                "account_id": str(person.user_id),
                "email_address": described.email or "",
                "first_name": "",
                "surname": "",
                "gravatar_url": "",
                "is_owner": True,
                "is_verified": described.email_verified,
                "created_at_utc": milliseconds(times.created_at),
                "modified_at_utc": milliseconds(times.modified_at),
            }
        )


class Keys(SmtpdView):
    def get(self, request: HttpRequest, **_address: str) -> Response:
        return Response({"api_keys": [key_body(key) for key in keys_of(self.principal())]})

    def post(self, request: HttpRequest, **_address: str) -> Response:
        person = self.principal()
        form = self.parse(KeyForm)
        minted = create_key(person, name=form["name"], scopes=form["scopes"], context=self.context)
        return Response({**key_body(minted.key), "api_key": minted.secret}, status=201)


class Key(SmtpdView):
    def get(self, request: HttpRequest, key_id: str, **_address: str) -> Response:
        return Response(key_body(key_of(self.principal(), key_id)))


class KeyRevocation(SmtpdView):
    def put(self, request: HttpRequest, key_id: str, **_address: str) -> Response:
        return Response(key_body(revoke_key(self.principal(), key_id, self.context)))


def key_body(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id.hex,
        "name": key.name,
        "site_url": key.site_url,
        "last_four": key.last_four,
        "scopes": key.scopes,
        "created_at_utc": milliseconds(key.created_at),
        "expires_at_utc": milliseconds(key.expires_at),
        "last_used_at_utc": milliseconds(key.last_used_at),
        "revoked_at_utc": milliseconds(key.revoked_at),
    }


def milliseconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if moment else None


urlpatterns = [
    endpoint("oauth/me", Me),
    endpoint("api/v1/account/api_key", Keys),
    endpoint("api/v1/account/api_key/(?P<key_id>[^/]+)", Key),
    endpoint("api/v1/account/api_key/(?P<key_id>[^/]+)/revoke", KeyRevocation),
]
