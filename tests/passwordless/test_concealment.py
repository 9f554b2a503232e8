"""Who hears what (contracts/answers.md, the ZeroMagic rows): four kinds of people, concealed and not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.challenges.models import Challenge
from apps.users.models import EndUser, Identifier
from tests.world import World, build, forget_captured

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")

# Of one length, so that answers that hold the address can be compared in their length as well.
UNKNOWN, KNOWN, UNVERIFIED, DISABLED = PEOPLE = ("una@x.test", "kim@x.test", "pia@x.test", "dan@x.test")
NAMES = ("unknown", "known", "unverified", "disabled")
STEPS = ("email-otp-signup", "email-otp-login")


def populated(*, concealment: bool, **policy: object) -> World:
    """An environment with one person of each kind. Only unconcealed does a sign-up leave somebody unverified."""
    world = build(concealment=False)
    for email in (KNOWN, DISABLED):
        world.signed_in(email)
    disable(world, DISABLED)
    world.sign_up(UNVERIFIED)
    end_codes(world)
    forget_captured(world)
    for name, value in {"concealment": concealment, **policy}.items():
        setattr(world.environment, name, value)
    world.environment.save()
    return world


def identifier(world: World, email: str) -> Identifier | None:
    return Identifier.objects.for_environment(world.environment).filter(value=email).first()


def user_id(world: World, email: str) -> str | None:
    found = identifier(world, email)
    return str(found.user_id) if found else None


def is_verified(world: World, email: str) -> bool:
    found = identifier(world, email)
    return found is not None and found.verified_at is not None


def disable(world: World, email: str, *, now: bool = True) -> None:
    moment = timezone.now() if now else None
    EndUser.objects.for_environment(world.environment).filter(identifiers__value=email).update(disabled_at=moment)


def end_codes(world: World) -> None:
    world.mailbox(KNOWN)  # Nothing is left in the outbox, so that what follows sends nothing but its own.
    Challenge.objects.for_environment(world.environment).update(nonce=None)


def expire_codes(world: World) -> None:
    Challenge.objects.for_environment(world.environment).update(expires_at=timezone.now())


def start(world: World, step: str, email: str) -> Answer:
    return world.post(step, {"email": email})


def told(answer: Answer, email: str = "") -> tuple[int, dict[str, str], bytes]:
    """All that an answer tells, less what differs for everybody: the request's id, the address and a random id."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Date"}}
    body = answer.content.replace(email.encode(), b"<email>") if email else answer.content
    own_id = answer.json().get("user_id")
    return answer.status_code, headers, body.replace(own_id.encode(), b"<id>") if own_id else body


