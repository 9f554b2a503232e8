"""Guesses at the password grant from many threads at once: the code's bounds hold beside the password's slowness."""

from __future__ import annotations

import pytest

from apps.challenges.models import Challenge, FailureCount
from apps.tokens.sessions import Session
from tests.at_once import at_once
from tests.dialects.satellite_app import satellite

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
# 503 where the machine is too busy for yet another Argon2: after the guess at the code was counted.
REFUSED = {400, 503}


def test_of_many_wrong_guesses_as_many_count_as_there_are_tries() -> None:
    app = satellite(max_tries=5)
    code, wrong = app.code(ADA), app.world.wrong_code(ADA)
    challenges = Challenge.objects.for_environment(app.world.environment)
    statuses = at_once(20, lambda _number: app.password(ADA, wrong).status_code, behind=challenges)
    assert set(statuses) <= REFUSED
    failures = FailureCount.objects.for_environment(app.world.environment).values_list("failures", flat=True)
    assert sum(failures) == 5
    assert app.password(ADA, code).status_code in REFUSED


def test_of_many_right_ones_one_signs_in() -> None:
    app = satellite()
    code = app.code(ADA)
    challenges = Challenge.objects.for_environment(app.world.environment)
    statuses = at_once(20, lambda _number: app.password(ADA, code).status_code, behind=challenges)
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, *REFUSED}
    assert Session.objects.for_environment(app.world.environment).count() == 1


def test_of_many_refreshes_by_a_client_that_authenticates_one_rotates_and_the_session_ends() -> None:
    """It was asked to keep its tokens in order, so two uses of one mean that somebody has a copy."""
    app = satellite()
    token = app.signed_in(ADA)["refresh_token"]
    sessions = Session.objects.for_environment(app.world.environment)
    answers = at_once(20, lambda _number: app.refresh(token), behind=sessions)
    assert sorted({answer.status_code for answer in answers}) == [200, 400]
    (rotated,) = [answer.json()["refresh_token"] for answer in answers if answer.status_code == 200]
    assert app.refresh(rotated).status_code == 400
