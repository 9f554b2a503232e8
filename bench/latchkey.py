"""Latchkey as a side: the flow of ZeroMagic's wire, delivered by mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bench.installation import Installation
from bench.sides import LATCHKEY, Side
from bench.targets import FLOW, REFRESH, START, VERIFY, Step, Target

# The single requests that are compared with a peer's. The second is the lightest that an API key opens.
ACCESS_TOKEN_CHECK = "userinfo"
API_KEY_CHECK = "dev/messages"


def side(installation: Installation, environment: Mapping[str, Any]) -> Side:
    """`environment`: what `manage.py demo --json` told about it."""
    flow = _target(environment)
    return Side(LATCHKEY, flow, installation.pids(), lambda facts: _checks(environment, facts))


def without_limits(mail_url: str) -> list[str]:
    """Options of `manage.py demo`: all flows come from one address, and no person is the same."""
    return ["--requests-per-minute", "off", "--resend-after", "0", "--email-url", mail_url]


def _target(environment: Mapping[str, Any]) -> Target:
    root = urlsplit(environment["base_url"])
    steps = (
        Step(START, f"{root.path}/email-otp-signup", '{"email": "%(email)s"}'),
        Step(VERIFY, f"{root.path}/email-otp-verify", '{"email": "%(email)s", "otp_code": "%(code)s"}'),
        Step(REFRESH, f"{root.path}/token/refresh", '{"refresh_token": "%(refresh_token)s"}'),
    )
    headers = {"APP-KEY": environment["app_key"]}
    return Target(str(root.hostname), root.port or 80, steps, headers, is_mailed=True)


def _checks(environment: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Target]:
    return {
        "access token": _check(environment, ACCESS_TOKEN_CHECK, facts["access_token"]),
        "API key": _check(environment, API_KEY_CHECK, environment["messages_key"]),
        "empty view": _check(environment, "/healthz", ""),
    }


def _check(environment: Mapping[str, Any], path: str, bearer: str) -> Target:
    root = urlsplit(environment["base_url"])
    full = path if path.startswith("/") else f"{root.path}/{path}"
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return Target(str(root.hostname), root.port or 80, (Step(FLOW, full, method="GET"),), headers)
