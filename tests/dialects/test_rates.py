"""Limits per client address: they keep noise down, and whoever rotates addresses within a network gains nothing."""

import json

import pytest

from tests.world import World, build, client

pytestmark = pytest.mark.usefixtures("database")


def status(world: World, address: str) -> int:
    answer = client().post(
        f"{world.root}/email-otp-login",
        json.dumps({"email": "ada@example.com"}),
        content_type="application/json",
        headers={"APP-KEY": world.app_key},
        REMOTE_ADDR=address,
    )
    return answer.status_code


def test_a_caller_is_told_to_wait_when_the_minute_is_spent() -> None:
    world = build(requests_per_minute=3)
    assert [status(world, "192.0.2.1") for _ in range(4)] == [200, 200, 200, 429]
    assert status(world, "192.0.2.2") == 200


def test_the_addresses_of_one_ipv6_subscriber_share_a_limit() -> None:
    world = build(requests_per_minute=3)
    assert [status(world, f"2001:db8:0:1::{number}") for number in range(1, 5)] == [200, 200, 200, 429]
    assert status(world, "2001:db8:0:2::1") == 200


def test_a_body_without_a_length_gets_a_clear_error() -> None:
    world = build()
    answer = world.post("email-otp-login", {"email": "ada@example.com"}, **{"Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer.json()["message"]) == (400, "A body needs a Content-Length.")
