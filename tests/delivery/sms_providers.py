"""SMS providers as an operator sets them up, at a sink."""

from __future__ import annotations

import json
from typing import Any

from tests.delivery.http_sink import HttpSink

SID, AUTH_TOKEN = "AC" + "0" * 32, "twilio-s3cret"


def gateway(sink: HttpSink, **facts: Any) -> str:
    facts = {"fields": {"to": "{to}", "message": "{text}"}, **facts}
    return json.dumps({"kind": "gateway", "url": f"{sink.url}/send?key=url-s3cret", **facts})


def twilio(sink: HttpSink, sender: str = "+15005550006") -> str:
    facts = {"account_sid": SID, "auth_token": AUTH_TOKEN, "from": sender, "base_url": sink.url}
    return json.dumps({"kind": "twilio", **facts})
