"""Mailed links: what following one does, what it does not, and whose password it is afterwards."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.utils import timezone

from apps.audit.models import Event
from apps.challenges.models import Challenge
from apps.users.models import EndUser
from tests.at_once import at_once
from tests.passwordless.password_world import ADA, P, PasswordWorld, Q, R, follow, look, password_world, token
from tests.world import World

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def concealed() -> PasswordWorld:
    return password_world()


@pytest.fixture
def plain() -> PasswordWorld:
    return password_world(concealment=False)


def live(world: World) -> Challenge:
    return Challenge.objects.for_environment(world.environment).get(nonce__isnull=False)


def changes(world: World) -> int:
    return Event.objects.for_environment(world.environment).filter(kind=Event.Kind.PASSWORD_CHANGED).count()


def wrong(link: str) -> str:
    digits = link[-6:]
    return link[:-6] + str((int(digits) + 1) % 10**6).zfill(6)


class TestConfirming:
    def test_a_concealed_sign_up_becomes_a_person_with_its_password_and_provisional_id(
        self, concealed: PasswordWorld
    ) -> None:
        provisional = concealed.sign_up_with().json()["user_id"]
        assert concealed.identifier() is None
        assert follow(concealed.link()).status_code == 200
        answer = concealed.log_in_with().json()
        assert (answer["user_id"], answer["email_verification"]) == (provisional, "verified")

    def test_it_proves_the_address_of_who_is_there_and_keeps_password_and_sessions(self, plain: PasswordWorld) -> None:
        user_id = plain.sign_up_with(is_verification=True).json()["user_id"]
        session = plain.log_in_with().json()["refresh_token"]
        assert follow(plain.link()).status_code == 200
        answer = plain.log_in_with().json()
        assert (answer["user_id"], answer["email_verification"]) == (user_id, "verified")
        assert plain.refresh(session).status_code == 200

    def test_looking_changes_nothing_however_often(self, concealed: PasswordWorld) -> None:
        concealed.sign_up_with()
        link = concealed.link()
        before = Challenge.objects.filter(id=live(concealed).id).values().get()
        assert {look(link).status_code for _ in range(10)} == {200}
        assert Challenge.objects.filter(id=before["id"]).values().get() == before
        assert concealed.identifier() is None

    def test_another_password_can_be_chosen_on_the_page(self, concealed: PasswordWorld) -> None:
        concealed.sign_up_with(P)
        assert follow(concealed.link(), password=Q).status_code == 200
        assert concealed.has_password(Q)
        assert not concealed.has_password(P)

    def test_a_sign_up_begun_before_it_was_closed_creates_nobody(self, concealed: PasswordWorld) -> None:
        concealed.sign_up_with()
        link = concealed.link()
        concealed.change(sign_up_open=False)
        assert follow(link).status_code == 404
        assert concealed.identifier() is None

    def test_the_digest_is_nowhere_once_the_link_is_used_or_has_expired(self, concealed: PasswordWorld) -> None:
        for email in ("ada@example.com", "bob@example.com"):
            concealed.sign_up_with(P, email)
        follow(concealed.link(ADA))
        challenges = Challenge.objects.for_environment(concealed.environment)
        assert challenges.exclude(password_digest="").count() == 1
        challenges.update(expires_at=timezone.now())
        Challenge.objects.end_expired()
        assert not challenges.exclude(password_digest="").exists()


class TestResetting:
    def test_it_sets_the_password_and_ends_every_session(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        sessions = [plain.log_in_with().json(), plain.log_in_with().json()]
        plain.ask_for_reset()
        assert follow(plain.link(), password=Q).status_code == 200
        assert [plain.refresh(session["refresh_token"]).status_code for session in sessions] == [400, 400]
        assert [plain.get("userinfo", bearer=session["access_token"]).status_code for session in sessions] == [401, 401]
        assert plain.has_password(Q)
        assert not plain.has_password(P)
        assert changes(plain) == 1

    def test_it_gives_a_password_to_who_had_none(self, concealed: PasswordWorld) -> None:
        concealed.signed_in(ADA)
        concealed.ask_for_reset()
        assert follow(concealed.link(), password=Q).status_code == 200
        assert concealed.has_password(Q)

    def test_it_proves_the_address(self, plain: PasswordWorld) -> None:
        plain.sign_up_with()
        plain.ask_for_reset()
        assert follow(plain.link(), password=Q).status_code == 200
        assert plain.log_in_with(Q).json()["email_verification"] == "verified"

    def test_it_ends_the_delay_after_wrong_passwords(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        later = timezone.now() + timedelta(minutes=15)
        EndUser.objects.filter(id=plain.person().id).update(password_failures=20, password_refused_until=later)
        plain.ask_for_reset()
        follow(plain.link(), password=Q)
        assert plain.has_password(Q)

    @pytest.mark.parametrize("password", ["", "short", "password1", "x" * 129])
    def test_a_refused_password_uses_nothing_up(self, plain: PasswordWorld, password: str) -> None:
        plain.confirmed()
        plain.ask_for_reset()
        link = plain.link()
        answer = follow(link, password=password)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        assert plain.has_password(P)
        assert follow(link, password=Q).status_code == 200

    def test_it_needs_a_password(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        plain.ask_for_reset()
        assert follow(plain.link()).status_code == 422
        assert plain.has_password(P)

    def test_it_is_good_for_nothing_for_who_was_disabled_since(self) -> None:
        for concealment in (True, False):
            world = password_world(concealment=False)
            world.confirmed()
            world.change(concealment=concealment)
            world.ask_for_reset()
            link = world.link()
            EndUser.objects.filter(id=world.person().id).update(disabled_at=timezone.now())
            assert follow(link, password=Q).status_code == 404
            EndUser.objects.filter(id=world.person().id).update(disabled_at=None)
            assert world.has_password(P)

    def test_a_login_at_the_same_moment_leaves_no_session_of_the_old_password(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        plain.ask_for_reset()
        link, rows = plain.link(), EndUser.objects.for_environment(plain.environment)
        answers = at_once(
            10, lambda number: follow(link, password=Q) if number == 5 else plain.log_in_with(P), behind=rows
        )
        assert answers[5].status_code == 200
        opened = [answer.json()["refresh_token"] for answer in answers if "refresh_token" in answer.content.decode()]
        assert not [token for token in opened if plain.refresh(token).status_code == 200]


class TestWhatIsNoLink:
    def test_all_that_are_none_get_one_page(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        used = plain.link()
        plain.ask_for_reset()
        expired = plain.link()
        Challenge.objects.for_environment(plain.environment).update(expires_at=timezone.now())
        elsewhere = password_world()
        elsewhere.sign_up_with()
        foreign = elsewhere.link().replace(elsewhere.root, plain.root)
        place = f"{plain.environment.issuer}/confirm-email"
        nowhere = place.replace(plain.environment.project_id.hex, "0" * 32)
        links = [used, expired, foreign, place, f"{place}?token=", f"{place}?token=x.1", f"{place}?token=%00"]
        links += [f"{place}?token={'x' * 5000}", f"{place}?token={token(used)}&token=y", f"{nowhere}?token=x"]
        answers = [look(link) for link in links]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.content for answer in answers}) == 1
        pressed = [follow(link, password=Q) for link in (used, expired, foreign)]
        assert {answer.status_code for answer in pressed} == {404}
        assert {answer.content for answer in pressed} == {answers[0].content}

    def test_a_link_of_one_kind_and_a_code_are_no_good_for_another(self, plain: PasswordWorld) -> None:
        plain.sign_up_with(is_verification=True)
        confirmation = plain.link()
        plain.ask_for_reset()
        reset = plain.link()
        plain.log_in(ADA)
        code = plain.code(ADA)
        swapped = [
            confirmation.replace("confirm-email", "reset-password"),
            reset.replace("reset-password", "confirm-email"),
            f"{confirmation.rpartition('.')[0]}.{code}",
            f"{reset.rpartition('.')[0]}.{code}",
        ]
        assert [follow(link, password=Q).status_code for link in swapped] == [404] * 4
        for link in (confirmation, reset):
            assert plain.verify(ADA, link[-6:]).status_code == 400
        assert plain.has_password(P)

    def test_a_handle_of_a_sign_in_is_no_link(self, plain: PasswordWorld) -> None:
        plain.change(allows_keyless_clients=True)
        plain.confirmed()
        answer = plain.post("login/otp", {"identifier": ADA}, app_key="")
        assert answer.status_code == 200
        made_up = f"{plain.environment.issuer}/reset-password?token={answer.json()['otp_id']}.{plain.code(ADA)}"
        assert look(made_up).status_code == 404
        assert follow(made_up, password=Q).status_code == 404

    def test_wrong_codes_use_its_tries_up(self, concealed: PasswordWorld) -> None:
        concealed.sign_up_with()
        link = concealed.link()
        assert [follow(wrong(link)).status_code for _ in range(5)] == [404] * 5
        assert live(concealed).tries == [0, 5]
        assert look(link).status_code == 404
        assert follow(link).status_code == 404
        assert concealed.identifier() is None

    def test_of_many_who_follow_one_at_once_one_does(self, concealed: PasswordWorld) -> None:
        concealed.sign_up_with()
        link = concealed.link()
        rows = Challenge.objects.for_environment(concealed.environment)
        answers = at_once(20, lambda _number: follow(link), behind=rows)
        assert sorted(answer.status_code for answer in answers) == [200] + [404] * 19
        assert EndUser.objects.for_environment(concealed.environment).count() == 1

    def test_a_newer_link_goes_on_with_the_same_challenge(self, plain: PasswordWorld) -> None:
        plain.confirmed()
        plain.ask_for_reset()
        first = plain.link()
        plain.ask_for_reset()
        second = plain.link()
        assert first != second
        assert follow(first, password=Q).status_code == 200
        assert follow(second, password=R).status_code == 404
        assert plain.has_password(Q)


class TestWhoseAddressItIs:
    """Anybody can sign anybody's address up. What they leave there must not be worth anything to them later."""

    def test_the_first_code_removes_the_password_and_the_sessions_of_an_unproved_sign_up(
        self, plain: PasswordWorld
    ) -> None:
        plain.sign_up_with(P)
        stolen = plain.log_in_with(P).json()
        plain.log_in(ADA)
        assert plain.verify(ADA, plain.code(ADA)).status_code == 200
        assert not plain.has_password(P)
        assert plain.refresh(stolen["refresh_token"]).status_code == 400
        assert plain.get("userinfo", bearer=stolen["access_token"]).status_code == 401

    def test_the_first_reset_removes_them_too(self, plain: PasswordWorld) -> None:
        plain.sign_up_with(P)
        stolen = plain.log_in_with(P).json()["refresh_token"]
        plain.ask_for_reset()
        follow(plain.link(), password=Q)
        assert not plain.has_password(P)
        assert plain.refresh(stolen).status_code == 400

    def test_a_login_at_the_moment_of_the_first_proof_leaves_no_session(self, plain: PasswordWorld) -> None:
        plain.sign_up_with(P)
        plain.log_in(ADA)
        code, rows = plain.code(ADA), EndUser.objects.for_environment(plain.environment)
        answers = at_once(
            10, lambda number: plain.verify(ADA, code) if number == 5 else plain.log_in_with(P), behind=rows
        )
        assert answers[5].status_code == 200
        theirs = [answer.json() for number, answer in enumerate(answers) if number != 5 and answer.status_code == 200]
        assert not [one for one in theirs if plain.refresh(one["refresh_token"]).status_code == 200]
        assert not plain.has_password(P)

    def test_a_code_first_makes_the_waiting_password_worthless(self, concealed: PasswordWorld) -> None:
        """The stranger's link is in the owner's mailbox; whatever the owner does with it, P opens nothing."""
        concealed.sign_up_with(P)
        link = concealed.link()
        concealed.signed_in(ADA)
        assert "There is an account with this address already" in look(link).content.decode()
        follow(link)
        assert not concealed.has_password(P)

    def test_the_page_says_that_a_password_was_chosen_and_lets_the_owner_choose_another(
        self, concealed: PasswordWorld
    ) -> None:
        concealed.sign_up_with(P)
        assert "and a password. If that was you" in concealed.mailbox(ADA)[0]["text"]
        page = look(concealed.link()).content.decode()
        assert "Somebody signed this address up at Shop and chose a password." in page
        assert "Choose another password" in page

    def test_a_sign_up_of_somebody_known_never_touches_their_password(self, concealed: PasswordWorld) -> None:
        concealed.confirmed(ADA, P)
        concealed.sign_up_with(Q)
        link = concealed.link()
        assert "There is an account with this address already" in look(link).content.decode()
        assert follow(link).status_code in (200, 422)
        assert concealed.has_password(P)
        assert not concealed.has_password(Q)

    @pytest.mark.parametrize("minutes", [0, 6, 60])
    def test_of_two_sign_ups_neither_password_counts_and_the_owner_chooses(
        self, concealed: PasswordWorld, minutes: int
    ) -> None:
        """While the first link is good, once it would not be carried on any more, and after it has expired."""
        concealed.sign_up_with(P)
        first, back = concealed.link(), timedelta(minutes=minutes)
        challenge = live(concealed)
        moved = {name: getattr(challenge, name) - back for name in ("created_at", "last_sent_at", "expires_at")}
        moved["renewable_until"] = challenge.renewable_until - back
        Challenge.objects.filter(id=challenge.id).update(**moved)
        concealed.sign_up_with(Q)
        second = concealed.link()
        assert "Choose a password. This confirms the address as well." in look(second).content.decode()
        assert follow(second).status_code == 422
        assert follow(first).status_code in (404, 422)
        assert concealed.identifier() is None
        assert follow(second, password=R).status_code == 200
        assert [concealed.has_password(password) for password in (P, Q, R)] == [False, False, True]

    def test_a_second_sign_up_counts_also_when_it_is_told_to_wait(self) -> None:
        world = password_world(resend_after=600)
        world.sign_up_with(P)
        assert world.sign_up_with(Q).status_code == 429
        assert follow(world.link()).status_code == 422

    def test_a_second_sign_up_counts_also_when_it_is_told_that_the_person_exists(self, plain: PasswordWorld) -> None:
        plain.sign_up_with(P, is_verification=True)
        stolen = plain.log_in_with(P).json()["refresh_token"]
        assert plain.sign_up_with(Q).status_code == 409
        link = plain.link()
        assert follow(link).status_code == 422
        assert follow(link, password=R).status_code == 200
        assert [plain.has_password(password) for password in (P, Q, R)] == [False, False, True]
        assert plain.refresh(stolen).status_code == 400

    def test_who_has_proved_another_identifier_keeps_the_password(self, plain: PasswordWorld) -> None:
        plain.confirmed(ADA, P)
        other = "ada@work.example.com"
        plain.person().identifiers.create(environment=plain.environment, kind="email", value=other)
        plain.log_in(other)
        assert plain.verify(other, plain.code(other)).status_code == 200
        assert plain.has_password(P)


def test_a_link_is_below_the_environments_own_name_whatever_was_asked(plain: PasswordWorld) -> None:
    plain.change(issuer="https://login.example.com/auth/shop")
    plain.post(
        "email-password-signup",
        {"email": ADA, "password": P, "is_verification": True},
        **{"X-Forwarded-Host": "evil.example"},
    )
    link = plain.link()
    assert link.startswith("https://login.example.com/auth/shop/confirm-email?token=")
    assert urlsplit(settings.PUBLIC_URL).netloc not in link
