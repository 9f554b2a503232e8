"""Sign-up, sign-in and a new password by ZeroMagic's password endpoints, as their clients meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.world import World, build

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
P, Q = "correct horse battery", "purple monkey dishwasher"


def sign_up(world: World, email: str = ADA, password: str = P, **more: object) -> Answer:
    return world.post("email-password-signup", {"email": email, "password": password, **more})


def log_in(world: World, email: str = ADA, password: str = P) -> Answer:
    return world.post("email-password-login", {"email": email, "password": password})


def test_smoke() -> None:
    w = build()
    a = sign_up(w)
    print(a.status_code, a.content)
    m = w.mailbox(ADA)
    print(m)
