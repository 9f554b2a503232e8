"""Bodies as OAuth clients send them, in JSON or as a form, and HTTP Basic: bounded and unambiguous like strict_json."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from apps.core.errors import InvalidRequest
from apps.dialects import strict_json

FORM = "application/x-www-form-urlencoded"
MAX_PARAMETERS = 50


class Form(dict[str, str]):
    """Parameters that came as a form. Some contracts answer one otherwise than JSON."""


def read(body: bytes, media_type: str | None) -> Any:
    """A form by its content type, else JSON. A form's values are all strings.

    curl calls whatever it posts a form, so a body that begins as a JSON object is read as one all the same.
    """
    is_form = is_form_type(media_type) and not body.lstrip().startswith(b"{")
    return form(body) if is_form else strict_json.loads(body)


def is_form_type(media_type: str | None) -> bool:
    return (media_type or "").partition(";")[0].strip().lower() == FORM


def form(body: bytes) -> Form:
    """Raises InvalidRequest for what is no form in UTF-8, repeats a parameter or holds a control character."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise InvalidRequest("The body is not a valid form.") from None
    # RFC 6749 section 3.2: parameters must not be included more than once.
    parameters = Form(pairs)
    if len(parameters) != len(pairs):
        raise InvalidRequest("The body repeats a parameter.")
    if any(strict_json.FORBIDDEN.search(text) for pair in pairs for text in pair):
        raise InvalidRequest("The body holds a control character.")
    return parameters


@dataclass(frozen=True, slots=True)
class Basic:
    """HTTP Basic (RFC 7617) as it was sent; some clients form-encode both halves first (RFC 6749 section 2.3.1)."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def decoded(self) -> Basic:
        return Basic(unquote_plus(self.user), unquote_plus(self.password))


def basic(authorization: str) -> Basic | None:
    """None for a header of another scheme. Raises InvalidRequest for one that claims to be Basic and cannot be read."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise InvalidRequest("The Authorization header cannot be read.") from None
    if not colon or strict_json.FORBIDDEN.search(user + password):
        raise InvalidRequest("The Authorization header cannot be read.")
    return Basic(user, password)
