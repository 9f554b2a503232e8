"""The id that a concealed start answers: random, of nobody, and perhaps of somebody one day (ZeroMagic tells it)."""

from __future__ import annotations

import pytest

from tests.passwordless.populated import Populated
from tests.passwordless.ways import SIGN_UP, STEPS, WAYS, Way

ZEROMAGIC = WAYS[:2]
pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("way", ZEROMAGIC, ids=lambda way: way.name.replace(" ", "-")),
]


@pytest.fixture
def concealed(way: Way) -> Populated:
    return Populated(way, concealment=True)


@pytest.mark.parametrize("step", STEPS)
def test_a_start_never_names_the_id_of_a_known_person(concealed: Populated, step: str) -> None:
    ids = {concealed.user_id(person) for person in concealed.people}
    answered = {concealed.start(step, person).json()["user_id"] for person in concealed.people}
    assert len(answered) == len(concealed.people)
    assert not answered & ids


@pytest.mark.parametrize("step", STEPS)
def test_a_start_gives_the_identifier_back_as_it_was_submitted(concealed: Populated, step: str) -> None:
    for person in concealed.people:
        otherwise = f"{person[:8]} {person[8:]}" if person.startswith("+") else person.title()
        answered = concealed.start(step, otherwise).json()
        assert concealed.way.submitted(otherwise) in answered.values()


def test_the_provisional_id_becomes_the_id_of_the_person_it_creates(concealed: Populated) -> None:
    person = concealed.unknown
    ids = {concealed.start(SIGN_UP, person).json()["user_id"] for _ in range(2)}
    answer = concealed.redeem(person, concealed.code(person))
    assert ids == {concealed.way.user_id(answer)} == {concealed.user_id(person)}
