"""SmallPict: a code becomes an API key of the person's own, once, and nothing is told about anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import Event
from apps.challenges.models import Challenge
from apps.passwordless.api_keys import MOST_LIVE_KEYS
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey
from apps.users.models import EndUser, Identifier
from tests.at_once import at_once
from tests.challenges.clock import live, pass_time
from tests.dialects.plugin import SITE, Plugin, plugin
from tests.world import World, build, client, deliver_due, junk_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"
INVALID_OTP = {"code": "invalid_otp", "message": "The code is wrong or has expired."}


def keys(world: World) -> list[ApiKey]:
    """Of people; the world's own belongs to nobody."""
    return list(ApiKey.objects.for_environment(world.environment).filter(user__isnull=False).order_by("created_at"))


def told(answer: Answer) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


def events(world: World, kind: Event.Kind) -> list[Event]:
    return list(Event.objects.for_environment(world.environment).filter(kind=kind))


def lost_before_the_event(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
    """The database goes away after the key was inserted and before anything was committed."""
    if "audit_event" in sql:
        raise OperationalError("the connection is closed")
    return execute(sql, parameters, many, context)


class TestRequestOtp:
    def test_it_tells_how_long_the_code_lives(self) -> None:
        here = plugin(code_ttl=900)
        sent = {"status": "success", "message": "OTP sent successfully", "expires_in": 900}
        assert told(here.request(ADA, site_url=SITE)) == (200, sent)
        pass_time(here.world, 1300 - 600)
        assert here.request(ADA).json()["expires_in"] == 900, "the same code, carried on"
        pass_time(here.world, 600)
        assert 498 <= here.request(ADA).json()["expires_in"] <= 500, "but never past twice its time"

    @pytest.mark.parametrize("concealment", [True, False])
    def test_it_says_the_same_of_everybody_and_writes_to_whom_it_may(self, concealment: bool) -> None:
        here = plugin(concealment=concealment)
        for email in (ADA, BOB):
            here.world.signed_in(email)
        EndUser.objects.filter(identifiers__value=BOB, environment=here.world.environment).update(
            disabled_at=timezone.now()
        )
        answers = [told(here.request(email)) for email in (ADA, BOB, "new@example.com")]
        assert answers[0] == answers[1] == answers[2]
        deliver_due()
        assert [len(here.world.mailbox(email)) for email in (ADA, BOB, "new@example.com")] == [2, 1, 1]

    @pytest.mark.parametrize("concealment", [True, False])
    def test_a_closed_sign_up_is_silent_as_well(self, concealment: bool) -> None:
        here = plugin(concealment=concealment)
        here.world.signed_in(ADA)
        Environment.objects.filter(id=here.world.environment.id).update(sign_up_open=False)
        assert told(here.request(ADA)) == told(here.request("new@example.com"))
        assert (len(here.world.mailbox(ADA)), len(here.world.mailbox("new@example.com"))) == (2, 0)

    def test_the_mail_is_the_one_for_codes(self) -> None:
        here = plugin()
        here.request(ADA)
        mail = here.world.mailbox(ADA)[0]
        assert mail["code"] in mail["subject"]
        assert "Enter this code to continue" in mail["text"]

    def test_an_environment_may_bound_what_a_day_brings(self) -> None:
        here = plugin(code_requests_per_day=5)
        for _ in range(5):
            assert here.request(ADA).status_code == 200
        refused = here.request(ADA)
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert 86_390 <= int(refused.headers["Retry-After"]) <= 86_400
        assert here.request(BOB).status_code == 200
        # Whatever became of the codes: a wait, or guesses that ended one, make no room.
        pass_time(here.world, 23 * 3600)
        refused = here.request(ADA)
        assert refused.status_code == 429
        assert 3590 <= int(refused.headers["Retry-After"]) <= 3600, "a code that has ended counts as well"
        pass_time(here.world, 3601)
        assert here.request(ADA).status_code == 200

    def test_the_days_bound_leaves_other_purposes_alone(self) -> None:
        here = plugin(code_requests_per_day=1)
        assert here.request(ADA).status_code == 200
        assert here.world.sign_up(ADA).status_code == 201
        assert here.request(ADA).status_code == 429

    def test_who_is_too_fast_is_told_to_wait(self) -> None:
        here = plugin(resend_after=30)
        here.request(ADA)
        again = here.request(ADA)
        assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
        assert 29 <= int(again.headers["Retry-After"]) <= 30


class TestVerifyOtp:
    def test_a_right_code_becomes_a_key_of_the_persons_own(self) -> None:
        here = plugin(kind=Environment.Kind.DEVELOPMENT)
        here.request(ADA, site_url=SITE)
        answer = here.verify(ADA, here.world.code(ADA), site_url=SITE)
        secret = answer.json()["api_key"]
        made = {"status": "success", "api_key": secret, "message": "Authentication successful"}
        assert told(answer) == (200, made)
        (key,) = keys(here.world)
        assert secret.startswith("sp_test_")
        assert secret[-4:] == key.last_four
        assert (key.site_url, key.name, key.scopes) == (SITE, "blog.example.com", ["account"])
        assert key.user_id == Identifier.objects.get(environment=here.world.environment, value=ADA).user_id
        (event,) = events(here.world, Event.Kind.API_KEY_CREATED)
        assert (event.user_id, event.client_id) == (key.user_id, key.client_id)
        assert event.facts == {"key": str(key.id), "by": "code"}

    def test_the_key_has_the_environments_own_prefix_and_its_mode(self) -> None:
        environment = plugin(api_key_prefix="pix").world.environment
        assert f"{environment.api_key_prefix}_{environment.key_mode}" == "pix_test"
        environment.kind = Environment.Kind.PRODUCTION
        assert ApiKey.objects.mint(environment, name="Live", scopes=[])[1].startswith("pix_live_")

    def test_the_key_acts_for_its_owner(self) -> None:
        here = plugin()
        user_id = here.world.signed_in(ADA)["user_id"]
        secret = here.key(ADA)
        answer = here.world.get("userinfo", bearer=secret)
        assert told(answer) == (200, {"sub": user_id, "email": ADA, "email_verified": True})
        assert here.world.get("dev/messages", bearer=secret).status_code == 401

    def test_a_new_person_is_made_where_new_people_are_allowed(self) -> None:
        here = plugin()
        here.key(ADA)
        assert Identifier.objects.get(environment=here.world.environment, value=ADA).verified_at is not None

    @pytest.mark.parametrize("concealment", [True, False])
    def test_wrong_unknown_and_disabled_get_one_answer(self, concealment: bool) -> None:
        here = plugin(concealment=concealment)
        for email in (ADA, BOB):
            here.world.signed_in(email)
            here.request(email)
        right = here.world.code(BOB)
        EndUser.objects.filter(identifiers__value=BOB, environment=here.world.environment).update(
            disabled_at=timezone.now()
        )
        answers = [
            here.verify(ADA, here.world.wrong_code(ADA)),
            here.verify(BOB, right),
            here.verify("new@example.com", "123456"),
            here.verify(ADA, "1"),
        ]
        assert [told(answer) for answer in answers] == [(401, INVALID_OTP)] * 4
        assert keys(here.world) == []

    def test_a_code_opens_nothing_twice(self) -> None:
        here = plugin()
        here.request(ADA)
        code = here.world.code(ADA)
        assert here.verify(ADA, code).status_code == 200
        assert told(here.verify(ADA, code)) == (401, INVALID_OTP)
        assert len(keys(here.world)) == 1

    def test_of_many_at_once_one_gets_a_key(self) -> None:
        here = plugin()
        here.world.signed_in(ADA)
        here.request(ADA)
        code = here.world.code(ADA)
        challenges = Challenge.objects.for_environment(here.world.environment).filter(nonce__isnull=False)
        answers = at_once(20, lambda _number: here.verify(ADA, code).status_code, behind=challenges)
        assert sorted(set(answers)) == [200, 401]
        assert answers.count(200) == len(keys(here.world)) == 1

    def test_a_failure_to_mint_leaves_the_code_good(self) -> None:
        """One transaction: what a crash between the two leaves behind is what it found."""
        here = plugin()
        here.request(ADA)
        code = here.world.code(ADA)
        with connection.execute_wrapper(lost_before_the_event):
            assert here.verify(ADA, code).status_code == 503
        assert keys(here.world) == []
        assert here.verify(ADA, code).status_code == 200

    def test_a_code_for_signing_in_is_no_good_here_nor_the_other_way(self) -> None:
        here = plugin(code_length=10)  # So that the two are never the same.
        here.world.sign_up(ADA)
        to_sign_in = here.world.code(ADA)
        here.request(ADA)
        for_a_key = here.world.code(ADA)
        assert told(here.verify(ADA, to_sign_in)) == (401, INVALID_OTP)
        assert here.world.verify(ADA, for_a_key).json()["error"] == "invalid_otp"
        assert here.world.verify(ADA, to_sign_in).status_code == 200
        assert here.verify(ADA, for_a_key).status_code == 200

    def test_the_budget_of_failures_is_one_for_all_dialects(self) -> None:
        here = plugin(max_tries=10)
        here.request(ADA)
        for _ in range(10):
            here.verify(ADA, here.world.wrong_code(ADA))
        for _ in range(4):
            here.world.sign_up(ADA)
            for _ in range(10):
                here.world.verify(ADA, here.world.wrong_code(ADA))
        here.request(ADA)
        assert len(here.world.code(ADA)) == 8

    def test_spent_tries_are_a_wrong_code(self) -> None:
        here = plugin(max_tries=2)
        here.request(ADA)
        right, wrong = here.world.code(ADA), here.world.wrong_code(ADA)
        answers = [told(here.verify(ADA, code)) for code in (wrong, wrong, wrong, right)]
        assert answers == [(401, INVALID_OTP)] * 4

    def test_only_who_knows_an_expired_code_hears_that_it_expired(self) -> None:
        here = plugin()
        here.request(ADA)
        right, wrong = here.world.code(ADA), here.world.wrong_code(ADA)
        pass_time(here.world, 601)
        expired = {"code": "expired_otp", "message": "The code has expired. Request a new one."}
        assert told(here.verify(ADA, right)) == (401, expired)
        assert told(here.verify(ADA, wrong)) == (401, INVALID_OTP)
        Challenge.objects.end_expired()
        assert told(here.verify(ADA, right)) == (401, INVALID_OTP), "nobody can know it any more"

    def test_a_right_guess_beyond_the_tries_is_not_told_from_a_wrong_one(self) -> None:
        """Also where other guesses spent them between the look and the decision, while the code is still alive."""
        here = plugin(max_tries=1)
        here.request(ADA)
        code, wrong = here.world.code(ADA), here.world.wrong_code(ADA)
        challenge = Challenge.objects.for_environment(here.world.environment).filter(id=live(here.world).id)
        answers = at_once(10, lambda number: told(here.verify(ADA, code if number == 9 else wrong)), behind=challenge)
        assert [answer for answer in answers if answer[0] != 200] == [(401, INVALID_OTP)] * (10 - len(keys(here.world)))

    def test_the_number_of_a_persons_keys_has_a_bound_and_the_least_used_goes_first(self) -> None:
        here = plugin()
        first, second = here.key(ADA), here.key(ADA)
        user_id = Identifier.objects.get(environment=here.world.environment, value=ADA).user_id
        assert here.world.get("userinfo", bearer=first).status_code == 200
        for number in range(MOST_LIVE_KEYS - 2):
            ApiKey.objects.mint(here.world.environment, name=f"Key {number}", scopes=[], user_id=user_id)
        others = here.key(BOB)
        latest = here.key(ADA)
        working = [here.world.get("userinfo", bearer=key).status_code for key in (first, second, latest, others)]
        assert working == [200, 401, 200, 200]
        assert ApiKey.objects.of_person(here.world.environment, user_id).usable().count() == MOST_LIVE_KEYS
        (event,) = events(here.world, Event.Kind.API_KEY_REVOKED)
        assert event.facts == {"key": str(keys(here.world)[1].id), "reason": "superseded"}


class TestSiteUrl:
    @pytest.mark.parametrize(
        "site_url",
        [
            "http://localhost:8080/wp",
            "HTTPS://Blog.Example.com",
            "https://xn--bcher-kva.example/a?b=c#d",
            "https://bücher.example",
            "https://[2001:db8::1]/",
            "https://blog.example.com/@ada",
            "https://e.com/" + "x" * 486,
        ],
    )
    def test_a_web_address_is_kept_as_it_was_said(self, site_url: str) -> None:
        here = plugin()
        here.key(ADA, site_url=site_url)
        assert keys(here.world)[0].site_url == site_url

    @pytest.mark.parametrize("site_url", ["", None])
    def test_an_empty_one_counts_as_left_out_at_both_steps(self, site_url: str | None) -> None:
        here = plugin()
        assert here.request(ADA, site_url=site_url).status_code == 200
        assert here.verify(ADA, here.world.code(ADA), site_url=site_url).status_code == 200
        assert keys(here.world)[0].site_url == ""

    @pytest.mark.parametrize(
        "site_url",
        [
            " ",
            "blog",
            "//blog.example.com",
            "javascript:alert(1)",
            "javascript://blog.example.com/%0Aalert(1)",
            "ftp://blog.example.com",
            "https://",
            "https://user:secret@blog.example.com",
            "https://user@blog.example.com",
            "https://blog.example.com/ x",
            "https://blog.example.com/\u202egpj",
            "https://blog.example.com/\u200b",
            "https://[::1",
            "https://blog.example.com:99999999",
            "https://e.com/" + "x" * 487,
        ],
    )
    def test_what_is_none_is_refused_at_both_steps(self, site_url: str) -> None:
        here = plugin()
        here.request(ADA)
        code = here.world.code(ADA)
        for answer in (here.request(ADA, site_url=site_url), here.verify(ADA, code, site_url=site_url)):
            assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert here.verify(ADA, code).status_code == 200


class TestCallers:
    def test_an_application_key_is_needed_where_keyless_clients_are_not_allowed(self) -> None:
        world = build()
        assert told(Plugin(world).request(ADA))[0] == 401
        for key, status in ((world.app_key, 200), (junk_key(), 401)):
            answer = world.post("plugin/auth/request-otp", {"email": ADA}, app_key=key)
            assert answer.status_code == status
        assert answer.json()["code"] == "invalid_api_key"

    @pytest.mark.parametrize("path", ["internal/auth/login", "internal/", "internal/plugin/auth/request-otp"])
    def test_internal_routes_are_not_there(self, path: str) -> None:
        world = plugin().world
        for root in (world.root, f"/v1/apps/{world.environment.id.hex}", "", "/v1"):
            for method in ("get", "post"):
                answer = getattr(client(), method)(f"{root}/{path}")
                assert (answer.status_code, answer.json()["error"]) == (404, "not_found")

    def test_both_roots_serve_it_with_and_without_a_slash(self) -> None:
        world = plugin().world
        for root in (world.root, f"/v1/apps/{world.environment.id.hex}"):
            for slash in ("", "/"):
                url = f"{root}/plugin/auth/request-otp{slash}"
                answer = client().post(url, {"email": ADA}, content_type="application/json")
                assert answer.status_code == 200

    def test_a_caller_is_told_to_wait_when_the_minute_is_spent(self) -> None:
        here = plugin(requests_per_minute=2)
        answers = [here.verify(ADA, "123456") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [401, 401, 429]
        assert answers[-1].json()["code"] == "rate_limited"
        assert int(answers[-1].headers["Retry-After"]) >= 1


class TestSpeed:
    """How many SQL statements each step costs, BEGIN and COMMIT included."""

    def cost(self, step: Callable[[], Answer]) -> int:
        with CaptureQueriesContext(connection) as captured:
            step()
        return len(captured.captured_queries)

    def test_no_step_costs_more_than_it_needs(self) -> None:
        here = plugin()
        here.key("warm@example.com")
        assert self.cost(lambda: here.request(ADA)) <= 5
        code = here.world.code(ADA)
        assert self.cost(lambda: here.verify(ADA, code)) <= 11, "which makes the person as well"
        here.request(ADA)
        code, wrong = here.world.code(ADA), here.world.wrong_code(ADA)
        assert self.cost(lambda: here.verify(ADA, wrong)) <= 3
        assert self.cost(lambda: here.verify(ADA, code)) <= 10
