"""Captured messages: for the tests of customers, sealed, for a day, and never in production."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from apps.delivery.models import CapturedMessage, Message
from apps.passwordless.tasks import keep_house
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey, Scope
from tests.world import World, build, client, deliver_due

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def world() -> World:
    return build(code_length=10)


def captured(world: World) -> Any:
    return CapturedMessage.objects.for_environment(world.environment)


def messages_status(world: World, key: str) -> int:
    return world.get("dev/messages", bearer=key).status_code


def test_they_are_listed_newest_first_and_by_recipient(world: World) -> None:
    for address in (ADA, BOB, ADA):
        world.sign_up(address)
        deliver_due()
    listed = world.get("dev/messages", bearer=world.messages_key).json()["messages"]
    assert [message["recipient"] for message in listed] == [ADA, BOB, ADA]
    assert [message["recipient"] for message in world.mailbox(BOB)] == [BOB]
    assert set(listed[0]) >= {"id", "recipient", "sent_at", "subject", "text", "html", "code"}
    assert listed[0]["code"] in listed[0]["text"]


def test_their_bodies_are_sealed_in_the_table(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA).encode()
    body = bytes(captured(world).get().body_sealed)
    assert code not in body
    assert code not in body.hex().encode()
    assert b"Shop" not in body


def test_a_body_does_not_open_in_another_row(world: World) -> None:
    world.sign_up(ADA)
    world.sign_up(BOB)
    deliver_due()
    mine, other = captured(world).order_by("recipient")
    mine.body_sealed = other.body_sealed
    with pytest.raises(ValueError, match="does not open here"):
        mine.unseal()


def test_after_a_day_they_are_not_shown_and_then_they_are_gone(world: World) -> None:
    world.sign_up(ADA)
    assert len(world.mailbox(ADA)) == 1
    captured(world).update(created_at=F("created_at") - timedelta(hours=24))
    assert world.mailbox(ADA) == []
    world.sign_up(BOB)
    deliver_due()
    keep_house()
    assert [row.recipient for row in captured(world)] == [BOB]


def test_production_captures_nothing_and_has_nothing_to_read() -> None:
    world = build(kind=Environment.Kind.PRODUCTION)
    assert world.sign_up(ADA).status_code == 201
    deliver_due()
    assert not captured(world).exists()
    row = Message.objects.for_environment(world.environment).get()
    assert row.state == Message.State.QUEUED
    assert "provider" in row.outcome
    assert messages_status(world, world.messages_key) == 401
    row.expires_at = timezone.now()
    Message.objects.settle([row.retry("later")])
    assert Message.objects.for_environment(world.environment).get().state == Message.State.DEAD


def test_they_are_read_with_a_key_of_this_environment_that_may_and_with_no_other(world: World) -> None:
    elsewhere = build()
    _key, without_scope = ApiKey.objects.mint(world.environment, name="No scope", scopes=[])
    for key in ("", "junk", world.app_key, elsewhere.messages_key, without_scope):
        assert messages_status(world, key) == 401
    ApiKey.objects.for_environment(world.environment).update(revoked_at=timezone.now())
    assert messages_status(world, world.messages_key) == 401


def test_the_key_is_refused_in_the_query(world: World) -> None:
    for name in ("access_token", "key", "api_key"):
        assert client().get(f"{world.root}/dev/messages", {name: world.messages_key}).status_code == 400


def test_a_key_says_which_messages_it_may_read(world: World) -> None:
    _key, secret = ApiKey.objects.mint(world.environment, name="Reader", scopes=[Scope.READ_MESSAGES])
    assert messages_status(world, secret) == 200
