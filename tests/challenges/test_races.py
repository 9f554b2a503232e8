"""Guesses and starts at the same moment: what bounds them is one SQL statement, whoever comes first."""

import json
import random
from functools import partial
from typing import Any

import pytest
from django.db.models import QuerySet, Sum

from apps.challenges.models import Challenge, FailureCount
from apps.delivery.models import CapturedMessage
from apps.tokens.sessions import Session
from apps.users.models import EndUser, Identifier
from tests.at_once import at_once
from tests.world import World, build, deliver_due

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@pytest.fixture
def world() -> World:
    return build()


def live(world: World) -> QuerySet[Challenge]:
    return Challenge.objects.for_environment(world.environment).filter(nonce__isnull=False)


def failures(world: World) -> int:
    counted = FailureCount.objects.for_environment(world.environment).aggregate(n=Sum("failures"))
    return int(counted["n"] or 0)


def sessions(world: World) -> int:
    return Session.objects.for_environment(world.environment).count()


def wrong_codes(right: str, count: int) -> list[str]:
    """Different guesses of the right length, as an attacker would send them."""
    return [str((int(right) + 1 + number) % 10 ** len(right)).zfill(len(right)) for number in range(count)]


def test_of_200_wrong_guesses_at_once_exactly_five_are_evaluated(world: World) -> None:
    world.sign_up(ADA)
    guesses = wrong_codes(world.code(ADA), 200)
    answers = at_once(200, lambda number: world.verify(ADA, guesses[number]), behind=live(world))
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1
    assert live(world).get().tries == [5, 0]
    assert failures(world) == 5


def guess(world: World, email: str, guesses: list[str], number: int) -> Any:
    return world.verify(email, guesses[number])


def test_guessing_at_once_gets_no_more_guesses() -> None:
    """One try, ten guesses, one of them right: one in ten gets in. Half did while comparing was not counting."""
    world, got_in = build(max_tries=1), 0
    for number in range(40):
        email = f"p{number}@example.com"
        world.sign_up(email)
        code = world.code(email)
        guesses = [*wrong_codes(code, 9), code]
        random.shuffle(guesses)
        answers = at_once(10, partial(guess, world, email, guesses))
        got_in += sum(answer.status_code == 200 for answer in answers)
    assert got_in <= 14


def test_of_200_right_guesses_at_once_one_opens_one_session(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    answers = at_once(200, lambda _number: world.verify(ADA, code), behind=live(world))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 199
    assert len({answer.content for answer in answers if answer.status_code == 400}) == 1
    assert sessions(world) == 1
    assert not live(world).exists()


def test_right_and_wrong_guesses_at_once_keep_to_both_bounds(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    guesses = [guess for wrong in wrong_codes(code, 20) for guess in (wrong, code)]
    answers = at_once(40, lambda number: world.verify(ADA, guesses[number]), behind=live(world))
    opened = sum(answer.status_code == 200 for answer in answers)
    assert opened <= 1
    assert opened == sessions(world)
    challenge = Challenge.objects.for_environment(world.environment).get()
    # Every wrong guess that was evaluated is in the row and in the budget; the right one is in the row as well.
    assert challenge.tries[0] == failures(world) + opened <= 5
    assert (challenge.nonce is None) == bool(opened)


def test_the_owner_gets_in_while_a_stranger_spends_the_last_tries(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    wrong = wrong_codes(code, 4)
    for guess in wrong[:3]:
        world.verify(ADA, guess)
    answers = at_once(10, lambda number: world.verify(ADA, code if number else wrong[3]), behind=live(world))
    assert sum(answer.status_code == 200 for answer in answers) == 1
    assert sessions(world) == 1


def test_starts_of_one_address_at_once_agree_on_one_code(world: World) -> None:
    answers = at_once(20, lambda _number: world.sign_up(ADA))
    accepted = [answer.json()["user_id"] for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert 1 <= len(accepted) <= 5
    assert {answer.status_code for answer in refused} == {429}
    assert all(int(answer["Retry-After"]) >= 1 for answer in refused)
    assert len(set(accepted)) == 1
    assert live(world).count() == 1
    mailed = world.mailbox(ADA)
    assert len(mailed) == len(accepted)
    assert {mail["code"] for mail in mailed} == {live(world).get().code()}


def test_resends_at_once_stay_within_five_messages(world: World) -> None:
    world.sign_up(ADA)
    answers = at_once(20, lambda _number: world.log_in(ADA), behind=live(world))
    assert sum(answer.status_code == 200 for answer in answers) == 4
    assert live(world).get().tries == [0] * 6


@pytest.mark.parametrize("concealment", [True, False])
def test_sign_ups_of_one_address_at_once_make_one_person(concealment: bool) -> None:
    world = build(concealment=concealment)
    at_once(20, lambda _number: world.sign_up(ADA))
    answer = world.verify(ADA, world.code(ADA))
    assert answer.status_code == 200
    assert EndUser.objects.for_environment(world.environment).count() == 1
    person = Identifier.objects.for_environment(world.environment).get()
    assert str(person.user_id) == json.loads(answer.content)["user_id"]


def test_a_code_is_dead_to_a_worker_that_composes_while_it_is_used(world: World) -> None:
    """A resend may still be under way when the code is used: it carries that code or nothing, never another one."""
    world.sign_up(ADA)
    code = world.code(ADA)
    for _ in range(4):
        world.sign_up(ADA)
    steps = [lambda: world.verify(ADA, code), *[deliver_due] * 9]
    at_once(10, lambda number: steps[number]())
    mailed = [json.loads(row.unseal()) for row in CapturedMessage.objects.for_environment(world.environment)]
    assert {mail["code"] for mail in mailed} == {code}
