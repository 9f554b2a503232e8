"""Refresh tokens rotate: a retry gets the same successor, a copy that comes late ends the session."""

import json
from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import Event
from apps.tokens.sessions import Session
from tests.at_once import at_once
from tests.tokens.aging import events, pass_time, session
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
DAY = 86_400


def refreshed(world: World, token: str) -> str:
    """The successor of `token`, or the token itself where it is returned."""
    answer = world.refresh(token)
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = json.loads(answer.content)
    assert world.get("userinfo", bearer=body["access_token"]).status_code == 200
    return str(body["refresh_token"])


def is_refused(world: World, token: str) -> bool:
    answer = world.refresh(token)
    return answer.status_code == 400 and json.loads(answer.content)["error"] == "invalid_refresh_token"


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def first(world: World) -> str:
    return str(world.signed_in(ADA)["refresh_token"])


def test_of_50_refreshes_of_one_token_at_once_all_get_the_same_successor(world: World, first: str) -> None:
    rows = Session.objects.for_environment(world.environment)
    answers = at_once(50, lambda _number: world.refresh(first), behind=rows)
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert session(world).generation == 1
    assert events(world, Event.Kind.REFRESH_REPLAYED) == 49
    assert refreshed(world, successors.pop())


def test_of_50_refreshes_at_once_without_a_grace_one_rotates_and_the_session_ends() -> None:
    world = build(refresh_grace=0)
    token = world.signed_in(ADA)["refresh_token"]
    rows = Session.objects.for_environment(world.environment)
    answers = at_once(50, lambda _number: world.refresh(token), behind=rows)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 49
    assert events(world, Event.Kind.REFRESH_REUSED) == 1
    assert session(world).secret is None


def test_a_rotation_writes_no_event(world: World, first: str) -> None:
    before = Event.objects.for_environment(world.environment).count()
    refreshed(world, first)
    assert Event.objects.for_environment(world.environment).count() == before


def test_the_parent_within_the_grace_gets_the_same_successor_and_leaves_an_event(world: World, first: str) -> None:
    second = refreshed(world, first)
    pass_time(world, 50)
    assert refreshed(world, first) == second
    assert events(world, Event.Kind.REFRESH_REPLAYED) == 1
    assert session(world).generation == 1


def test_the_parent_after_the_grace_ends_the_session(world: World, first: str) -> None:
    second = refreshed(world, first)
    access = world.refresh(second).json()["access_token"]
    pass_time(world, 61)
    assert is_refused(world, first)
    assert events(world, Event.Kind.REFRESH_REUSED) == 1
    assert is_refused(world, second)
    assert world.get("userinfo", bearer=access).status_code == 401
    assert events(world, Event.Kind.REFRESH_REUSED) == 1


def test_a_replay_does_not_prolong_the_grace(world: World, first: str) -> None:
    refreshed(world, first)
    for _ in range(3):
        pass_time(world, 19)
        refreshed(world, first)
    pass_time(world, 19)
    assert is_refused(world, first)


def test_a_grandparent_ends_the_session_at_once(world: World, first: str) -> None:
    second = refreshed(world, first)
    pass_time(world, 61)
    third = refreshed(world, second)
    assert is_refused(world, first)
    assert is_refused(world, third)


def test_the_current_token_is_returned_while_it_is_younger_than_the_grace(world: World, first: str) -> None:
    second = refreshed(world, first)
    assert refreshed(world, second) == second
    assert session(world).generation == 1
    pass_time(world, 61)
    third = refreshed(world, second)
    assert third != second
    assert session(world).generation == 2


def test_without_a_grace_every_refresh_rotates_and_any_parent_ends_the_session() -> None:
    world = build(refresh_grace=0)
    token = world.signed_in(ADA)["refresh_token"]
    tokens = [token := refreshed(world, token) for _ in range(3)]
    assert len(set(tokens)) == 3
    assert is_refused(world, tokens[1])
    assert is_refused(world, tokens[2])


def test_a_session_that_is_not_used_ends() -> None:
    world = build(session_idle_ttl=30 * DAY)
    token = world.signed_in(ADA)["refresh_token"]
    pass_time(world, 29 * DAY)
    token = refreshed(world, token)
    pass_time(world, 29 * DAY)
    token = refreshed(world, token)
    pass_time(world, 30 * DAY + 1)
    assert is_refused(world, token)


def test_a_session_that_is_used_every_day_ends_all_the_same() -> None:
    world = build(session_idle_ttl=2 * DAY, session_absolute_ttl=5 * DAY)
    token = world.signed_in(ADA)["refresh_token"]
    end = session(world).absolute_expires_at
    for day in range(1, 5):
        pass_time(world, DAY)
        token = refreshed(world, token)
        row = session(world)
        assert row.absolute_expires_at == end - timedelta(days=day)
        assert row.idle_expires_at <= row.absolute_expires_at
    pass_time(world, DAY + 1)
    assert is_refused(world, token)
