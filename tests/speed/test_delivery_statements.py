"""How many SQL statements it takes a worker to deliver. None of them is in a transaction of its own."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from apps.delivery.models import FRESH_SECONDS, Message
from apps.passwordless.claims import claim
from apps.passwordless.deliver import carry
from tests.smtp_sink import SmtpSink
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def world(sink: SmtpSink, settings: Settings) -> World:
    settings.PRIVATE_PROVIDERS_ALLOWED = True
    Message.objects.filter(state=Message.State.QUEUED).update(state=Message.State.OBSOLETE)
    world = build()
    world.environment.mail_url = sink.url
    world.environment.save()
    return world


def statements(*, age: float = 0) -> list[str]:
    """Those of one look into the outbox, whose claims are `age` seconds old when they are carried."""
    with CaptureQueriesContext(connection) as captured:
        claimed = claim(50)
        for each in claimed:
            each.message.claimed_at -= age
        Message.objects.settle([outcome for each in claimed if (outcome := carry(each))])
    return [query["sql"] for query in captured.captured_queries]


@pytest.mark.parametrize("mails", [1, 20])
def test_a_look_takes_two_however_many_mails_it_finds(world: World, sink: SmtpSink, mails: int) -> None:
    for number in range(mails):
        world.sign_up(f"person{number}@example.com")
    assert len(statements()) == 2
    assert len(sink.messages) == mails


def test_a_known_person_costs_no_more(world: World, sink: SmtpSink) -> None:
    world.sign_up("ada@example.com")
    statements()
    code = sink.messages[0]["Subject"][:6]
    assert world.verify("ada@example.com", code).status_code == 200
    world.log_in("ada@example.com")
    assert len(statements()) == 2
    assert len(sink.messages) == 2


def test_a_claim_that_waited_takes_one_more_for_its_lease(world: World, sink: SmtpSink) -> None:
    world.sign_up("ada@example.com")
    assert len(statements(age=FRESH_SECONDS)) == 3
    assert len(sink.messages) == 1
