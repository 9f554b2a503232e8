"""The worker's clock and its hints, on the real Valkey: what wakes it, what it does without, and what it survives."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

import pytest
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.models.functions import Now
from pytest_django import Settings

from apps.core import broker
from apps.delivery import hint
from apps.delivery.models import Message
from apps.delivery.outcomes import Outcome
from apps.passwordless.claims import Claimed, claim
from apps.passwordless.deliver import carry
from apps.passwordless.dispatcher import MOST_OF_ONE_ENVIRONMENT, THREADS, Dispatcher
from tests.smtp_sink import SmtpSink
from tests.stack.checkout import wait_until
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
    broker.breaker.succeeded()
    broker.client.delete(hint.KEY)
    world = build()
    world.environment.mail_url = sink.url
    world.environment.save()
    return world


@contextmanager
def dispatching() -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(carry)
    dispatcher.start()
    try:
        yield dispatcher
    finally:
        dispatcher.stop()


def sign_up(world: World, count: int, *, name: str = "person") -> None:
    for number in range(count):
        assert world.sign_up(f"{name}{number}@example.com").status_code == 201


def states(world: World) -> set[str]:
    return set(Message.objects.for_environment(world.environment).values_list("state", flat=True))


def test_many_starts_leave_one_hint(world: World) -> None:
    sign_up(world, 30)
    assert broker.client.zcard(hint.KEY) == 1
    client = hint.listener()
    assert hint.take(client)
    assert not hint.take(client)


def test_one_hint_is_enough_for_many_messages(world: World, sink: SmtpSink) -> None:
    sign_up(world, 3 * THREADS)
    with dispatching():
        assert len(sink.wait_for(3 * THREADS)) == 3 * THREADS
        wait_until(lambda: states(world) == {Message.State.SENT})


def test_a_hint_is_heeded_at_once(world: World, sink: SmtpSink) -> None:
    """Four in a row: by its own clock alone the worker would need up to four seconds, and at least two."""
    with dispatching():
        sign_up(world, 1)
        sink.wait_for(1)
        started = time.monotonic()
        for number in range(4):
            sign_up(world, 1, name=f"quick{number}-")
            sink.wait_for(number + 2)
        assert time.monotonic() - started < 2


def test_a_hint_that_gets_lost_delays_a_mail_by_a_second_at_most(world: World, sink: SmtpSink) -> None:
    with dispatching():
        sign_up(world, 1)
        sink.wait_for(1)
        # While the breaker is open no hint is given.
        broker.breaker.failed()
        sign_up(world, 1, name="unheard")
        broker.breaker.succeeded()
        assert broker.client.zcard(hint.KEY) == 0
        sink.wait_for(2, seconds=2)


def test_messages_of_a_slow_provider_have_a_thread_each(world: World, sink: SmtpSink) -> None:
    sink.delay = 0.5
    sign_up(world, MOST_OF_ONE_ENVIRONMENT)
    started = time.monotonic()
    with dispatching():
        sink.wait_for(MOST_OF_ONE_ENVIRONMENT)
        wait_until(lambda: states(world) == {Message.State.SENT})
    assert time.monotonic() - started < 4 * sink.delay


def test_a_slow_provider_holds_up_nobody_elses_messages(world: World, sink: SmtpSink) -> None:
    sign_up(world, 3 * THREADS, name="slow")
    with SmtpSink(delay=2) as tarpit, dispatching():
        world.environment.mail_url = tarpit.url
        world.environment.save()
        other = build()
        other.environment.mail_url = sink.url
        other.environment.save()
        tarpit.wait_for(MOST_OF_ONE_ENVIRONMENT)
        sign_up(other, THREADS, name="quick")
        sink.wait_for(THREADS, seconds=1.5)
        assert len(tarpit.messages) <= MOST_OF_ONE_ENVIRONMENT


def test_what_waits_for_a_slow_provider_is_sent_all_the_same(world: World, sink: SmtpSink) -> None:
    sink.delay = 0.2
    count = MOST_OF_ONE_ENVIRONMENT + THREADS
    sign_up(world, count)
    with dispatching():
        sink.wait_for(count)
        wait_until(lambda: states(world) == {Message.State.SENT})
    assert len(sink.messages) == count


def test_nobody_waits_for_a_database_connection_because_a_provider_is_slow(world: World, sink: SmtpSink) -> None:
    sink.delay = 1
    sign_up(world, 1)
    [claimed] = claim(1)
    claimed.message.claimed_at = -math.inf  # So the lease is renewed first, which takes a connection.
    connection.close()
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(carry, claimed)
        sink.wait_for(1)
        in_use = cast(DatabaseWrapper, connection).pool.get_stats()
        assert in_use["pool_size"] == in_use["pool_available"]
        assert outcome.result()


def test_a_machine_without_another_thread_sends_with_those_there_are(
    world: World, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.delay = 0.2
    with dispatching() as dispatcher:
        sign_up(world, 1)
        sink.wait_for(1)
        submit, allowed = dispatcher._pool.submit, iter([True])
        monkeypatch.setattr(
            dispatcher._pool, "submit", lambda work: submit(work) if next(allowed, False) else _no_thread()
        )
        sign_up(world, 4, name="more")
        sink.wait_for(5)
        wait_until(lambda: states(world) == {Message.State.SENT})


def _no_thread() -> Any:
    raise RuntimeError("can't start new thread")


def test_two_dispatchers_send_each_mail_once(world: World, sink: SmtpSink) -> None:
    with dispatching(), dispatching():
        sign_up(world, 40)
        sink.wait_for(40)
        wait_until(lambda: states(world) == {Message.State.SENT})
    assert len({mail.recipients[0] for mail in sink.messages}) == len(sink.messages) == 40


def test_what_was_sent_is_written_down_by_the_next_connection_when_the_last_one_died(
    world: World, sink: SmtpSink
) -> None:
    sink.delay = 0.4
    with dispatching():
        sign_up(world, 5)
        sink.wait_for(5)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        wait_until(lambda: states(world) == {Message.State.SENT})
    assert len(sink.messages) == 5


def test_a_message_whose_carrier_breaks_falls_due_again_and_the_rest_go_on(world: World, sink: SmtpSink) -> None:
    broken = threading.Event()

    def break_once(claimed: Claimed) -> Outcome | None:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("a mistake of ours")
        return carry(claimed)

    sign_up(world, 20)
    dispatcher = Dispatcher(break_once)
    dispatcher.start()
    sink.wait_for(19)
    dispatcher.stop()
    rows = Message.objects.for_environment(world.environment)
    assert sorted(rows.values_list("state", flat=True)) == [Message.State.QUEUED] + [Message.State.SENT] * 19
    assert rows.get(state=Message.State.QUEUED).claim == 1


def test_it_stops_after_what_it_began_is_sent_and_written_down(world: World, sink: SmtpSink) -> None:
    sink.delay = 0.3
    sign_up(world, 3 * THREADS)
    with dispatching():
        sink.wait_for(1)
    sent = Message.objects.for_environment(world.environment).filter(state=Message.State.SENT)
    assert 1 <= sent.count() == len(sink.messages) < 3 * THREADS
    waiting = Message.objects.for_environment(world.environment).filter(state=Message.State.QUEUED)
    assert not waiting.filter(due_at__gt=Now()).exists()
