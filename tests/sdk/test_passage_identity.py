"""passage-identity as published on PyPI, 2.6 and 3.x, verifies our tokens: its hosts are built in, and lead here."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from apps.management.environments import add_signing_keys
from apps.tokens import keyring
from tests.delivery.certificates import Authority
from tests.dialects.passage_app import App
from tests.sdk.conftest import NewApp
from tests.sdk.vendor import Vendor

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".venv" / "sdk"
ADA = "ada@example.com"
VERSIONS = ["passage_identity_2", "passage_identity_3"]
pytestmark = pytest.mark.parametrize("version", VERSIONS)


class Sdk:
    """The SDK in a process of its own, with nothing of ours but the names."""

    def __init__(self, version: str, vendor: Vendor, authority: Authority) -> None:
        self.python = INSTALLED / version / "bin" / "python"
        assert self.python.exists(), f"{version} is not installed: `make test` does that"
        trusted = {"SSL_CERT_FILE": str(authority.file), "REQUESTS_CA_BUNDLE": str(authority.file)}
        names = {"PYTHONPATH": str(HERE / "redirect"), "VENDOR_ADDRESS": vendor.address}
        self.environ = {"PATH": os.environ["PATH"], **trusted, **names}

    def ask(self, app_id: str, *tokens: str) -> dict[str, Any]:
        run = subprocess.run(
            [self.python, HERE / "ask_passage_identity.py"],
            input=json.dumps({"app_id": app_id, "tokens": tokens}),
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        answers: dict[str, Any] = json.loads(run.stdout)
        return answers


@pytest.fixture
def sdk(version: str, vendor: Vendor, authority: Authority) -> Sdk:
    return Sdk(version, vendor, authority)


def app_id(passage: App) -> str:
    return passage.world.environment.id.hex


def subject(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["sub"])


def test_it_verifies_a_token_and_tells_whose_it_is(sdk: Sdk, passage: App, vendor: Vendor, version: str) -> None:
    activated = passage.signed_in(ADA)
    refreshed = passage.refresh(activated["refresh_token"]).json()["auth_result"]
    tokens = [activated["auth_token"], refreshed["auth_token"]]
    assert claims(tokens[0])["iss"] == f"https://auth.passage.id/v1/apps/{app_id(passage)}"
    answers = sdk.ask(app_id(passage), *tokens)
    assert answers["validate_jwt"] == [subject(token) for token in tokens] == [subject(tokens[0])] * 2
    assert vendor.methods("/.well-known/jwks.json") == [("GET", 200)]
    if version == "passage_identity_2":
        assert answers["authenticateRequest"] == answers["validate_jwt"]


def test_it_refuses_whatever_else_there_is(sdk: Sdk, passage: App, new_app: NewApp) -> None:
    token = passage.signed_in(ADA)["auth_token"]
    head, _, signature = token.split(".")
    payload = jwt.utils.base64url_encode(json.dumps({**claims(token), "sub": "somebody-else"}).encode()).decode()
    kid = {"kid": jwt.get_unverified_header(token)["kid"]}
    refused = [
        f"{head}.{payload}.{signature}",
        new_app().signed_in(ADA)["auth_token"],
        passage.world.signed_in(ADA)["access_token"],
        jwt.encode(claims(token), "k" * 32, "HS256", headers=kid),
        jwt.encode(claims(token), "", "none", headers=kid),
        "junk",
    ]
    answers = sdk.ask(app_id(passage), *refused)
    assert [answer.startswith("refused: ") for answer in answers["validate_jwt"]] == [True] * len(refused)


def test_it_follows_a_change_of_keys(sdk: Sdk, passage: App) -> None:
    before = passage.signed_in(ADA)
    add_signing_keys(passage.world.environment, ahead=timedelta(0))
    keyring.forget(passage.world.environment)
    after = passage.refresh(before["refresh_token"]).json()["auth_result"]
    tokens = [before["auth_token"], after["auth_token"]]
    assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 2
    assert sdk.ask(app_id(passage), *tokens)["validate_jwt"] == [subject(tokens[0])] * 2


def test_it_verifies_with_and_without_an_origin(sdk: Sdk, new_app: NewApp, version: str) -> None:
    """2.6 looks among the audiences for the app's id if the app is hosted, and else for its origin."""
    for passage, hosted in ((new_app(), False), (new_app(auth_origin=""), True)):
        token = passage.signed_in(ADA)["auth_token"]
        answers = sdk.ask(app_id(passage), token)
        assert answers["validate_jwt"] == [subject(token)]
        assert version == "passage_identity_3" or answers["hosted"] is hosted


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found
