import json

import pytest

from config.logging import redact
from tests.stack.checkout import Checkout, made

SECRETS = [
    "sp_live_9YIKkTAn2GSVjMVOZYZeLkS8SrAZ3fBZ35qMz2",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ada.lovelace@example.com",
    "+49 170 1234567",
    "https://x.example/cb?refresh_token=abcDEF123",
    "your code is 123456",
    '{"otp_code": 87654321}',
    "redis://user:hunter2@localhost:6379",
]


@pytest.mark.parametrize("text", SECRETS)
def test_it_masks_what_looks_like_a_secret(text: str) -> None:
    event = redact(None, "info", {"event": f"got {text}", "detail": {"list": [text]}})
    assert text not in json.dumps(event)
    assert "…" in event["event"]


@pytest.mark.parametrize("name", ["code", "otp_code", "refresh_token", "app_key", "Authorization"])
def test_it_masks_a_value_by_its_name(name: str) -> None:
    assert redact(None, "info", {"event": "x", name: "123456"})[name] == "…"


def test_it_leaves_ordinary_facts_alone() -> None:
    facts = {"event": "request", "status_code": 200, "path": "/v1/apps/1234567890", "timestamp": "2026-11-21T07:11:02Z"}
    assert redact(None, "info", dict(facts)) == facts


def test_it_masks_tracebacks_of_libraries_in_both_formats() -> None:
    script = (
        "import sys, logging; from config.logging import configure; configure(sys.argv[1], 'INFO')\n"
        "try: raise ValueError('ada@example.com')\n"
        "except ValueError: logging.getLogger('django.request').exception('for %s', 'bob@example.com')"
    )
    with made() as checkout:
        text, line = _logged(checkout, script, "text"), _logged(checkout, script, "json")
    assert "ada@" not in text + line
    assert "bob@" not in text + line
    assert json.loads(line)["exception"].endswith("ValueError: a…@example.com")
    assert "Traceback" in text


def _logged(checkout: Checkout, script: str, log_format: str) -> str:
    return checkout.output("-c", script, log_format)
