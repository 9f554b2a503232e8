"""That no hot statement costs more because there are many people: by its plan and by the pages it touches, not by time.

bench/scale measures the same with a million people and more.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, connections, transaction
from django.utils import timezone
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from apps.audit.models import Event
from apps.challenges.models import Challenge, FailureCount, Purpose
from apps.core.crypto import new_id
from apps.delivery.models import CapturedMessage, Message
from apps.management.owner import as_owner
from apps.tokens.sessions import Session
from bench.scale import rows
from bench.scale.explain import Explained, explaining
from bench.scale.journey import Steps, walk
from bench.scale.load import Sizes, load
from tests.conftest import PREFIX, drop, owner
from tests.world import World, build

SIZES = Sizes(users=25_000, environments=20)
# Every statement there is today touches at most half of it, at ten million people too (docs/scaling.md).
MOST_PAGES = 100


@pytest.fixture(scope="module")
def crowded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """A world in a database of its own, of which it owns a third: the other tests keep their small one.

    With the zero the name still reads as this process, so that what a killed run leaves is dropped by the next.
    """
    django: Any = connections["default"]
    before, name = django.settings_dict["NAME"], f"{PREFIX}0{os.getpid()}"
    with django_db_blocker.unblock(), owner() as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            _use(django, name)
            call_command("migrate", interactive=False, verbosity=0)
            yield _filled()
        finally:
            _use(django, before)
            drop(session, name)


def _use(django: Any, name: str) -> None:
    django.close()
    django.close_pool()
    django.settings_dict["NAME"] = name


def _filled() -> World:
    world = build()
    with as_owner(connection):
        connection.ensure_connection()
        load(connection.connection, SIZES, world.environment.id)
    return world


@pytest.fixture(scope="module")
def steps(crowded: World) -> Steps:
    walk(crowded, "warm")
    return walk(crowded, "ada")


def every(steps: Steps) -> list[Explained]:
    return [one for found in steps.values() for one in found]


def test_no_step_reads_a_large_table_from_end_to_end(steps: Steps) -> None:
    large = set(rows.TABLES)
    assert [one.title for one in every(steps) if large & (one.plan.scanned | one.generic.scanned)] == []


def test_no_statement_touches_more_than_a_few_pages(steps: Steps) -> None:
    assert {one.title: one.plan.pages for one in every(steps) if one.plan.pages > MOST_PAGES} == {}


def test_a_plan_made_without_the_values_is_as_good(steps: Steps) -> None:
    """Django's statements are prepared, and after five executions PostgreSQL may plan them once and for all."""
    assert {one.title: one.generic.pages for one in every(steps) if one.generic.pages > MOST_PAGES} == {}


@pytest.mark.parametrize(
    ("step", "fragment", "index"),
    [
        ("sign-up", "INSERT INTO challenges_challenge", "challenge_by_person"),
        ("sign-up", "INSERT INTO challenges_challenge", "one_live_challenge"),
        ("sign-up", "INSERT INTO challenges_challenge", "failures_by_person"),
        ("sign-up", "INSERT INTO challenges_challenge", "failures_by_minute"),
        ("delivery", "UPDATE delivery_message SET due_at", "message_due"),
        ("delivery", "UPDATE delivery_message AS m", "delivery_message_pkey"),
        ("wrong code", "WITH theirs AS", "one_live_challenge"),
        ("verify, new", "WITH theirs AS", "one_live_challenge"),
        ("verify, new", "INSERT INTO users_identifier", "identifier_value"),
        ("verify, known", "WITH theirs AS", "identifier_value"),
        ("verify, known", "INSERT INTO tokens_session", "users_enduser_pkey"),
        ("refresh", "UPDATE tokens_session", "tokens_session_pkey"),
        ("userinfo", "FROM tokens_session s", "tokens_session_pkey"),
        ("captured messages", 'FROM "delivery_capturedmessage"', "captured_by_recipient"),
    ],
)
def test_a_hot_statement_goes_by_its_index(steps: Steps, step: str, fragment: str, index: str) -> None:
    found = [one for one in steps[step] if fragment in one.statement]
    assert found, [one.title for one in steps[step]]
    for one in found:
        assert index in one.plan.indexes
        assert index in one.generic.indexes


