"""oauth4webapi and openid-client as published on npm: all grants, refresh, revocation, introspection, discovery."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.dialects.satellite_app import Satellite
from tests.dialects.test_satellite import ADA
from tests.sdk.conftest import NewClient

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".venv" / "sdk" / "npm"
PACKAGES = ["oauth4webapi", "openid_client"]
METHODS = ["client_secret_basic", "client_secret_post"]
# Both take RFC 6749 section 5.2 at its word: after Basic a 401 has a challenge, and they report that.
UNKNOWN_CLIENT = ("invalid_client", "WWWAuthenticateChallengeError")


def ask(package: str, app: Satellite, method: str) -> dict[str, Any]:
    """What the package's script tells. It is given as text, so that Node.js looks for packages where it is run."""
    node = shutil.which("node")
    if not node or not (INSTALLED / "node_modules" / package.replace("_", "-")).exists():
        pytest.skip(f"{package} needs Node.js and npm: apt install npm, then `make test`")
    asked = {"issuer": app.world.environment.issuer, **app.credentials, "username": ADA, "code": app.code(ADA)}
    run = subprocess.run(
        [node, "--input-type=module", "--eval", (HERE / f"ask_{package}.mjs").read_text()],
        cwd=INSTALLED,
        input=json.dumps({**asked, "method": method}),
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scopes", [[], ["orders:read", "orders:write"]])
def test_it_does_all_that_a_client_does(new_client: NewClient, package: str, method: str, scopes: list[str]) -> None:
    app = new_client(scopes=scopes)
    told = ask(package, app, method)
    assert told["discovered"] == [f"{app.world.environment.issuer}/oauth/v2/token"] * 2
    assert told["scopes"] == [" ".join(scopes) or None] * 3
    assert told["rotated"]
    assert (told["subjects"][0], told["email"]) == (app.client_id, ADA)
    assert told["active"] == [True, True, False]
    assert told["afterwards"] == [False, False]
    *grants, client = told["refused"]
    assert grants == ["invalid_grant", "invalid_grant", "invalid_scope"]
    assert client.startswith(UNKNOWN_CLIENT)
