"""Which scopes a key or a client may be given."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.core.exceptions import ValidationError

from apps.tokens.api_keys import Scope

# RFC 6749 section 3.3: printable ASCII without blank, quotation mark and backslash. The length is the column's.
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,40}")
# All of them stand in one column of a session and in every access token.
MAX_TOGETHER = 500


def checked(scopes: Iterable[str], *, has_owner: bool) -> list[str]:
    """The scopes without repeats. Raises ValidationError for what is none, or would mean nothing."""
    wanted = list(dict.fromkeys(scopes))
    if not all(SCOPE_TOKEN.fullmatch(scope) for scope in wanted):
        raise ValidationError("A scope is up to 40 letters, digits and signs, without quotation marks or backslashes.")
    if len(" ".join(wanted)) > MAX_TOGETHER:
        raise ValidationError(f"All scopes together have at most {MAX_TOGETHER} characters.")
    if Scope.ACCOUNT in wanted and not has_owner:
        raise ValidationError(f"Only a key that belongs to a person can have the scope “{Scope.ACCOUNT}”.")
    return wanted
