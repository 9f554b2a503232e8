"""Who hears what (contracts/answers.md): four kinds of people, concealed and not, by every way of signing in."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.passwordless.populated import Populated
from tests.passwordless.ways import SIGN_IN, SIGN_UP, STEPS, WAYS, Way

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name.replace(" ", "-")),
]


@pytest.fixture
def concealed(way: Way) -> Populated:
    return Populated(way, concealment=True)


@pytest.fixture
def plain(way: Way) -> Populated:
    return Populated(way, concealment=False)


class TestConcealed:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_tells_the_same_about_everybody(self, concealed: Populated, step: str) -> None:
        assert len({concealed.told_at_start(step, person) for person in concealed.people}) == 1

    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_does_the_same_work_for_everybody(self, concealed: Populated, step: str) -> None:
        concealed.statements(step, concealed.way.stranger)
        assert len({concealed.statements(step, person) for person in concealed.people}) == 1

    @pytest.mark.parametrize("step", STEPS)
    def test_the_worker_writes_to_those_who_may_have_a_code(self, concealed: Populated, step: str) -> None:
        for person in concealed.people:
            concealed.start(step, person)
        expected = {concealed.known, concealed.unverified} | ({concealed.unknown} if step == SIGN_UP else set())
        assert {person for person in concealed.people if concealed.mailbox(person)} == expected

    def test_a_start_creates_nobody(self, concealed: Populated) -> None:
        for step in STEPS:
            concealed.start(step, concealed.unknown)
        concealed.mailbox(concealed.unknown)
        assert concealed.identifier(concealed.unknown) is None

    @pytest.mark.parametrize("step", STEPS)
    def test_who_is_known_keeps_the_id_whichever_way_they_started(self, concealed: Populated, step: str) -> None:
        for person in (concealed.known, concealed.unverified):
            before = concealed.user_id(person)
            concealed.start(step, person)
            assert concealed.way.user_id(concealed.redeem(person, concealed.code(person))) == before

    def test_every_kind_of_refused_code_gets_the_same_answer_about_everybody(self, concealed: Populated) -> None:
        """Never asked for, expired and used are one; a start that has no guess left may say so, of everybody alike."""
        answers = {concealed.told(concealed.redeem(person, "000000")) for person in concealed.people}
        for person in (concealed.unknown, concealed.known, concealed.unverified):
            answers |= {concealed.told(concealed.used(person)), concealed.told(concealed.expired(person))}
        assert len(answers) == 1
        assert answers.pop().startswith("(400,")

    @pytest.mark.parametrize("step", STEPS)
    def test_guess_after_guess_is_counted_and_answered_alike_for_everybody(
        self, concealed: Populated, step: str
    ) -> None:
        series = set()
        for person in concealed.people:
            concealed.start(step, person)
            guesses = [concealed.redeem(person, concealed.wrong(person)) for _ in concealed.way.wrong]
            assert tuple(concealed.way.error(guess) for guess in guesses) == concealed.way.wrong
            series.add(tuple(concealed.told(guess) for guess in guesses))
        assert len(series) == 1

    def test_a_wrong_code_costs_the_same_work_for_everybody(self, concealed: Populated) -> None:
        work = set()
        for person in concealed.people:
            concealed.start(SIGN_UP, person)
            guess = concealed.wrong(person)
            with CaptureQueriesContext(connection) as captured:
                concealed.redeem(person, guess)
            work.add(len(captured))
        assert len(work) == 1

    def test_a_right_code_of_somebody_disabled_since_is_a_wrong_one(self, concealed: Populated) -> None:
        known = concealed.known
        concealed.start(SIGN_IN, known)
        code, guess = concealed.code(known), concealed.wrong_code(known)
        concealed.disable(known)
        as_wrong = concealed.told(concealed.redeem(known, guess))
        assert concealed.told(concealed.redeem(known, code)) == as_wrong
        concealed.disable(known, now=False)
        assert concealed.told(concealed.redeem(known, code)) == as_wrong, "the code was consumed"

    def test_the_first_right_code_verifies_an_unverified_sign_up(self, concealed: Populated) -> None:
        person = concealed.unverified
        assert not concealed.is_verified(person)
        concealed.start(SIGN_IN, person)
        assert concealed.redeem(person, concealed.code(person)).status_code == 200
        assert concealed.is_verified(person)


class TestNotConcealed:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_tells_who_is_there_and_writes_to_whom_it_says(self, plain: Populated, step: str) -> None:
        way = plain.way
        told = (None, way.exists, None, way.exists) if step == SIGN_UP else (way.unknown, None, None, way.disabled)
        for person, refusal in zip(plain.people, told, strict=True):
            answer = plain.start(step, person)
            assert len(plain.mailbox(person)) == (0 if refusal else 1)
            if refusal:
                assert way.error(answer) == refusal
            else:
                assert answer.status_code == (201 if step == SIGN_UP else 200)
                assert way.started(person, plain.user_id(person)) in (None, answer.json())

    def test_a_sign_up_makes_one_person_however_often_it_is_repeated(self, plain: Populated) -> None:
        ids = set()
        for _ in range(3):
            plain.start(SIGN_UP, plain.unknown)
            ids.add(plain.user_id(plain.unknown))
        ids.add(plain.way.user_id(plain.redeem(plain.unknown, plain.code(plain.unknown))))
        assert len(ids) == 1

    def test_a_right_code_of_somebody_disabled_since_says_so_and_is_consumed(self, plain: Populated) -> None:
        plain.start(SIGN_IN, plain.known)
        code = plain.code(plain.known)
        plain.disable(plain.known)
        assert plain.way.error(plain.redeem(plain.known, code)) == plain.way.disabled
        plain.disable(plain.known, now=False)
        assert plain.way.error(plain.redeem(plain.known, code)) == plain.way.wrong[0]

    def test_the_first_right_code_verifies_a_sign_up(self, plain: Populated) -> None:
        person = plain.unknown
        plain.start(SIGN_UP, person)
        assert not plain.is_verified(person)
        assert plain.redeem(person, plain.wrong(person)).status_code == 400
        assert not plain.is_verified(person)
        plain.redeem(person, plain.code(person))
        assert plain.is_verified(person)
        assert plain.way.error(plain.start(SIGN_UP, person)) == plain.way.exists

    def test_every_refused_code_gets_the_same_answer(self, plain: Populated) -> None:
        answers = {plain.told(plain.redeem(person, "000000")) for person in plain.people}
        for person in (plain.known, plain.unverified):
            plain.start(SIGN_IN, person)
            refused = plain.redeem(person, plain.wrong(person)), plain.used(person), plain.expired(person)
            answers |= {plain.told(answer) for answer in refused}
        assert len(answers) == 1
        assert answers.pop().startswith("(400,")


@pytest.mark.parametrize("concealment", [True, False])
class TestSignUpClosed:
    def test_everybody_is_refused_alike_and_before_any_look(self, way: Way, concealment: bool) -> None:
        world = Populated(way, concealment=concealment, sign_up_open=False)
        world.start(SIGN_UP, way.stranger)
        assert len({world.told_at_start(SIGN_UP, person) for person in world.people}) == 1
        assert way.error(world.start(SIGN_UP, world.unknown)) == way.closed
        assert [world.statements(SIGN_UP, person) for person in world.people] == [1] * 4, "only for the application"
        assert not any(world.mailbox(person) for person in world.people)

    def test_who_is_known_still_signs_in(self, way: Way, concealment: bool) -> None:
        world = Populated(way, concealment=concealment, sign_up_open=False)
        world.start(SIGN_IN, world.known)
        assert world.redeem(world.known, world.code(world.known)).status_code == 200

    def test_a_sign_up_begun_before_creates_nobody(self, way: Way, concealment: bool) -> None:
        world = Populated(way, concealment=concealment)
        world.start(SIGN_UP, world.unknown)
        code = world.code(world.unknown)
        world.change(sign_up_open=False)
        answer = world.redeem(world.unknown, code)
        assert answer.status_code == (400 if concealment else 200), "unconcealed, the sign-up had made the person"
        assert (world.identifier(world.unknown) is None) is concealment
