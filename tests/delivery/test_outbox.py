"""The outbox: each message once, by whichever worker is there, until it is of no use to its reader any more."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from pytest_django import Settings

from apps.challenges.models import Challenge
from apps.delivery.models import FRESH_SECONDS, LEASE, Message
from apps.delivery.providers import http, smtp
from apps.passwordless.claims import Claimed, claim
from apps.passwordless.deliver import carry
from tests.smtp_sink import ReceivedEmail, SmtpSink
from tests.world import World, build, deliver_due

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
CODE = re.compile(r"\d{6}")


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def world(sink: SmtpSink, settings: Settings) -> World:
    """An environment with a mail server of its own."""
    settings.PRIVATE_PROVIDERS_ALLOWED = True
    # What other tests left behind would be claimed here, now or when its next try falls due.
    Message.objects.filter(state=Message.State.QUEUED).update(state=Message.State.OBSOLETE)
    return with_server(build(), sink)


def with_server(world: World, sink: SmtpSink) -> World:
    world.environment.mail_url = sink.url
    world.environment.save()
    return world


def outbox(world: World) -> QuerySet[Message]:
    return Message.objects.for_environment(world.environment).order_by("created_at")


def make_due(world: World) -> None:
    """A pause or a lease ends by the row, so that nobody waits for it."""
    outbox(world).filter(state=Message.State.QUEUED).update(due_at=timezone.now() - timedelta(seconds=1))


def settle(*claimed: Claimed) -> int:
    """Carry and write down, as a worker does."""
    return Message.objects.settle([outcome for each in claimed if (outcome := carry(each))])


def code(mail: ReceivedEmail) -> str:
    found = CODE.search(mail.text)
    assert found
    return found[0]


def test_a_message_carries_the_live_code_to_its_address(world: World, sink: SmtpSink) -> None:
    world.sign_up(ADA)
    deliver_due()
    (mail,) = sink.messages
    assert mail.recipients == [ADA]
    assert world.verify(ADA, code(mail)).status_code == 200
    assert outbox(world).get().state == Message.State.SENT


def test_two_workers_send_each_message_once(world: World, sink: SmtpSink) -> None:
    addresses = {f"person{number}@example.com" for number in range(30)}
    for address in addresses:
        world.sign_up(address)
    start = threading.Barrier(2)

    def work() -> int:
        start.wait(10)
        carried = 0
        try:
            while claimed := claim(3):
                settle(*claimed)
                carried += len(claimed)
        finally:
            connection.close()
        return carried

    with ThreadPoolExecutor(2) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        carried = [worker.result() for worker in workers]
    assert sum(carried) == 30
    assert min(carried) > 0
    assert sorted(mail.recipients[0] for mail in sink.messages) == sorted(addresses)
    assert set(outbox(world).values_list("state", "attempts")) == {(Message.State.SENT, 1)}


def test_a_claim_passes_by_what_another_worker_is_claiming(world: World) -> None:
    world.sign_up(ADA)
    world.sign_up("bob@example.com")
    claimed: list[Claimed] = []

    def pass_by() -> None:
        claimed.extend(claim(10))
        connection.close()

    with transaction.atomic():
        held = outbox(world).select_for_update(of=("self",)).first()
        assert held
        other = threading.Thread(target=pass_by)
        other.start()
        other.join(10)
        assert not other.is_alive()
    assert [each.message.id for each in claimed] == [outbox(world).exclude(id=held.id).get().id]


def test_a_claimed_message_is_nobody_elses_until_its_lease_runs_out(world: World, sink: SmtpSink) -> None:
    world.sign_up(ADA)
    first = claim(10)[0].message
    assert claim(10) == []
    make_due(world)
    second = claim(10)[0].message
    assert (second.id, second.claim, second.attempts) == (first.id, first.claim + 1, 2)


def stall(claimed: Claimed) -> None:
    """The worker's clock has gone on since the claim; the row's lease is ended by `make_due`."""
    claimed.message.claimed_at -= FRESH_SECONDS


def test_a_worker_that_stalled_past_its_lease_neither_sends_nor_writes(world: World, sink: SmtpSink) -> None:
    world.sign_up(ADA)
    (stalled,) = claim(10)
    stall(stalled)
    make_due(world)
    (current,) = claim(10)
    assert carry(stalled) is None
    assert sink.messages == []
    late = stalled.message
    for outcome in (late.captured(), late.sent("ok"), late.retry("later"), late.obsolete("over")):
        assert Message.objects.settle([outcome]) == 0
    assert settle(current) == 1
    assert len(sink.messages) == 1
    assert Message.objects.settle([late.dead("too late")]) == 0
    row = outbox(world).get()
    assert (row.state, row.attempts) == (Message.State.SENT, 2)


def test_a_claim_that_is_no_longer_fresh_starts_its_lease_anew_before_it_sends(world: World, sink: SmtpSink) -> None:
    world.sign_up(ADA)
    (claimed,) = claim(10)
    stall(claimed)
    outbox(world).update(due_at=timezone.now() + timedelta(seconds=1))
    assert claimed.message.renew()
    assert outbox(world).get().due_at > timezone.now() + LEASE - timedelta(seconds=5)


def test_a_fresh_claim_outlasts_the_longest_call_of_a_provider(world: World) -> None:
    """What lets it be sent without another statement: nobody else can claim before the provider has answered."""
    world.sign_up(ADA)
    (claimed,) = claim(10)
    lease = (outbox(world).get().due_at - timezone.now()).total_seconds()
    assert lease - FRESH_SECONDS > max(smtp.WORST_CASE_SECONDS, http.WORST_CASE_SECONDS) + 3
    assert claimed.message.claimed_at <= time.monotonic()


def test_many_outcomes_are_written_down_at_once_and_each_by_its_own_claim(world: World, sink: SmtpSink) -> None:
    addresses = ["sent@example.com", "dead@example.com", "later@example.com", "taken@example.com"]
    sink.replies = {"dead@example.com": "550 5.1.1 No", "later@example.com": "451 4.7.1 Later"}
    for address in addresses:
        world.sign_up(address)
    claimed = claim(10)
    outbox(world).filter(recipient="taken@example.com").update(claim=F("claim") + 1)
    assert settle(*claimed) == 3
    rows = {row.recipient.partition("@")[0]: row for row in outbox(world)}
    assert {name: row.state for name, row in rows.items()} == {
        "sent": Message.State.SENT,
        "dead": Message.State.DEAD,
        "later": Message.State.QUEUED,
        "taken": Message.State.QUEUED,
    }
    assert rows["sent"].outcome != rows["dead"].outcome
    assert rows["later"].due_at < timezone.now() + timedelta(seconds=2)
    assert rows["taken"].due_at > timezone.now() + timedelta(seconds=20)


def test_a_transient_failure_backs_off_and_the_retry_is_the_same_mail(world: World, sink: SmtpSink) -> None:
    sink.replies = {"data": "451 4.7.1 Greylisted, try again later"}
    world.sign_up(ADA)
    pauses = []
    for attempt in range(1, 4):
        deliver_due()
        row = outbox(world).get()
        assert (row.state, row.attempts) == (Message.State.QUEUED, attempt)
        pauses.append((row.due_at - timezone.now()).total_seconds())
        make_due(world)
    assert pauses == [pytest.approx(pause, abs=0.9) for pause in (1, 2, 4)]
    sink.replies = {}
    deliver_due()
    first = bytes(sink.received).split(b"Message-ID: ")[1].split(b"\r\n")[0].decode()
    (mail,) = sink.messages
    assert mail["Message-ID"] == first
    assert world.verify(ADA, code(mail)).status_code == 200


def test_a_mail_that_was_taken_and_is_sent_again_is_the_same_mail(world: World, sink: SmtpSink) -> None:
    """A crash between the server's yes and our commit: the row still says queued."""
    world.sign_up(ADA)
    deliver_due()
    outbox(world).update(state=Message.State.QUEUED)
    make_due(world)
    deliver_due()
    first, second = sink.messages
    assert (first["Message-ID"], code(first)) == (second["Message-ID"], code(second))


