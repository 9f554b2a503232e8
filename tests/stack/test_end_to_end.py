"""The product on real processes, real sockets and real mail: what it promises while its parts are frozen and killed."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from apps.delivery.models import Message
from apps.passwordless.dispatcher import THREADS
from tests.smtp_sink import ReceivedEmail, SmtpSink
from tests.stack.checkout import wait_until
from tests.stack.running import Installation, installation
from tests.world import World, build, deliver_due

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@pytest.fixture(scope="module")
def running(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Installation]:
    with django_db_blocker.unblock():
        deliver_due()  # What other tests left behind is none of the worker's business here.
        connection.close()
    with installation() as running:
        yield running


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def world(running: Installation, sink: SmtpSink) -> World:
    world = build()
    world.environment.mail_url = sink.url
    world.environment.save()
    return world


def code(mail: ReceivedEmail) -> str:
    found = re.search(r"\d{6}", mail.text)
    assert found
    return found[0]


def outbox(world: World, state: Message.State) -> QuerySet[Message]:
    return Message.objects.for_environment(world.environment).filter(state=state)


def seconds(step: Callable[[], object]) -> float:
    started = time.monotonic()
    step()
    return time.monotonic() - started


def sign_up(running: Installation, world: World, email: str = ADA) -> None:
    assert running.post(world, "email-otp-signup", email=email).status_code == 201


def sign_up_many(running: Installation, world: World, count: int) -> set[str]:
    addresses = {f"person{number}@example.com" for number in range(count)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda address: sign_up(running, world, address), addresses))
    return addresses


def test_a_person_signs_up_in_and_out_over_real_sockets(running: Installation, world: World, sink: SmtpSink) -> None:
    sign_up(running, world)
    (mail,) = sink.wait_for(1)
    signed_in = running.post(world, "email-otp-verify", email=ADA, otp_code=code(mail)).json()
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    userinfo = f"{world.root}/userinfo"
    assert running.web.client.get(userinfo, headers=bearer).json()["email"] == ADA
    refreshed = running.post(world, "token/refresh", refresh_token=signed_in["refresh_token"]).json()
    assert running.post(world, "token/revoke", refresh_token=refreshed["refresh_token"]).status_code == 200
    assert running.web.client.get(userinfo, headers=bearer).status_code == 401


def test_a_known_person_is_written_to_and_an_unknown_one_is_not(
    running: Installation, world: World, sink: SmtpSink
) -> None:
    sign_up(running, world)
    running.post(world, "email-otp-verify", email=ADA, otp_code=code(sink.wait_for(1)[0]))
    answers = [running.post(world, "email-otp-login", email=email) for email in ("nobody@example.com", ADA)]
    assert [answer.status_code for answer in answers] == [200, 200]
    wait_until(lambda: not outbox(world, Message.State.QUEUED).exists())
    assert [mail.recipients for mail in sink.messages] == [[ADA], [ADA]]
    assert running.post(world, "email-otp-verify", email=ADA, otp_code=code(sink.messages[1])).status_code == 200


def test_a_hint_makes_a_mail_arrive_before_the_worker_would_have_looked(
    running: Installation, world: World, sink: SmtpSink
) -> None:
    """Five in a row within two seconds: by its own clock alone the worker would need up to five."""
    sign_up(running, world)
    sink.wait_for(1)

    def five() -> None:
        for number in range(5):
            sign_up(running, world, f"quick{number}@example.com")
            sink.wait_for(number + 2)

    assert seconds(five) < 2


def test_with_valkey_frozen_a_sign_up_is_answered_within_a_second_and_the_mail_arrives(
    running: Installation, world: World, sink: SmtpSink
) -> None:
    world.environment.requests_per_minute = 1000  # Then the limit is another step that asks Valkey.
    world.environment.save()
    forget_outages(running)
    running.valkey.send(signal.SIGSTOP)
    try:
        for email in ("a@example.com", "b@example.com", "c@example.com"):
            assert seconds(partial(sign_up, running, world, email)) < 1
        sink.wait_for(3, seconds=5)
    finally:
        running.valkey.send(signal.SIGCONT)


def test_valkey_dies_under_a_request_and_under_a_pending_message(
    running: Installation, world: World, sink: SmtpSink
) -> None:
    sink.replies = {"data": "451 4.7.1 Try again later"}
    sign_up(running, world)
    wait_until(lambda: outbox(world, Message.State.QUEUED).filter(attempts__gt=0).exists())
    forget_outages(running)
    running.valkey.send(signal.SIGSTOP)
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(seconds, lambda: sign_up(running, world, "bob@example.com"))
        # The row is there: the request has committed, and what is left of it is the hint that nobody takes.
        wait_until(lambda: Message.objects.filter(recipient="bob@example.com", environment=world.environment).exists())
        running.valkey.stop(signal.SIGKILL)
        assert request.result() < 1
    sink.replies = {}
    try:
        sink.wait_for(2, seconds=5)
        assert seconds(lambda: sign_up(running, world, "eve@example.com")) < 1
        sink.wait_for(3, seconds=5)
    finally:
        running.valkey.start()
    (mail,) = (mail for mail in sink.messages if mail.recipients == [ADA])
    assert running.post(world, "email-otp-verify", email=ADA, otp_code=code(mail)).status_code == 200


def forget_outages(running: Installation) -> None:
    """A web process that has not just found Valkey away, else it would not ask."""
    running.web.stop()
    running.start_web()


def test_a_worker_that_is_killed_while_it_sends_loses_no_message(
    running: Installation, world: World, sink: SmtpSink
) -> None:
    sink.delay = 0.05
    running.worker.kill()
    addresses = sign_up_many(running, world, 200)
    running.start_worker()
    sink.wait_for(60, seconds=20)
    running.worker.kill()
    assert outbox(world, Message.State.QUEUED).exists()
    # What the dead worker had claimed is due again when its lease has run out, which takes longer than the slowest
    # mail server may. Nobody is left who could be sending, so the lease may as well end now.
    outbox(world, Message.State.QUEUED).update(due_at=timezone.now() - timedelta(seconds=1))
    running.start_worker()
    wait_until(lambda: not outbox(world, Message.State.QUEUED).exists())
    mails: dict[str, list[ReceivedEmail]] = {address: [] for address in addresses}
    for mail in sink.messages:
        mails[mail.recipients[0]].append(mail)
    assert min(len(copies) for copies in mails.values()) == 1
    # A duplicate needs a mail between the server's yes and our commit: there is one for each of the worker's threads.
    assert len(sink.messages) - 200 <= THREADS
    for copies in mails.values():
        assert len({(mail["Message-ID"], code(mail)) for mail in copies}) == 1
    assert outbox(world, Message.State.SENT).count() == 200


def test_a_worker_that_is_asked_to_stop_finishes_what_it_is_sending(
    running: Installation, world: World, sink: SmtpSink
) -> None:
    sink.delay = 0.25
    addresses = sign_up_many(running, world, 80)
    sink.wait_for(10, seconds=20)
    assert running.worker.stop() in (0, -signal.SIGTERM)
    assert len(sink.messages) < 80
    assert outbox(world, Message.State.SENT).count() == len(sink.messages)
    # What it had claimed and not begun is due at once for another worker.
    assert not outbox(world, Message.State.QUEUED).filter(due_at__gt=Now()).exists()
    running.start_worker()
    wait_until(lambda: outbox(world, Message.State.SENT).count() == 80)
    assert Counter(mail.recipients[0] for mail in sink.messages) == Counter(addresses)
