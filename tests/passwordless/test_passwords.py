"""Passwords: one answer for all that can be wrong, a delay of their own, and digests that keep up with the times."""

from __future__ import annotations

from datetime import timedelta

import argon2
import pytest
from django.utils import timezone

from apps.core import crypto, passwords
from apps.core.errors import InvalidRequest, UserDisabled, WeakPassword, WrongPassword
from apps.core.identifiers import Kind
from apps.passwordless.passwords import prove_password, read_name
from apps.tenants.models import Environment
from apps.users.models import EndUser, Identifier, Person
from tests.at_once import at_once
from tests.world import World, build

ADA = "ada@example.com"
RIGHT, WRONG = "correct horse battery", "incorrect horse battery"


@pytest.fixture
def world(database: None) -> World:
    return build()


def person(world: World, *, password: str = RIGHT, **facts: object) -> EndUser:
    """Somebody with a password and the address ADA."""
    digest = passwords.digest(password) if password else ""
    user = EndUser.objects.create(environment=world.environment, password_digest=digest, **facts)
    Identifier.objects.create(environment=world.environment, user=user, kind=Kind.EMAIL, value=ADA)
    return user


def check_password(environment: Environment, kind: Kind, value: str, password: str) -> Person:
    """Who it is; somebody who is disabled is refused like everybody else."""
    try:
        return prove_password(environment, kind, value, password, lambda one: None if one.is_disabled else one)
    except UserDisabled:
        raise WrongPassword from None


def is_accepted(world: World, password: str = RIGHT, value: str = ADA) -> bool:
    try:
        check_password(world.environment, Kind.EMAIL, value, password)
    except WrongPassword:
        return False
    return True


def test_it_knows_a_person_by_their_password(world: World) -> None:
    user = person(world)
    found = check_password(world.environment, Kind.EMAIL, ADA, RIGHT)
    assert (found.user_id, found.is_verified, found.is_disabled) == (user.id, False, False)


def test_it_refuses_whatever_is_wrong_in_one_way(world: World) -> None:
    person(world)
    other = build()
    Identifier.objects.register(other.environment, Kind.EMAIL, ADA)
    assert not is_accepted(world, WRONG)
    assert not is_accepted(world, value="nobody@example.com")
    assert not is_accepted(world, "")
    assert not is_accepted(other)
    assert not is_accepted(other, "")
    EndUser.objects.for_environment(world.environment).update(disabled_at=timezone.now())
    assert not is_accepted(world)


def test_it_takes_any_text_for_a_guess(world: World) -> None:
    person(world)
    for guess in ("\x00", "\ud800", "ﷺ" * 4000, RIGHT + "\ud800"):
        assert not is_accepted(world, guess)


def test_it_takes_what_looks_the_same_for_the_same(world: World) -> None:
    person(world, password="Ｐａｓｓ ﬁ café 1")
    assert is_accepted(world, "Pass fi cafe\u0301 1")


def test_it_delays_from_the_fifth_failure_on(world: World) -> None:
    user = person(world)
    for _guess in range(4):
        assert not is_accepted(world, WRONG)
    user.refresh_from_db()
    assert user.password_refused_until is None
    assert not is_accepted(world, WRONG)
    assert not is_accepted(world), "a right one comes too soon as well"
    user.refresh_from_db()
    assert user.password_failures == 5
    assert user.password_refused_until is not None


@pytest.mark.parametrize(("failures", "seconds"), [(4, 1), (5, 2), (9, 32), (13, 512), (14, 900), (2_000_000, 900)])
def test_the_delay_doubles_up_to_a_quarter_of_an_hour(world: World, failures: int, seconds: int) -> None:
    user = person(world, password_failures=failures)
    before = timezone.now()
    assert not is_accepted(world, WRONG)
    user.refresh_from_db()
    assert user.password_refused_until is not None
    assert abs(user.password_refused_until - before - timedelta(seconds=seconds)) < timedelta(seconds=1)


def test_a_right_password_ends_the_count_once_the_delay_is_over(world: World) -> None:
    user = person(world, password_failures=9, password_refused_until=timezone.now() - timedelta(seconds=1))
    assert is_accepted(world)
    user.refresh_from_db()
    assert (user.password_failures, user.password_refused_until) == (0, None)


def test_failures_are_forgotten_a_day_after_the_last_delay(world: World) -> None:
    user = person(world, password_failures=20, password_refused_until=timezone.now() - timedelta(hours=25))
    assert not is_accepted(world, WRONG)
    user.refresh_from_db()
    assert (user.password_failures, user.password_refused_until) == (1, None)


def test_of_200_guesses_at_once_no_more_count_than_are_allowed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next delay is two minutes, so exactly one guess is decided; a right one among the others is of no use."""
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 60)
    user = person(world, password_failures=11)
    rows = EndUser.objects.for_environment(world.environment)
    answers = at_once(
        200, lambda number: is_accepted(world, RIGHT if number >= 10 else f"{WRONG} {number}"), behind=rows
    )
    assert answers == [False] * 200
    user.refresh_from_db()
    assert user.password_failures == 12


def test_a_delay_of_passwords_leaves_codes_alone(world: World) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    person(world, password_failures=50, password_refused_until=timezone.now() + timedelta(minutes=15))
    assert world.verify(ADA, code).status_code == 200


def test_a_digest_of_other_parameters_is_made_anew(world: World) -> None:
    user = person(world)
    old = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(RIGHT)
    EndUser.objects.for_environment(world.environment).update(password_digest=old)
    assert is_accepted(world)
    user.refresh_from_db()
    assert user.password_digest.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_accepted(world)


def test_the_digest_of_nobody_costs_what_a_real_one_costs() -> None:
    assert not crypto.is_outdated_digest(crypto._NOBODYS)
    assert argon2.extract_parameters(crypto._NOBODYS) == argon2.extract_parameters(crypto.password_digest(RIGHT))
    with pytest.raises(argon2.exceptions.VerifyMismatchError):
        argon2.PasswordHasher().verify(crypto._NOBODYS, RIGHT)


@pytest.mark.parametrize(
    "password", ["", "seven77", "ﬁ" * 3, "x" * 129, "ﬁ" * 65, "password1", "PASSWORD1", "ｐassword1"]
)
def test_it_takes_no_weak_password(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        passwords.digest(password)
    assert refused.value.field == "password"


@pytest.mark.parametrize("password", ["eight 8!", "ﬁﬁﬁﬁ", "x" * 128, "пароль-наш", "🐎🐎🐎🐎🐎🐎🐎🐎"])
def test_it_takes_any_other(password: str) -> None:
    assert passwords.is_right(password, passwords.digest(password))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada@Example.com", (Kind.EMAIL, ADA)),
        ("Ada_1", (Kind.USERNAME, "ada_1")),
        ("+1 415 555 0123", (Kind.PHONE, "+14155550123")),
        ("98765 43211", (Kind.PHONE, "+919876543211")),
    ],
)
def test_it_reads_a_user_name(text: str, name: tuple[Kind, str]) -> None:
    assert read_name(text, Environment(default_region="IN")) == name


@pytest.mark.parametrize(
    "text", ["", "ada", "a" * 21, "ada-lovelace", "ada lovelace", "ädaa", "12", "@", "98765 43211"]
)
def test_it_reads_nothing_else_for_a_user_name(text: str) -> None:
    with pytest.raises(InvalidRequest):
        read_name(text, Environment(default_region=""))