def statements(world: World, step: str, email: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        start(world, step, email)
    return len(captured)


@pytest.fixture
def concealed() -> World:
    return populated(concealment=True)


@pytest.fixture
def plain() -> World:
    return populated(concealment=False)


class TestConcealed:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_tells_the_same_about_everybody(self, concealed: World, step: str) -> None:
        answers = {repr(told(start(concealed, step, email), email)) for email in PEOPLE}
        assert len(answers) == 1

    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_does_the_same_work_for_everybody(self, concealed: World, step: str) -> None:
        statements(concealed, step, "warm@x.test")
        assert len({statements(concealed, step, email) for email in PEOPLE}) == 1

    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_gives_the_address_back_as_it_was_submitted(self, concealed: World, step: str) -> None:
        for email in PEOPLE:
            submitted = email.title()
            assert start(concealed, step, submitted).json()["email"] == submitted != email

    @pytest.mark.parametrize("step", STEPS)
    def test_a_start_never_names_the_id_of_a_known_person(self, concealed: World, step: str) -> None:
        ids = {user_id(concealed, email) for email in PEOPLE}
        answered = {start(concealed, step, email).json()["user_id"] for email in PEOPLE}
        assert len(answered) == len(PEOPLE)
        assert not answered & ids

    @pytest.mark.parametrize(
        ("step", "written_to"),
        [("email-otp-signup", {UNKNOWN, KNOWN, UNVERIFIED}), ("email-otp-login", {KNOWN, UNVERIFIED})],
    )
    def test_the_worker_writes_to_those_who_may_have_a_code(
        self, concealed: World, step: str, written_to: set[str]
    ) -> None:
        for email in PEOPLE:
            start(concealed, step, email)
        assert {email for email in PEOPLE if concealed.mailbox(email)} == written_to

    def test_a_start_creates_nobody(self, concealed: World) -> None:
        for step in STEPS:
            start(concealed, step, UNKNOWN)
        concealed.mailbox(UNKNOWN)
        assert identifier(concealed, UNKNOWN) is None

    def test_the_provisional_id_becomes_the_id_of_the_person_it_creates(self, concealed: World) -> None:
        provisional = concealed.sign_up(UNKNOWN).json()["user_id"]
        assert concealed.sign_up(UNKNOWN).json()["user_id"] == provisional
        assert concealed.verify(UNKNOWN, concealed.code(UNKNOWN)).json()["user_id"] == provisional
        assert user_id(concealed, UNKNOWN) == provisional

    @pytest.mark.parametrize("email", [KNOWN, UNVERIFIED])
    @pytest.mark.parametrize("step", STEPS)
    def test_who_is_known_keeps_the_id_whichever_way_they_started(
        self, concealed: World, step: str, email: str
    ) -> None:
        before = user_id(concealed, email)
        start(concealed, step, email)
        assert concealed.verify(email, concealed.code(email)).json()["user_id"] == before

    def test_every_refused_code_gets_the_same_answer(self, concealed: World) -> None:
        """Wrong, too often wrong, expired, used, never asked for: of four kinds of people one body."""
        answers = {repr(told(concealed.verify(email, "000000"))) for email in PEOPLE}
        for step in STEPS:
            for email in PEOPLE:
                start(concealed, step, email)
            answers |= {repr(told(concealed.verify(email, wrong(concealed, email)))) for email in PEOPLE * 6}
            end_codes(concealed)
        for email in (UNKNOWN, KNOWN, UNVERIFIED):
            answers |= {repr(told(answer)) for answer in (used(concealed, email), expired(concealed, email))}
        assert len(answers) == 1
        assert answers.pop().startswith("(400,")

    def test_a_wrong_code_costs_the_same_work_for_everybody(self, concealed: World) -> None:
        work = set()
        for email in PEOPLE:
            concealed.sign_up(email)
            guess = wrong(concealed, email)
            with CaptureQueriesContext(connection) as captured:
                concealed.verify(email, guess)
            work.add(len(captured))
        assert len(work) == 1

    def test_a_right_code_of_somebody_disabled_since_is_a_wrong_one(self, concealed: World) -> None:
        concealed.log_in(KNOWN)
        code, guess = concealed.code(KNOWN), concealed.wrong_code(KNOWN)
        disable(concealed, KNOWN)
        as_wrong = told(concealed.verify(KNOWN, guess))
        assert told(concealed.verify(KNOWN, code)) == as_wrong
        disable(concealed, KNOWN, now=False)
        assert told(concealed.verify(KNOWN, code)) == as_wrong, "the code was consumed"

    def test_the_first_right_code_verifies_an_unverified_sign_up(self, concealed: World) -> None:
        assert not is_verified(concealed, UNVERIFIED)
        concealed.log_in(UNVERIFIED)
        assert concealed.verify(UNVERIFIED, concealed.code(UNVERIFIED)).status_code == 200
        assert is_verified(concealed, UNVERIFIED)


class TestNotConcealed:
    @pytest.mark.parametrize(
        ("step", "answers"),
        [
            ("email-otp-signup", [201, (409, "user_exists"), 201, (409, "user_exists")]),
            ("email-otp-login", [(404, "user_not_found"), 200, 200, (403, "user_disabled")]),
        ],
    )
    def test_a_start_tells_who_is_there_and_writes_to_whom_it_says(
        self, plain: World, step: str, answers: list[int | tuple[int, str]]
    ) -> None:
        for email, expected in zip(PEOPLE, answers, strict=True):
            answer = start(plain, step, email)
            if isinstance(expected, int):
                assert answer.status_code == expected
                assert answer.json() == {"user_id": user_id(plain, email), "email": email}
                assert len(plain.mailbox(email)) == 1
            else:
                assert (answer.status_code, answer.json()["error"]) == expected
                assert plain.mailbox(email) == []

    def test_a_sign_up_has_one_id_however_often_it_is_repeated(self, plain: World) -> None:
        ids = {plain.sign_up(UNKNOWN).json()["user_id"] for _ in range(3)}
        ids.add(plain.verify(UNKNOWN, plain.code(UNKNOWN)).json()["user_id"])
        assert len(ids) == 1

    def test_a_right_code_of_somebody_disabled_since_says_so_and_is_consumed(self, plain: World) -> None:
        plain.log_in(KNOWN)
        code = plain.code(KNOWN)
        disable(plain, KNOWN)
        answer = plain.verify(KNOWN, code)
        assert (answer.status_code, answer.json()["error"]) == (403, "user_disabled")
        disable(plain, KNOWN, now=False)
        assert plain.verify(KNOWN, code).json()["error"] == "invalid_otp"

    def test_the_first_right_code_verifies_a_sign_up(self, plain: World) -> None:
        plain.sign_up(UNKNOWN)
        assert not is_verified(plain, UNKNOWN)
        assert plain.verify(UNKNOWN, wrong(plain, UNKNOWN)).status_code == 400
        assert not is_verified(plain, UNKNOWN)
        plain.verify(UNKNOWN, plain.code(UNKNOWN))
        assert is_verified(plain, UNKNOWN)
        assert plain.sign_up(UNKNOWN).status_code == 409

    def test_every_refused_code_gets_the_same_answer(self, plain: World) -> None:
        answers = {repr(told(plain.verify(email, "000000"))) for email in PEOPLE}
        for email in (KNOWN, UNVERIFIED):
            plain.log_in(email)
            refused = plain.verify(email, wrong(plain, email)), used(plain, email), expired(plain, email)
            answers |= {repr(told(answer)) for answer in refused}
        assert len(answers) == 1
        assert answers.pop().startswith("(400,")


@pytest.mark.parametrize("concealment", [True, False])
class TestSignUpClosed:
    def test_everybody_is_refused_alike_and_before_any_look(self, concealment: bool) -> None:
        world = populated(concealment=concealment, sign_up_open=False)
        world.sign_up("warm@x.test")
        answers = {repr(told(world.sign_up(email))) for email in PEOPLE}
        assert len(answers) == 1
        assert world.sign_up(UNKNOWN).status_code == 403
        assert world.sign_up(UNKNOWN).json()["error"] == "sign_up_closed"
        assert [statements(world, "email-otp-signup", email) for email in PEOPLE] == [1] * 4, "only for the key"
        assert not any(world.mailbox(email) for email in PEOPLE)

    def test_who_is_known_still_signs_in(self, concealment: bool) -> None:
        world = populated(concealment=concealment, sign_up_open=False)
        world.log_in(KNOWN)
        assert world.verify(KNOWN, world.code(KNOWN)).status_code == 200

    def test_a_sign_up_begun_before_creates_nobody(self, concealment: bool) -> None:
        world = populated(concealment=concealment)
        world.sign_up(UNKNOWN)
        code = world.code(UNKNOWN)
        world.environment.sign_up_open = False
        world.environment.save()
        answer = world.verify(UNKNOWN, code)
        assert answer.status_code == (400 if concealment else 200), "unconcealed, the sign-up had made the person"
        assert (identifier(world, UNKNOWN) is None) is concealment


def live_code(world: World, email: str) -> str:
    """The code of a live challenge, also of one that no message went out for."""
    return Challenge.objects.for_environment(world.environment).get(identifier=email, nonce__isnull=False).code()


def wrong(world: World, email: str) -> str:
    right = live_code(world, email)
    return str((int(right) + 1) % 10 ** len(right)).zfill(len(right))


def used(world: World, email: str) -> Answer:
    world.log_in(email) if identifier(world, email) else world.sign_up(email)
    code = live_code(world, email)
    assert world.verify(email, code).status_code == 200
    return world.verify(email, code)


def expired(world: World, email: str) -> Answer:
    world.log_in(email)
    code = live_code(world, email)
    expire_codes(world)
    return world.verify(email, code)
