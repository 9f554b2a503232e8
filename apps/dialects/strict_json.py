"""JSON as every dialect reads it: bounded, unambiguous, and free of characters that no field may hold (RFC 8259)."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from apps.core.errors import InvalidRequest

MAX_BODY_BYTES = 16 * 1024
MAX_DEPTH = 20
# Control characters end up in headers, logs and terminals; a lone surrogate has no UTF-8 form at all.
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def loads(body: bytes) -> Any:
    """Whatever the content type says: some clients send none (contracts/clients.md, trap 6).

    Raises InvalidRequest for what is not JSON, nests too deep, repeats a key or holds a forbidden character.
    """
    try:
        value = _decoder.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        # UnicodeDecodeError and JSONDecodeError are ValueErrors, as is an integer of more than 4,300 digits.
        raise InvalidRequest("The body is not valid JSON.") from None
    _inspect(value, depth=1)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two parsers that keep different ones of two equal keys would act on two different requests."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidRequest("The body repeats a key.")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _inspect(value: Any, depth: int) -> None:
    """Stops at MAX_DEPTH, so it never goes as deep as the parser went."""
    if isinstance(value, str):
        if FORBIDDEN.search(value):
            raise InvalidRequest("The body holds a control character.")
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            raise InvalidRequest("The body nests too deep.")
        members = [*value, *value.values()] if isinstance(value, dict) else value
        for member in members:
            _inspect(member, depth + 1)
