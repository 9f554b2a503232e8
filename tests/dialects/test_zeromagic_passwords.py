"""Sign-up, sign-in and a new password by ZeroMagic's password endpoints, as their clients meet them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core import passwords
from apps.users.models import EndUser
from tests.at_once import at_once
from tests.passwordless.password_world import ADA, P, PasswordWorld, Q, password_world

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
UNKNOWN, KNOWN, UNVERIFIED, DISABLED = PEOPLE = ("una@x.test", "kim@x.test", "pia@x.test", "dan@x.test")
TOKENS = ["access_token", "token_type", "expires_in", "expires_at", "refresh_token"]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def concealed() -> PasswordWorld:
    return password_world()


@pytest.fixture
def plain() -> PasswordWorld:
    return password_world(concealment=False)


def populated(*, concealment: bool, **policy: object) -> PasswordWorld:
    """One person of each kind, all of them with the password P."""
    world = password_world(concealment=False)
    for email in (KNOWN, DISABLED):
        world.confirmed(email)
    world.sign_up_with(P, UNVERIFIED)
    EndUser.objects.filter(id=world.person(DISABLED).id).update(disabled_at=timezone.now())
    world.change(concealment=concealment, **policy)
    return world


def told(answer: Answer) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", "")


def bare(answer: Answer, email: str) -> tuple[int, dict[str, str], bytes]:
    """All of an answer, less what differs for everybody."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Date"}}
    body = answer.content.replace(email.encode(), b"<>").replace(str(answer.json().get("user_id")).encode(), b"<id>")
    return answer.status_code, headers, body