def test_a_message_that_would_come_too_late_is_a_dead_letter(world: World, sink: SmtpSink) -> None:
    sink.replies = {"data": "451 4.7.1 Greylisted, try again later"}
    world.sign_up(ADA)
    outbox(world).update(expires_at=timezone.now() + timedelta(seconds=1))
    deliver_due()
    row = outbox(world).get()
    assert row.state == Message.State.DEAD
    assert row.outcome
    assert not re.search("@", row.outcome)
    make_due(world)
    assert deliver_due() == 0


def test_a_permanent_failure_is_tried_once(world: World, sink: SmtpSink) -> None:
    sink.replies = {ADA: f"550 5.1.1 <{ADA}> does not live here"}
    world.sign_up(ADA)
    deliver_due()
    row = outbox(world).get()
    assert (row.state, row.attempts) == (Message.State.DEAD, 1)
    assert "@" not in row.outcome


def test_a_server_that_is_away_is_a_transient_failure(sink: SmtpSink, world: World) -> None:
    world.environment.mail_url = "smtp://127.0.0.1:1"
    world.environment.save()
    world.sign_up(ADA)
    deliver_due()
    assert outbox(world).get().state == Message.State.QUEUED
    with_server(world, sink)
    make_due(world)
    deliver_due()
    assert len(sink.messages) == 1


def test_a_used_code_is_not_sent_again(world: World, sink: SmtpSink) -> None:
    world.sign_up(ADA)
    deliver_due()
    world.sign_up(ADA)
    assert world.verify(ADA, code(sink.messages[0])).status_code == 200
    deliver_due()
    assert len(sink.messages) == 1
    assert outbox(world).filter(state=Message.State.OBSOLETE).count() == 1


def test_an_expired_code_is_not_sent(world: World, sink: SmtpSink) -> None:
    world.sign_up(ADA)
    Challenge.objects.for_environment(world.environment).update(expires_at=timezone.now() - timedelta(seconds=1))
    outbox(world).update(expires_at=timezone.now() - timedelta(seconds=1), due_at=F("created_at"))
    deliver_due()
    assert sink.messages == []
    assert outbox(world).get().state != Message.State.QUEUED
