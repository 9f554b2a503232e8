"""The ZeroMagic dialect as its clients see it."""

import pytest

from tests.world import build, forget_captured

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


def test_a_person_signs_up_and_in_with_the_mailed_code() -> None:
    world = build()
    started = world.sign_up(ADA)
    assert started.status_code == 201
    verified = world.verify(ADA, world.code(ADA))
    assert verified.status_code == 200
    body = verified.json()
    assert list(body) == [
        "user_id",
        "email",
        "access_token",
        "token_type",
        "expires_in",
        "expires_at",
        "refresh_token",
    ]
    assert (body["user_id"], body["email"]) == (started.json()["user_id"], ADA)
    assert (body["token_type"], body["expires_in"]) == ("bearer", None)


def test_a_known_person_signs_in_and_keeps_the_id() -> None:
    world = build()
    first = world.signed_in(ADA)
    forget_captured(world)
    assert world.log_in(ADA).status_code == 200
    second = world.verify(ADA, int(world.code(ADA))).json()
    assert second["user_id"] == first["user_id"]
    assert second["refresh_token"] != first["refresh_token"]


def test_a_login_that_carries_a_code_is_a_verify() -> None:
    world = build()
    world.sign_up(ADA)
    answer = world.post("email-otp-login", {"email": ADA, "otp_code": int(world.code(ADA))})
    assert answer.status_code == 200
    assert answer.json()["access_token"]


def test_a_refresh_rotates_and_a_revocation_ends_the_session() -> None:
    world = build()
    signed_in = world.signed_in(ADA)
    refreshed = world.refresh(signed_in["refresh_token"]).json()
    assert refreshed["refresh_token"] != signed_in["refresh_token"]
    assert world.get("userinfo", bearer=refreshed["access_token"]).json()["email"] == ADA
    assert world.revoke(refreshed["refresh_token"]).status_code == 200
    assert world.refresh(refreshed["refresh_token"]).json()["error"] == "invalid_refresh_token"
    assert world.get("userinfo", bearer=refreshed["access_token"]).status_code == 401
