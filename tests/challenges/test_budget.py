"""The failure budget belongs to the person: who is guessed at gets longer codes, and is never locked out."""

from datetime import timedelta

import pytest
from django.db.models import F, Sum
from django.utils import timezone

from apps.challenges.models import FailureCount
from apps.passwordless.tasks import learn_usual_failures, purge
from tests.challenges.clock import live
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


@pytest.fixture
def world() -> World:
    return build()


def fail(world: World, times: int, email: str = ADA) -> None:
    """Wrong guesses over the wire, five for each code."""
    assert times % 5 == 0
    for _ in range(times // 5):
        world.sign_up(email)
        wrong = world.wrong_code(email)
        for _ in range(5):
            assert world.verify(email, wrong).status_code == 400


def failures(world: World, email: str = ADA) -> int:
    rows = FailureCount.objects.for_environment(world.environment).filter(identifier=email)
    return int(rows.aggregate(n=Sum("failures"))["n"] or 0)


def next_code(world: World, email: str = ADA) -> str:
    world.sign_up(email)
    return world.code(email)


def noise(world: World, count: int) -> None:
    """Failures of other people just now; the wire would take a request for each."""
    FailureCount.objects.create(
        environment=world.environment, identifier="crowd@example.com", minute=timezone.now(), failures=count
    )


def test_codes_grow_with_the_failures_and_a_success_does_not_shrink_them(world: World) -> None:
    fail(world, 45)
    assert len(next_code(world)) == 6
    for _ in range(5):
        world.verify(ADA, world.wrong_code(ADA))
    assert failures(world) == 50
    eight = next_code(world)
    assert len(eight) == 8
    assert world.verify(ADA, eight).status_code == 200
    assert len(next_code(world)) == 8
    for _ in range(5):
        world.verify(ADA, world.wrong_code(ADA))
    fail(world, 45)
    ten = next_code(world)
    assert (len(ten), failures(world)) == (10, 100)
    assert world.verify(ADA, ten).status_code == 200


def test_a_code_that_is_live_keeps_its_length(world: World) -> None:
    fail(world, 45)
    code = next_code(world)
    for _ in range(4):
        world.verify(ADA, world.wrong_code(ADA))
    FailureCount.objects.for_environment(world.environment).update(failures=F("failures") + 100)
    assert next_code(world) == code
    assert world.verify(ADA, code).status_code == 200


def test_a_longer_code_loses_its_leading_zeros_on_the_way_and_is_still_right(world: World) -> None:
    noise(world, 501)
    world.sign_up(ADA)
    assert world.verify(ADA, int(world.code(ADA))).status_code == 200


def test_guesses_that_came_too_late_are_not_counted(world: World) -> None:
    world.sign_up(ADA)
    wrong = world.wrong_code(ADA)
    for _ in range(8):
        world.verify(ADA, wrong)
    assert failures(world) == 5


def test_guesses_without_a_live_code_are_not_counted(world: World) -> None:
    assert world.verify(ADA, "123456").status_code == 400
    assert failures(world) == 0


def test_the_budget_is_of_one_person_in_one_environment(world: World) -> None:
    fail(world, 50)
    elsewhere = build()
    assert [len(next_code(world)), len(next_code(world, BOB)), len(next_code(elsewhere))] == [8, 6, 6]


def test_spellings_of_one_address_share_the_budget(world: World) -> None:
    fail(world, 25)
    fail(world, 25, "ADA@Example.COM")
    assert failures(world) == 50
    assert len(next_code(world)) == 8


def test_failures_are_forgotten_after_thirty_days(world: World) -> None:
    fail(world, 50)
    FailureCount.objects.for_environment(world.environment).update(minute=F("minute") - timedelta(days=30, minutes=1))
    assert len(next_code(world)) == 6
    purge()
    assert failures(world) == 0


def test_a_noisy_environment_gives_longer_codes_to_everybody(world: World) -> None:
    noise(world, 500)
    assert len(next_code(world, "eve@example.com")) == 6
    noise_more = FailureCount.objects.for_environment(world.environment)
    noise_more.update(failures=501)
    assert len(next_code(world)) == 8
    noise_more.update(minute=F("minute") - timedelta(minutes=10))
    assert len(next_code(world, BOB)) == 6


def test_what_is_usual_for_an_environment_is_no_noise(world: World) -> None:
    noise(world, 700 * 7 * 24 * 6)
    learn_usual_failures()
    FailureCount.objects.for_environment(world.environment).update(failures=1400)
    assert len(next_code(world)) == 6
    FailureCount.objects.for_environment(world.environment).update(failures=1401)
    assert len(next_code(world, BOB)) == 8


def test_an_environment_with_longer_codes_never_gets_shorter_ones() -> None:
    world = build(code_length=9)
    noise(world, 501)
    assert len(next_code(world)) == 9
    assert live(world).code_length == 9
