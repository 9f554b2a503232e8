"""Runs in the SDK's own interpreter: reads questions from stdin, one JSON object, and writes what the SDK answered."""

from __future__ import annotations

import json
import sys
from typing import Any

from passageidentity import Passage  # type: ignore[import-not-found]


class Request:
    """As much of a web framework's request as the SDK reads."""

    def __init__(self, token: str) -> None:
        self.cookies = {"psg_auth_token": token}


def ask(app_id: str, tokens: list[str]) -> dict[str, Any]:
    passage = Passage(app_id, "sk_test_unused")
    answers: dict[str, Any] = {"validate_jwt": [outcome(passage.auth.validate_jwt, token) for token in tokens]}
    if hasattr(passage, "authenticateRequest"):  # 2.x
        requests = [Request(token) for token in tokens]
        answers["authenticateRequest"] = [outcome(passage.authenticateRequest, request) for request in requests]
        answers["hosted"] = passage.auth.app["hosted"]
    return answers


def outcome(step: Any, argument: Any) -> str:
    try:
        return str(step(argument))
    except Exception as refused:
        return f"refused: {refused}"


if __name__ == "__main__":
    json.dump(ask(**json.load(sys.stdin)), sys.stdout)
