"""Satellite: whoever may ask for a code, and that everybody hears the same."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.challenges.models import Challenge
from apps.delivery.models import Message
from apps.users.models import EndUser
from tests.dialects.satellite_app import satellite
from tests.world import deliver_due

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


class TestOtpSend:
    @pytest.mark.parametrize("concealment", [True, False])
    def test_everybody_gets_the_same_answer_in_both_modes(self, concealment: bool) -> None:
        app = satellite(concealment=concealment, sign_up_open=False)
        app.world.environment.sign_up_open = True
        app.world.environment.save()
        for email in (ADA, BOB):
            app.signed_in(email)
        EndUser.objects.filter(identifiers__value=BOB).update(disabled_at=timezone.now())
        app.world.environment.sign_up_open = False
        app.world.environment.save()
        deliver_due()
        before = len(app.world.mailbox(ADA))
        for email in (ADA, BOB, "nobody@example.com"):
            answer = app.send({"email": email})
            assert (answer.status_code, answer.json()) == (200, {"data": {"email": email}, "meta": []})
        sent = {email: len(app.world.mailbox(email)) for email in (ADA, BOB, "nobody@example.com")}
        assert sent == {ADA: before + 1, BOB: 1, "nobody@example.com": 0}

    def test_new_people_get_a_code_where_they_are_allowed(self) -> None:
        app = satellite(concealment=False)
        app.send({"email": ADA})
        assert not EndUser.objects.for_environment(app.world.environment).exists(), "nobody is made before a proof"
        assert app.password(ADA, app.world.code(ADA)).status_code == 200

    def test_nobody_new_gets_in_where_they_are_not(self) -> None:
        app = satellite(sign_up_open=False)
        app.send({"email": ADA})
        challenge = Challenge.objects.for_environment(app.world.environment).get()
        assert app.password(ADA, challenge.code()).json()["error"] == "invalid_grant"
        assert not EndUser.objects.for_environment(app.world.environment).exists()

    @pytest.mark.parametrize("email", ["Ada@Example.COM", " ada@example.com "])
    def test_it_echoes_what_was_sent_and_not_what_is_stored(self, email: str) -> None:
        app = satellite()
        assert app.send({"email": email}).json()["data"] == {"email": email}
        assert app.world.mailbox(ADA)

    @pytest.mark.parametrize("body", [{"phone": "02345678901234"}, {"phone": "junk"}, {"email": "junk"}])
    def test_what_nothing_can_be_sent_to_is_answered_alike(self, body: dict[str, str]) -> None:
        app = satellite()
        answer = app.send(body)
        assert (answer.status_code, answer.json()) == (200, {"data": body, "meta": []})
        assert not Message.objects.for_environment(app.world.environment).exists()

    @pytest.mark.parametrize(
        "body", [{}, {"email": ADA, "phone": "+14155550123"}, {"email": ""}, {"email": None}, {"phone": 2345678901234}]
    )
    def test_it_needs_one_address_of_one_kind(self, body: dict[str, Any]) -> None:
        answer = satellite().send(body)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    def test_it_has_to_be_switched_on(self) -> None:
        app = satellite()
        app.world.environment.otp_send = False
        app.world.environment.save()
        answer = app.send({"email": ADA})
        assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
        assert "switched off" in answer.json()["error_description"]
        assert not Message.objects.for_environment(app.world.environment).exists()

    def test_whoever_asks_too_soon_is_told_to_wait(self) -> None:
        app = satellite(resend_after=30)
        assert app.send({"email": ADA}).status_code == 200
        answer = app.send({"email": ADA})
        assert (answer.status_code, answer.json()["error"]) == (429, "rate_limited")
        assert 1 <= int(answer["Retry-After"]) <= 30

    def test_an_app_key_is_enough_and_nothing_is_where_that_is_allowed(self) -> None:
        app = satellite()
        assert app.post("otp/send", {"email": ADA}, APP_KEY=app.world.app_key).status_code == 200
        refused = app.post("otp/send", {"email": ADA})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        app.world.environment.allows_keyless_clients = True
        app.world.environment.save()
        assert app.post("otp/send", {"email": ADA}).status_code == 200

    def test_a_form_does_as_well(self) -> None:
        app = satellite()
        answer = app.form("otp/send", {"email": ADA}, Authorization=f"Bearer {app.own_token()}")
        assert answer.json() == {"data": {"email": ADA}, "meta": []}

    def test_no_other_token_will_do(self) -> None:
        app = satellite()
        tokens = app.signed_in(ADA)
        own = app.own_token()
        others = [tokens["access_token"], tokens["refresh_token"], app.world.messages_key, "junk", own + "x", "é.é.é"]
        others.append(satellite().own_token())
        for bearer in others:
            answer = app.send({"email": ADA}, bearer=bearer)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
            assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        by_basic = app.post("otp/send", {"email": ADA}, Authorization=app.basic)
        assert (by_basic.status_code, by_basic.json()["error"]) == (401, "invalid_client")
        assert by_basic["WWW-Authenticate"] == "Bearer"
        app.row.revoked_at = timezone.now()
        app.row.save()
        assert app.send({"email": ADA}, bearer=own).json()["error"] == "invalid_token"
