"""Latchkey as a side: the flow of ZeroMagic's wire, delivered by mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bench.installation import Installation
from bench.sides import ACCESS_TOKEN, API_KEY, EMPTY, LATCHKEY, Side
from bench.targets import REFRESH, START, VERIFY, Step, Target, get

# The single requests that are compared with a peer's, by what they check. The second is the lightest that a key opens.
CHECKED_BY = {ACCESS_TOKEN: "userinfo", API_KEY: "dev/messages"}
EMPTY_VIEW_PATH = "/healthz"


def side(installation: Installation, environment: Mapping[str, Any]) -> Side:
    """`environment`: what `manage.py demo --json` told about it."""
    flow = _target(environment)
    return Side(LATCHKEY, flow, installation.pids(), lambda facts: _checks(environment, flow, facts))


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


def _checks(environment: Mapping[str, Any], flow: Target, facts: Mapping[str, Any]) -> dict[str, Target]:
    root = urlsplit(environment["base_url"]).path
    return {
        ACCESS_TOKEN: get(flow, f"{root}/{CHECKED_BY[ACCESS_TOKEN]}", facts["access_token"]),
        API_KEY: get(flow, f"{root}/{CHECKED_BY[API_KEY]}", environment["messages_key"]),
        EMPTY: get(flow, EMPTY_VIEW_PATH),
    }
