"""How many SQL statements each step costs, BEGIN and COMMIT included. A step that grows fails here first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.world import World, build, forget_captured

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [query["sql"] for query in captured.captured_queries]
    assert len(statements) <= limit, "\n".join(statements)


@pytest.fixture
def concealed() -> World:
    return warm(build())


@pytest.fixture
def open_world() -> World:
    return warm(build(concealment=False))


def warm(world: World) -> World:
    """After the first request of a minute: the key's last use is noted and the signing key is read."""
    world.signed_in("warm@example.com")
    return world


def test_a_concealed_start_takes_five_whatever_it_is(concealed: World) -> None:
    steps: list[Callable[[str], object]] = [concealed.sign_up, concealed.log_in]
    for number, step in enumerate(steps):
        with at_most(5):
            step(f"new{number}@example.com")


def test_a_start_that_looks_people_up_takes_six(open_world: World) -> None:
    with at_most(6):
        open_world.sign_up(ADA)
    open_world.verify(ADA, open_world.code(ADA))
    with at_most(6):
        open_world.log_in(ADA)


def test_the_verify_that_creates_a_person_takes_nine(concealed: World) -> None:
    concealed.sign_up(ADA)
    code = concealed.code(ADA)
    with at_most(9):
        concealed.verify(ADA, code)


def test_the_verify_of_a_known_person_takes_eight(concealed: World) -> None:
    concealed.signed_in(ADA)
    forget_captured(concealed)
    concealed.log_in(ADA)
    code = concealed.code(ADA)
    with at_most(8):
        concealed.verify(ADA, code)


def test_a_wrong_code_takes_three(concealed: World) -> None:
    concealed.sign_up(ADA)
    wrong = concealed.wrong_code(ADA)
    with at_most(3):
        concealed.verify(ADA, wrong)


def test_a_refresh_takes_three(concealed: World) -> None:
    token = concealed.signed_in(ADA)["refresh_token"]
    with at_most(3):
        concealed.refresh(token)


def test_a_login_with_a_password_takes_seven(open_world: World) -> None:
    """Application and person; then in one transaction the acceptance, the session and its event."""
    facts = {"email": ADA, "password": "correct horse battery"}
    open_world.post("email-password-signup", facts)
    with at_most(7):
        open_world.post("email-password-login", facts)
    for refused in ({**facts, "password": "wrong horse battery"}, {**facts, "email": "nobody@example.com"}):
        with at_most(6):
            open_world.post("email-password-login", refused)


def test_a_sign_up_with_a_password_takes_five_concealed_and_six_where_people_are_looked_up(
    concealed: World, open_world: World
) -> None:
    facts = {"email": ADA, "password": "correct horse battery"}
    with at_most(5):
        concealed.post("email-password-signup", facts)
    with at_most(6):
        open_world.post("email-password-signup", facts)


def test_junk_keys_and_junk_tokens_cost_none(concealed: World) -> None:
    with at_most(0):
        concealed.post("email-otp-login", {"email": ADA}, app_key="pk_test_" + "x" * 38)
    with at_most(1):
        concealed.refresh("x" * 79)
