"""The life of a challenge: one code through every resend, bounded in time, tries and messages, and then gone."""

import pytest
from django.db import transaction

from apps.challenges.models import Challenge, Issued, Purpose
from apps.core.errors import ChallengeLocked, CodeExpired, CodeMismatch
from apps.passwordless.tasks import keep_house
from tests.challenges.clock import live, pass_time, seconds_left
from tests.dialects.passage_app import App
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
ALWAYS_WRONG = "9999999999"  # Ten digits, where the code has six.


@pytest.fixture
def world() -> World:
    return build()


def test_a_resend_carries_the_same_code_and_keeps_the_tries(world: World) -> None:
    world.sign_up(ADA)
    for _ in range(4):
        world.verify(ADA, ALWAYS_WRONG)
    assert world.sign_up(ADA).status_code == 201
    first, second = world.mailbox(ADA)
    assert first["code"] == second["code"]
    assert live(world).tries == [4, 0, 0]
    world.verify(ADA, ALWAYS_WRONG)
    assert world.verify(ADA, first["code"]).status_code == 400


@pytest.mark.parametrize(("wrong", "status"), [(4, 200), (5, 400)])
def test_the_right_code_is_good_until_the_tries_are_spent(world: World, wrong: int, status: int) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    for _ in range(wrong):
        assert world.verify(ADA, ALWAYS_WRONG).status_code == 400
    assert world.verify(ADA, code).status_code == status


def test_spent_tries_give_way_to_a_new_code(world: World) -> None:
    world.sign_up(ADA)
    old = world.code(ADA)
    for _ in range(5):
        world.verify(ADA, ALWAYS_WRONG)
    assert world.sign_up(ADA).status_code == 201
    new = world.code(ADA)
    assert live(world).tries == [0, 0]
    assert new != old  # One in a million runs may see them agree.
    assert world.verify(ADA, new).status_code == 200


def test_a_resend_prolongs_the_code_but_not_past_twice_its_time(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    assert seconds_left(world) == 600
    pass_time(world, 590)
    world.sign_up(ADA)
    assert seconds_left(world) == 600
    pass_time(world, 300)
    world.sign_up(ADA)
    assert seconds_left(world) == 310
    assert live(world).code() == code


def test_with_less_than_half_its_time_to_be_had_a_start_makes_a_new_code(world: World) -> None:
    world.sign_up(ADA)
    world.verify(ADA, ALWAYS_WRONG)
    pass_time(world, 590)
    world.sign_up(ADA)
    before = live(world)
    pass_time(world, 320)
    world.sign_up(ADA)
    after = live(world)
    assert after.id != before.id
    assert (after.tries, seconds_left(world)) == ([0, 0], 600)


def test_one_code_is_sent_five_times_at_most(world: World) -> None:
    answers = [world.sign_up(ADA) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [429]
    # A code of ten minutes may be renewed for fifteen; only then does a start make another one.
    assert 890 <= int(answers[-1]["Retry-After"]) <= 900
    assert len(world.mailbox(ADA)) == 5


def test_the_next_message_has_to_wait_while_a_code_lives() -> None:
    world = build(resend_after=30)
    assert world.sign_up(ADA).status_code == 201
    refused = world.sign_up(ADA)
    assert (refused.status_code, refused["Retry-After"]) == (429, "30")
    pass_time(world, 31)
    assert world.sign_up(ADA).status_code == 201
    assert len(world.mailbox(ADA)) == 2


def test_another_address_does_not_have_to_wait() -> None:
    world = build(resend_after=30)
    world.sign_up(ADA)
    assert world.sign_up("bob@example.com").status_code == 201


def test_a_used_code_is_gone_for_good(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    world.verify(ADA, code)
    assert world.verify(ADA, code).status_code == 400
    assert_unspeakable(world)


def test_an_expired_code_opens_nothing_and_keeping_house_forgets_it(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    pass_time(world, 601)
    assert world.verify(ADA, code).status_code == 400
    keep_house()
    assert_unspeakable(world)


def test_a_start_after_the_end_of_a_code_forgets_the_old_one(world: World) -> None:
    world.sign_up(ADA)
    old = live(world)
    pass_time(world, 601)
    world.sign_up(ADA)
    old.refresh_from_db()
    assert old.nonce is None
    assert live(world).id != old.id


def assert_unspeakable(world: World) -> None:
    """Nothing is left to derive the code from."""
    challenge = Challenge.objects.for_environment(world.environment).get()
    assert challenge.nonce is None
    with pytest.raises(ValueError, match="has ended"):
        challenge.code()


# Handles are Passage's `otp_id`: no client of ZeroMagic ever has one, so these ask the core.


def issue(world: World) -> Issued:
    with transaction.atomic():
        return Challenge.objects.issue(
            world.environment, purpose=Purpose.SIGN_IN, channel="email", identifier=ADA, creates_user=True
        )


def guess(world: World, handle: str, code: str) -> bool:
    """Whether the guess was right and was the one to consume. Raises what a wrong one raises."""
    attempt = Challenge.objects.check_handle(world.environment, purpose=Purpose.SIGN_IN, handle=handle, code=code)
    if not attempt.is_right:
        Challenge.objects.refuse(attempt)
    return Challenge.objects.consume(attempt)


def test_a_stranger_spends_only_the_tries_of_his_own_start(world: World) -> None:
    owner, stranger = issue(world), issue(world)
    assert owner.challenge_id == stranger.challenge_id
    code = live(world).code()
    for _ in range(5):
        with pytest.raises(CodeMismatch):
            guess(world, stranger.handle, ALWAYS_WRONG)
    with pytest.raises(ChallengeLocked):
        guess(world, stranger.handle, ALWAYS_WRONG)
    assert not guess(world, stranger.handle, code)
    assert live(world).tries == [0, 0, 5]
    assert guess(world, owner.handle, code)


def test_guesses_without_a_handle_leave_the_handles_their_tries(world: World) -> None:
    owner = issue(world)
    code = live(world).code()
    for _ in range(6):
        world.verify(ADA, ALWAYS_WRONG)
    assert world.verify(ADA, code).status_code == 400
    assert guess(world, owner.handle, code)


def test_a_handle_of_another_environment_or_a_changed_one_names_nothing(world: World) -> None:
    issued = issue(world)
    elsewhere = issue(build())
    changed = issued.handle[:10] + ("A" if issued.handle[10] != "A" else "B") + issued.handle[11:]
    for handle in (elsewhere.handle, changed, issued.handle + "\n", issued.handle[:-1], "é", ""):
        with pytest.raises(CodeExpired):
            guess(world, handle, live(world).code())


def test_a_strangers_guesses_do_not_end_the_code_of_somebody_with_a_handle(world: World) -> None:
    app = App(world, app_key=world.app_key)
    owner = app.registered(ADA)
    code = world.code(ADA)
    for _ in range(5):
        world.verify(ADA, ALWAYS_WRONG)
    assert world.sign_up(ADA).status_code == 429
    assert app.activate(owner, code).status_code == 200


def test_no_more_than_thirty_messages_an_hour_go_to_one_person(world: World) -> None:
    answers = []
    for _ in range(35):
        answers.append(world.sign_up(ADA))
        for _ in range(5):
            world.verify(ADA, ALWAYS_WRONG)
    assert [answer.status_code for answer in answers] == [201] * 30 + [429] * 5
    assert 3500 <= int(answers[-1]["Retry-After"]) <= 3600
    pass_time(world, 3601)
    assert world.sign_up(ADA).status_code == 201
