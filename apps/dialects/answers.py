"""What goes back: a body as JSON (RFC 8259), short and in UTF-8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse

JSON = "application/json"
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def timestamp(moment: datetime) -> str:
    """RFC 3339, in UTC."""
    return moment.isoformat().replace("+00:00", "Z")


class Response(HttpResponse):
    """`body` may hold whatever JSON can; None is no body at all."""

    def __init__(self, body: Any = None, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        content = b"" if body is None else _encoder.encode(body).encode()
        super().__init__(content, content_type=JSON, status=status, headers=dict(headers) if headers else None)
        if body is None:
            del self["Content-Type"]
