"""Which scopes a key or a client may be given."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError

from apps.tokens.api_keys import Scope
from apps.tokens.scopes import MAX_SCOPE_LENGTH, SCOPE_TOKEN


def checked(scopes: Iterable[str], *, has_owner: bool) -> list[str]:
    """The scopes without repeats. Raises ValidationError for what is none, or would mean nothing."""
    wanted = list(dict.fromkeys(scopes))
    if not all(SCOPE_TOKEN.fullmatch(scope) for scope in wanted):
        raise ValidationError("A scope is up to 40 letters, digits and signs, without quotation marks or backslashes.")
    if len(" ".join(wanted)) > MAX_SCOPE_LENGTH:
        raise ValidationError(f"All scopes together have at most {MAX_SCOPE_LENGTH} characters.")
    if Scope.ACCOUNT in wanted and not has_owner:
        raise ValidationError(f"Only a key that belongs to a person can have the scope “{Scope.ACCOUNT}”.")
    return wanted