class TestShapes:
    def test_a_sign_up_tells_the_id_the_address_as_sent_and_that_it_is_pending(self, plain: PasswordWorld) -> None:
        answer = plain.sign_up_with(email="Ada@Example.com")
        assert answer.status_code == 201
        assert answer.json() == {
            "user_id": str(plain.person().id),
            "email": "Ada@Example.com",
            "email_verification": "pending",
        }

    def test_a_login_tells_who_it_is_and_gives_tokens(self, plain: PasswordWorld) -> None:
        plain.sign_up_with()
        answer = plain.log_in_with(email="Ada@Example.com")
        assert answer.status_code == 200
        body = answer.json()
        assert list(body) == ["user_id", "email", "email_verification", *TOKENS]
        assert (body["user_id"], body["email"]) == (str(plain.person().id), ADA)
        assert (body["email_verification"], body["token_type"], body["expires_in"]) == ("pending", "bearer", None)
        me = plain.get("userinfo", bearer=body["access_token"]).json()
        assert me == {"sub": body["user_id"], "email": ADA, "email_verified": False}
        assert plain.refresh(body["refresh_token"]).status_code == 200

    def test_a_login_after_the_link_says_verified(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        assert plain.log_in_with().json()["email_verification"] == "verified"

    def test_a_reset_tells_the_id_and_the_address(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        answer = plain.ask_for_reset()
        assert (answer.status_code, answer.json()) == (200, {"user_id": str(plain.person().id), "email": ADA})

    def test_a_user_name_signs_up_and_in(self, concealed: PasswordWorld) -> None:
        facts = {"username": "Ada_1", "password": P}
        signed_up = concealed.post("username-password-signup", facts)
        assert signed_up.status_code == 201
        assert signed_up.json() == {"user_id": str(concealed.person("ada_1").id), "username": "Ada_1"}
        answer = concealed.post("username-password-login", {**facts, "username": "ADA_1"})
        assert answer.status_code == 200
        assert list(answer.json()) == ["user_id", "username", *TOKENS]
        assert (answer.json()["user_id"], answer.json()["username"]) == (signed_up.json()["user_id"], "ada_1")
        me = concealed.get("userinfo", bearer=answer.json()["access_token"]).json()
        assert me == {"sub": signed_up.json()["user_id"], "email": None, "email_verified": False}

    def test_social_sign_in_is_named_as_not_offered(self, concealed: PasswordWorld) -> None:
        assert told(concealed.post("oauth", {"connection_name": "google"})) == (403, "not_offered")
        assert told(concealed.post("oauth", {})) == (400, "invalid_request")
        assert told(concealed.post("oauth", {"connection_name": "google"}, app_key="")) == (401, "invalid_app_key")

    @pytest.mark.parametrize("path", ["email-password-signup", "username-password-signup"])
    @pytest.mark.parametrize("password", ["", "seven77", "x" * 129, "password1", "PassWord1"])
    def test_a_weak_password_is_named(self, concealed: PasswordWorld, path: str, password: str) -> None:
        answer = concealed.post(path, {"email": ADA, "username": "ada_1", "password": password})
        assert told(answer) == (400, "invalid_request")
        assert "password" in answer.json()["message"]
        assert concealed.mailbox(ADA) == []


class TestConcealed:
    def test_a_sign_up_tells_the_same_about_everybody(self) -> None:
        world = populated(concealment=True)
        assert len({repr(bare(world.sign_up_with(Q, email), email)) for email in PEOPLE}) == 1
        answer = world.sign_up_with(Q, "somebody@x.test", is_verification=True)
        assert (answer.status_code, answer.json()["email_verification"]) == (201, "pending")
        assert UUID.fullmatch(answer.json()["user_id"])

    def test_a_sign_up_makes_nobody_and_changes_nobody(self) -> None:
        world = populated(concealment=True)
        for email in PEOPLE:
            world.sign_up_with(Q, email)
        assert world.identifier(UNKNOWN) is None
        assert not any(world.has_password(Q, email) for email in PEOPLE)
        assert world.has_password(P, KNOWN)

    def test_a_sign_up_mails_a_link_to_all_but_the_disabled(self) -> None:
        world = populated(concealment=True)
        before = {email: len(world.mailbox(email)) for email in PEOPLE}
        for email in PEOPLE:
            world.sign_up_with(Q, email)
        assert {email for email in PEOPLE if len(world.mailbox(email)) > before[email]} == set(PEOPLE) - {DISABLED}

    def test_a_reset_tells_the_same_about_everybody_and_writes_to_who_is_there(self) -> None:
        world = populated(concealment=True)
        before = {email: len(world.mailbox(email)) for email in PEOPLE}
        assert len({repr(bare(world.ask_for_reset(email), email)) for email in PEOPLE}) == 1
        assert {email for email in PEOPLE if len(world.mailbox(email)) > before[email]} == {KNOWN, UNVERIFIED}

    def test_every_refused_login_is_the_same(self) -> None:
        world = populated(concealment=True)
        answers = {repr(bare(world.log_in_with(Q, email), email)) for email in PEOPLE}
        answers.add(repr(bare(world.log_in_with(P, UNKNOWN), UNKNOWN)))
        answers.add(repr(bare(world.log_in_with(P, DISABLED), DISABLED)))
        EndUser.objects.filter(id=world.person(KNOWN).id).update(password_digest="")
        answers.add(repr(bare(world.log_in_with(P, KNOWN), KNOWN)))
        assert len(answers) == 1
        assert answers.pop().startswith("(401,")

    def test_every_refused_step_does_the_same_work(self) -> None:
        world = populated(concealment=True)
        delayed = EndUser.objects.filter(id=world.person(UNVERIFIED).id)
        delayed.update(password_refused_until=timezone.now() + timedelta(minutes=5))
        for path, passwords_tried in {
            "email-password-signup": [Q] * 4,
            "email-password-login": [Q, Q, P, Q],
            "email-password-reset": [Q] * 4,
        }.items():
            world.post(path, {"email": "warm@x.test", "password": Q})
            work = {len(statements(world, path, *tried)) for tried in zip(PEOPLE, passwords_tried, strict=True)}
            assert len(work) == 1, path


def statements(world: PasswordWorld, path: str, email: str, password: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        world.post(path, {"email": email, "password": password})
    return [query["sql"] for query in captured.captured_queries]


class TestNotConcealed:
    def test_a_sign_up_tells_who_is_there(self) -> None:
        world = populated(concealment=False)
        answers = [told(world.sign_up_with(Q, email)) for email in PEOPLE]
        assert answers == [(201, ""), *[(409, "user_exists")] * 3]
        assert world.has_password(P, KNOWN)
        assert world.has_password(P, UNVERIFIED)

    def test_a_login_tells_of_disabled_people_only_after_a_right_password(self) -> None:
        world = populated(concealment=False)
        assert [told(world.log_in_with(P, email)) for email in PEOPLE] == [
            (401, "invalid_credentials"),
            (200, ""),
            (200, ""),
            (403, "user_disabled"),
        ]
        assert {told(world.log_in_with(Q, email)) for email in PEOPLE} == {(401, "invalid_credentials")}

    def test_a_reset_tells_who_is_there(self) -> None:
        world = populated(concealment=False)
        answers = [told(world.ask_for_reset(email)) for email in PEOPLE]
        assert answers == [(404, "user_not_found"), (200, ""), (200, ""), (403, "user_disabled")]
        assert world.mailbox(UNKNOWN) == []

    @pytest.mark.parametrize("more", [{}, {"is_verification": False}, {"is_verification": True}])
    def test_a_sign_up_mails_a_link_only_when_asked(self, plain: PasswordWorld, more: dict[str, Any]) -> None:
        assert plain.sign_up_with(P, ADA, **more).status_code == 201
        assert len(plain.mailbox(ADA)) == (1 if more.get("is_verification") else 0)

    @pytest.mark.parametrize("value", [None, 1, 0, "true", "", [], {}])
    def test_the_wish_for_a_link_is_true_or_false(self, plain: PasswordWorld, value: object) -> None:
        assert told(plain.sign_up_with(is_verification=value)) == (400, "invalid_request")
        assert plain.identifier() is None

    def test_a_sign_up_whose_link_must_wait_makes_nobody(self) -> None:
        world = password_world(resend_after=30)
        world.sign_up_with()
        world.change(concealment=False)
        assert told(world.sign_up_with(is_verification=True)) == (429, "rate_limited")
        assert world.identifier() is None

    def test_of_ten_sign_ups_at_once_one_makes_the_person(
        self, plain: PasswordWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 30)
        answers = at_once(10, lambda number: plain.sign_up_with(f"{P} {number}"))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
        winner = next(number for number, answer in enumerate(answers) if answer.status_code == 201)
        assert [plain.has_password(f"{P} {number}") for number in (winner, (winner + 1) % 10)] == [True, False]


@pytest.mark.parametrize("concealment", [True, False])
class TestUserNames:
    def test_nobody_takes_a_name_that_somebody_has(self, concealment: bool) -> None:
        world = password_world(concealment=concealment)
        assert world.post("username-password-signup", {"username": "ada_1", "password": P}).status_code == 201
        answer = world.post("username-password-signup", {"username": "ADA_1", "password": Q})
        assert told(answer) == (409, "user_exists")
        assert world.post("username-password-login", {"username": "ada_1", "password": P}).status_code == 200

    def test_a_login_is_refused_in_one_way(self, concealment: bool) -> None:
        world = password_world(concealment=concealment)
        world.post("username-password-signup", {"username": "ada_1", "password": P})
        tries = [("ada_1", Q), ("nobody", P), ("nobody", Q)]
        answers = {
            repr(bare(world.post("username-password-login", {"username": name, "password": password}), name))
            for name, password in tries
        }
        assert len(answers) == 1
        assert answers.pop().startswith("(401,")

    @pytest.mark.parametrize(
        "name", ["", "ada", "a" * 21, "1ada", "_ada", "ada lovelace", "ada-1", "ada.1", "ädaa", ADA]
    )
    def test_a_name_is_letters_digits_and_underscores(self, concealment: bool, name: str) -> None:
        world = password_world(concealment=concealment)
        for path in ("username-password-signup", "username-password-login"):
            answer = world.post(path, {"username": name, "password": P})
            assert told(answer) == (400, "invalid_request")

    def test_closed_sign_up_is_told_to_everybody_before_any_look(self, concealment: bool) -> None:
        world = populated(concealment=concealment, sign_up_open=False)
        for email in PEOPLE:
            assert told(world.sign_up_with(Q, email)) == (403, "sign_up_closed")
            assert len(statements(world, "email-password-signup", email, Q)) == 1, "only for the application"
        answer = world.post("username-password-signup", {"username": "ada_1", "password": P})
        assert told(answer) == (403, "sign_up_closed")
        assert world.has_password(P, KNOWN)


def test_a_password_of_another_environment_opens_nothing() -> None:
    here, there = password_world(concealment=False), password_world(concealment=False)
    there.sign_up_with()
    assert told(here.log_in_with()) == (401, "invalid_credentials")
    assert there.has_password(P)


def test_a_code_and_a_password_are_two_ways_to_one_person(plain: PasswordWorld) -> None:
    plain.confirmed()
    plain.log_in(ADA)
    by_code = plain.verify(ADA, plain.code(ADA)).json()
    assert by_code["user_id"] == plain.log_in_with().json()["user_id"]
    assert plain.has_password(P), "a code takes no password away from who has proved the address"


def test_a_login_too_soon_after_wrong_ones_looks_like_a_wrong_one(plain: PasswordWorld) -> None:
    plain.sign_up_with()
    answers = {repr(bare(plain.log_in_with(Q), ADA)) for _guess in range(5)}
    answers.add(repr(bare(plain.log_in_with(P), ADA)))
    assert len(answers) == 1


def test_who_finds_no_room_for_a_password_is_told_when_to_come_back(
    plain: PasswordWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.sign_up_with()
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0)
    for _place in range(passwords.AT_ONCE):
        assert passwords._room.acquire(blocking=False)
    try:
        answer = plain.log_in_with()
    finally:
        passwords._room.release(passwords.AT_ONCE)
    assert (*told(answer), answer["Retry-After"]) == (503, "service_unavailable", "2")
    assert plain.person().password_failures == 0
    assert plain.has_password(P)
