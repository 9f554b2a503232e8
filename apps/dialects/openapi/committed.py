"""The committed documents, as they are served. Knows nothing of how they are made."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "documents"
# In the order in which the reference lists them.
NAMES = ("zeromagic", "passage", "satellite", "smtpd", "smallpict", "platform")


@cache
def text(name: str) -> bytes:
    """Raises KeyError for a name that is none: it comes out of a URL."""
    if name not in NAMES:
        raise KeyError(name)
    return (FOLDER / f"{name}.json").read_bytes()


@cache
def document(name: str) -> dict[str, Any]:
    """Raises KeyError. Shared: whoever gets it only reads it."""
    parsed: dict[str, Any] = json.loads(text(name))
    return parsed
