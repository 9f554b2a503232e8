"""The whole way of a text message: from a sign-up through the outbox to a phone, and back with its code."""

from __future__ import annotations

import json
import logging

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from apps.delivery.models import Message
from tests.delivery.http_sink import HttpSink
from tests.delivery.sms_providers import gateway
from tests.world import World, build, deliver_due

pytestmark = pytest.mark.usefixtures("database")
PHONE, MOBILE = "+919876543211", "9876543211"


def sign_up(world: World, provider: str | None) -> None:
    world.environment.sms_provider = provider
    world.environment.save()
    answer = world.post("mobile-otp-signup", {"country_code": "+91", "mobile": MOBILE})
    assert answer.status_code == 201
    deliver_due()


def outbox(world: World) -> QuerySet[Message]:
    return Message.objects.for_environment(world.environment)


@pytest.fixture
def world(settings: Settings) -> World:
    settings.PRIVATE_PROVIDERS_ALLOWED = True
    deliver_due()  # What other tests left behind would be claimed here.
    return build(default_region="IN", sms_domain="shop.example.com")


def test_a_sign_up_reaches_the_phone_and_its_code_signs_in(world: World) -> None:
    with HttpSink() as sink:
        sign_up(world, gateway(sink))
        text = json.loads(sink.request.body)["message"]
    (row,) = outbox(world)
    assert (row.state, row.outcome, row.segments) == (Message.State.SENT, "http 200", 1)
    code = text.rpartition("#")[2]
    assert text == f"{code} is your Shop code\n\n@shop.example.com #{code}"
    assert world.post("mobile-otp-verify", {"mobile": MOBILE, "otp_code": code}).status_code == 200


def test_a_retry_has_the_same_code_and_the_same_reference(world: World) -> None:
    fields = {"to": "{to}", "message": "{text}", "id": "{reference}"}
    with HttpSink(status=503) as sink:
        sign_up(world, gateway(sink, fields=fields))
        (row,) = outbox(world)
        assert (row.state, row.outcome) == (Message.State.QUEUED, "http 503")
        sink.status = 200
        outbox(world).update(due_at=timezone.now())
        deliver_due()
        first, second = (json.loads(request.body) for request in sink.requests)
    assert first == second == {"to": PHONE, "message": first["message"], "id": row.id.hex}
    assert outbox(world).get().state == Message.State.SENT


def test_a_refusal_is_a_dead_letter(world: World) -> None:
    with HttpSink(status=400) as sink:
        sign_up(world, gateway(sink))
        deliver_due()
        assert len(sink.requests) == 1
    (row,) = outbox(world)
    assert (row.state, row.outcome) == (Message.State.DEAD, "http 400")


@pytest.mark.parametrize("status", [200, 400, 503])
def test_neither_the_log_nor_the_row_tells_what_was_sent(
    world: World, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with HttpSink(status=status) as sink:
        sign_up(world, gateway(sink, headers={"X-Key": "header-s3cret"}))
        text = json.loads(sink.request.body)["message"]
    told = caplog.text + "".join(record.getMessage() for record in caplog.records) + outbox(world).get().outcome
    assert "message_" in told
    assert not [held for held in (MOBILE, text.rpartition("#")[2], "s3cret", str(sink.port)) if held in told]


def test_a_customers_provider_is_guarded_and_the_operators_is_not(world: World, settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS_ALLOWED = False
    with HttpSink() as sink:
        sign_up(world, gateway(sink))
        assert (outbox(world).get().outcome, sink.connections) == ("address is not public", 0)
        settings.SMS_PROVIDER = gateway(sink)
        sign_up(world, None)
        assert len(sink.requests) == 1


def test_without_a_provider_it_is_captured_with_its_code(world: World) -> None:
    sign_up(world, None)
    (captured,) = world.mailbox(PHONE)
    assert list(captured) == ["id", "recipient", "sent_at", "text", "code"]
    assert captured["text"].endswith(f"@shop.example.com #{captured['code']}")
    assert outbox(world).get().segments == 1
