"""Latchkey as a side: the flow of ZeroMagic's wire, delivered by mail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from bench.installation import Installation
from bench.sides import ACCESS_TOKEN, API_KEY, EMPTY, LATCHKEY, Side
from bench.targets import REFRESH, START, VERIFY, Step, Target, get

# The single request that is compared with a peer's: whose access token is this, and whose API key.
CHECKED_BY = "userinfo"
EMPTY_VIEW_PATH = "/healthz"


def side(installation: Installation, environment: Mapping[str, Any]) -> Side:
    """`environment`: what `manage.py demo --json` told about it."""
    flow = _target(environment)
    checks = lambda facts: _checks(environment, flow, facts)  # noqa: E731 - It needs the environment.
    return Side(LATCHKEY, flow, installation.pids(), checks, lambda: installation.backends_of("worker"))


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
    whose = f"{urlsplit(environment['base_url']).path}/{CHECKED_BY}"
    return {
        ACCESS_TOKEN: get(flow, whose, facts["access_token"]),
        API_KEY: get(flow, whose, _own_key(environment["base_url"], facts["access_token"])),
        EMPTY: get(flow, EMPTY_VIEW_PATH),
    }


def _own_key(base_url: str, access_token: str) -> str:
    """An API key of the person whose access token this is."""
    headers = {"Authorization": f"Bearer {access_token}", "Content-Type": "application/json"}
    wish = Request(f"{base_url}/api/v1/account/api_key", b'{"name": "bench"}', headers)  # noqa: S310 - Our own address.
    with urlopen(wish, timeout=10) as answer:  # noqa: S310 - As above.
        return str(json.load(answer)["api_key"])