def test_no_plan_takes_an_environment_for_a_small_one(crowded: World) -> None:
    """As one made for the average of many, or before ANALYZE saw a young one grow, would (see the migrations)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text FROM pg_attribute"
            " WHERE attname = 'environment_id' AND 'n_distinct=100' = ANY(attoptions)"
        )
        assert {table for (table,) in cursor.fetchall()} == set(rows.TABLES)


def test_a_code_with_a_handle_is_looked_up_by_its_id(crowded: World) -> None:
    """Not among all that are live in the environment, though there is a small index of those."""
    facts: dict[str, Any] = {"purpose": Purpose.SIGN_IN, "channel": "email", "identifier": "eve@example.com"}
    with transaction.atomic():
        issued = Challenge.objects.issue(crowded.environment, **facts, creates_user=True, by_handle=True)
    with explaining() as found:
        Challenge.objects.check_handle(
            crowded.environment, purpose=Purpose.SIGN_IN, handle=issued.handle, code="000000"
        )
    (looked_up,) = found
    assert looked_up.plan.indexes == looked_up.generic.indexes == {"challenges_challenge_pkey"}


def test_a_start_in_an_environment_under_attack_reads_no_more_failures_than_make_it_one(crowded: World) -> None:
    minute = timezone.now().replace(second=0, microsecond=0)
    FailureCount.objects.bulk_create(
        FailureCount(environment=crowded.environment, identifier=f"{new_id()}@example.com", minute=minute, failures=1)
        for _ in range(5_000)
    )
    with explaining() as found:
        crowded.sign_up("bob@example.com")
    (issued,) = (one for one in found if "INSERT INTO challenges_challenge" in one.statement)
    assert issued.plan.pages < 700


BATCH = 500


@pytest.mark.parametrize(
    ("rows_of", "moment", "age", "index"),
    [
        (Challenge.objects, "created_at", timedelta(days=20), "challenge_by_time"),
        (FailureCount.objects, "minute", timedelta(days=20), "failures_by_minute"),
        (Message.objects, "created_at", timedelta(days=20), "message_by_time"),
        (Session.objects, "absolute_expires_at", timedelta(days=10), "session_by_end"),
        (CapturedMessage.objects, "created_at", timedelta(days=1), "captured_by_time"),
    ],
)
def test_old_rows_leave_by_the_batch_along_an_index(
    crowded: World, rows_of: Any, moment: str, age: timedelta, index: str
) -> None:
    before, old = rows_of.count(), rows_of.filter(**{f"{moment}__lt": timezone.now() - age}).count()
    assert BATCH < old < before
    with explaining() as found:
        removed = rows_of.delete_in_batches(moment, age, BATCH)
    deletions = [one for one in found if "DELETE" in one.statement]
    assert (removed, rows_of.count()) == (old, before - old)
    assert len(deletions) == old // BATCH + 1
    for one in deletions:
        assert index in one.plan.indexes
        assert not one.plan.scanned & set(rows.TABLES)


def test_events_leave_at_the_owners_word_alone(crowded: World) -> None:
    before, old = (
        Event.objects.count(),
        Event.objects.filter(created_at__lt=timezone.now() - timedelta(days=380)).count(),
    )
    assert 1_000 < old < before
    with pytest.raises(ProgrammingError):
        Event.objects.delete_in_batches("created_at", timedelta(days=380))
    with explaining() as found:
        call_command("prune_events", "--older-than", "380d")
    assert Event.objects.count() == before - old
    assert {index for one in found if "DELETE" in one.statement for index in one.plan.indexes} == {"event_by_time"}


@pytest.mark.parametrize("age", ["0", "-1", "0d", "d", "a year", "400 days", "1000000"])
def test_events_do_not_leave_by_a_slip_of_the_hand(age: str) -> None:
    with pytest.raises(CommandError):
        call_command("prune_events", f"--older-than={age}")


def test_a_wrong_code_looks_nobody_up(steps: Steps) -> None:
    """Else it would take longer for those who are known."""
    people = {"identifier_value", "users_identifier_pkey", "users_enduser_pkey"}
    [wrong] = [one for one in steps["wrong code"] if "challenges_challenge" in one.statement]
    assert not people & (wrong.plan.indexes | wrong.generic.indexes)
    [right] = [one for one in steps["verify, known"] if "challenges_challenge" in one.statement]
    assert people & right.generic.indexes
