"""What a process remembers of an environment and its key holds for exactly as long as nobody has changed them."""

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from apps.challenges.models import Challenge, ChallengeQuerySet
from apps.management.acting import SHELL
from apps.management.environments import change_policy, revoke_application_key
from apps.passwordless.redeem import REDEEM_BY_DIGEST
from apps.tenants.models import Address, ApplicationKey, Environment
from apps.tokens.sessions import SessionQuerySet
from tests.dialects.passage_app import App
from tests.world import World, build

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
GRACE = "grace@example.com"
PARSED_BY_PSYCOPG = 4096
LOCK_TIMEOUT = 5  # Seconds; config/settings.py.


@pytest.fixture
def world() -> World:
    """Its key has been used, so this process remembers it."""
    world = build()
    world.signed_in(ADA)
    return world


def right_code(world: World) -> "Answer":
    world.sign_up(GRACE)
    code = world.code(GRACE)
    revoke(world)
    return world.verify(GRACE, code)


def revoke(world: World) -> World:
    revoke_application_key(ApplicationKey.objects.for_environment(world.environment).get())
    return world


STEPS: dict[str, Callable[[World], "Answer"]] = {
    "sign up": lambda world: revoke(world).sign_up(GRACE),
    "log in": lambda world: revoke(world).log_in(ADA),
    "verify": right_code,
    "refresh": lambda world: _after_revoking(world, world.refresh),
    "revoke": lambda world: _after_revoking(world, world.revoke),
}


def _after_revoking(world: World, step: Callable[[str], "Answer"]) -> "Answer":
    token = world.signed_in(GRACE)["refresh_token"]
    revoke(world)
    return step(token)


@pytest.mark.parametrize("step", STEPS)
def test_a_revoked_key_opens_nothing_from_the_next_request_on(world: World, step: str) -> None:
    answer = STEPS[step](world)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_app_key")


PASSAGE: dict[str, Callable[[App, str, dict[str, str]], "Answer"]] = {
    "register": lambda app, _otp_id, _tokens: app.post("register/otp", {"identifier": GRACE}),
    "log in": lambda app, _otp_id, _tokens: app.post("login/otp", {"identifier": ADA}),
    "activate": lambda app, otp_id, tokens: app.activate(otp_id, tokens["code"]),
    "refresh": lambda app, _otp_id, tokens: app.refresh(tokens["refresh_token"]),
    "sign out": lambda app, _otp_id, tokens: app.revoke(tokens["refresh_token"]),
}


@pytest.mark.parametrize("step", PASSAGE)
def test_a_revoked_key_opens_nothing_in_passage_either(world: World, step: str) -> None:
    app = App(world, world.app_key)
    tokens, otp_id = app.signed_in(GRACE), app.registered(GRACE)
    revoke(world)
    answer = PASSAGE[step](app, otp_id, {**tokens, "code": world.code(GRACE)})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_access_token")


def test_nothing_is_done_for_a_revoked_key(world: World) -> None:
    revoke(world)
    world.sign_up(GRACE)
    assert not Challenge.objects.for_environment(world.environment).filter(identifier=GRACE).exists()


def test_a_policy_holds_from_the_next_request_on_whichever_way_it_changes(world: World) -> None:
    environment = Environment.objects.get(id=world.environment.id)
    change_policy(environment, by=SHELL, sign_up_open=False)
    assert world.sign_up(GRACE).json()["error"] == "sign_up_closed"
    change_policy(environment, by=SHELL, sign_up_open=True)
    assert world.sign_up(GRACE).status_code == 201


def test_a_wrong_guess_is_counted_once_although_the_key_has_changed(world: World) -> None:
    world.sign_up(GRACE)
    wrong = world.wrong_code(GRACE)
    ApplicationKey.objects.for_environment(world.environment).update(name="Renamed")
    assert world.verify(GRACE, wrong).status_code == 400
    assert Challenge.objects.for_environment(world.environment).get(identifier=GRACE).tries[0] == 1


@pytest.mark.parametrize("concealment", [True, False])
def test_a_connection_that_died_in_the_pool_costs_nobody_an_error(concealment: bool) -> None:
    world = build(concealment=concealment)
    world.signed_in(ADA)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            " AND datname = current_database() AND application_name = 'latchkey'"
        )
    connection.close()
    assert world.sign_up(GRACE).status_code == 201


def test_a_step_that_waits_too_long_for_a_lock_is_not_done_again(world: World) -> None:
    world.sign_up(GRACE)
    code = world.code(GRACE)
    answers: list[tuple[int, float]] = []

    def verify() -> None:
        began = time.monotonic()
        answers.append((world.verify(GRACE, code).status_code, time.monotonic() - began))
        connection.close()

    asking = threading.Thread(target=verify)
    with transaction.atomic():
        live = Challenge.objects.for_environment(world.environment).filter(identifier=GRACE)
        list(live.select_for_update())
        asking.start()
        asking.join(30)
    [(status, took)] = answers
    assert status == 503
    assert took < 2 * LOCK_TIMEOUT
    assert world.verify(GRACE, code).status_code == 200


def test_a_body_is_refused_alike_when_the_step_is_done_again() -> None:
    world = build()  # Its key has not been used: noting that changes its row, so the second request is done twice.
    for body, status in ((b" " * 16_385 + b'{"email": "b@example.com"}', 413), (b"{nonsense", 400)):
        first, second = world.post("email-otp-signup", body), world.post("email-otp-signup", body)
        ApplicationKey.objects.for_environment(world.environment).update(last_used_at=None)
        assert (first.status_code, second.status_code) == (status, status)
        assert first.content == second.content


def test_psycopg_remembers_how_the_long_statements_are_read(world: World) -> None:
    key = ApplicationKey.objects.for_environment(world.environment).get()
    recalled = ApplicationKey.objects.recalled(world.app_key, _address(world))
    assert recalled is not None
    assert recalled[0] == key
    unchanged = recalled[1].unchanged
    assert unchanged != "TRUE"
    live = SessionQuerySet.LIVE.replace("$client_lives", SessionQuerySet.CLIENT_LIVES + SessionQuerySet.OR_TRADED)
    for statement in (ChallengeQuerySet.ISSUE, REDEEM_BY_DIGEST, SessionQuerySet.ROTATE, live):
        assert len(statement.replace("$unchanged", unchanged)) <= PARSED_BY_PSYCOPG


def _address(world: World) -> Address:
    return Address(project_id=world.environment.project_id, name=world.environment.name)
