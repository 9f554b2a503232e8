"""Whatever a dialect answers in these tests, its OpenAPI document must have told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.test.client import FakePayload

from tests.dialects.judge import Exchange, judge_answer


@pytest.fixture(autouse=True)
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Exchange]:
    """All that goes between Django's test client and the dialects during a test."""
    heard: list[Exchange] = []
    ask = Client.request

    def listened(self: Client, **environ: Any) -> Any:
        body = environ["wsgi.input"].read() if "wsgi.input" in environ else b""
        answer = ask(self, **{**environ, "wsgi.input": FakePayload(body)})
        exchange = Exchange(
            environ["REQUEST_METHOD"].lower(),
            environ["PATH_INFO"],
            environ.get("QUERY_STRING", ""),
            environ.get("CONTENT_TYPE", ""),
            body,
            answer,
        )
        judge_answer(exchange)
        heard.append(exchange)
        return answer

    monkeypatch.setattr(Client, "request", listened)
    return heard
