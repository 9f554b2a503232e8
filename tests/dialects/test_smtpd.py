"""SMTPD's tokens by name and secret, with its own shapes, codes and statuses."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from apps.tenants.models import Environment
from apps.users.models import EndUser
from tests.dialects import bad_values
from tests.dialects.smtpd_account import BAD_REFRESH, INCORRECT, account, basic, bearer, claims, refused, told
from tests.tokens.aging import pass_time
from tests.world import build, client, junk_key

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


class TestPasswordGrant:
    def test_a_right_code_gets_tokens_in_the_vendors_shape(self) -> None:
        here = account()
        answer = here.token(headers=basic(ADA, here.code(ADA)))
        body = answer.json()
        assert answer.status_code == 200
        assert list(body) == ["token_type", "access_token", "expires_at", "Scope", "refresh_token"]
        assert (body["token_type"], body["Scope"]) == ("bearer", ["account"])
        assert body["expires_at"] == claims(body["access_token"])["exp"] * 1000
        assert body["expires_at"] - time.time() * 1000 == pytest.approx(3_600_000, abs=10_000)
        assert answer.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("way", ["basic", "json", "form", "form with the grant in it", "json with the grant in it"])
    def test_the_credentials_may_come_in_each_of_the_ways(self, way: str) -> None:
        here = account()
        sent = {"username": ADA, "password": here.code(ADA)}
        with_grant = {**sent, "grant_type": "password"}
        answers = {
            "basic": lambda: here.token(headers=basic(user=ADA, password=sent["password"])),
            "json": lambda: here.token(sent),
            "form": lambda: here.token(urlencode(sent)),
            "form with the grant in it": lambda: here.send("POST", "oauth/token", urlencode(with_grant)),
            "json with the grant in it": lambda: here.send("POST", "oauth/token", with_grant),
        }
        assert answers[way]().status_code == 200

    def test_the_header_may_be_called_authentication(self) -> None:
        here = account()
        value = basic(ADA, here.code(ADA))["Authorization"]
        body = here.token(headers={"Authentication": value}).json()
        assert here.me({"Authentication": f"Bearer {body['access_token']}"}).status_code == 200
        both = {"Authentication": f"Bearer {body['access_token']}", **bearer(body["access_token"])}
        assert here.me(both).status_code == 200
        assert refused(here.me({**both, **basic(ADA, "other")})) == (400, 40001)

    def test_extra_claims_stand_beside_the_standard_ones(self) -> None:
        here = account()
        user_id = here.world.signed_in(ADA)["user_id"]
        found = claims(here.signed_in(ADA)["access_token"])
        extra = {"id": user_id, "account_id": user_id, "name": "", "subject": ADA, "is_account_verified": True}
        assert {name: found[name] for name in extra} == extra
        assert found["sub"] == user_id
        assert found["iss"] == here.world.environment.issuer
        assert found["scope"] == "account"
        assert {"exp", "iat", "nbf", "jti", "sid", "client_id", "aud"} <= found.keys()

    def test_wrong_and_unknown_are_one_answer(self) -> None:
        here = account()
        here.code(ADA)
        wrong = here.world.wrong_code(ADA)
        for user, secret in ((ADA, wrong), (ADA, "not a code"), ("nobody@example.com", wrong), ("nobody", "x" * 200)):
            assert told(here.token(headers=basic(user, secret))) == INCORRECT
            assert told(here.token({"username": user, "password": secret})) == INCORRECT

    def test_a_disabled_person_gets_the_same(self) -> None:
        here = account(concealment=False)
        here.world.signed_in(ADA)
        code = here.code(BOB)
        assert here.token(headers=basic(BOB, code)).status_code == 200
        here.world.log_in(ADA)
        code = here.world.code(ADA)
        EndUser.objects.for_environment(here.world.environment).update(disabled_at=timezone.now())
        assert told(here.token(headers=basic(ADA, code))) == INCORRECT

    def test_a_code_for_an_api_key_is_no_password(self) -> None:
        here = account()
        here.world.signed_in(ADA)
        here.world.post("plugin/auth/request-otp", {"email": ADA})
        assert told(here.token(headers=basic(ADA, here.world.code(ADA)))) == INCORRECT

    def test_it_is_refused_where_it_is_switched_off_whatever_the_credentials(self) -> None:
        here = account(password_grant=False)
        answers = [here.token(headers=basic(ADA, secret)) for secret in (here.code(ADA), "wrong")]
        assert [refused(answer) for answer in answers] == [(403, 40301)] * 2
        assert refused(here.refresh("junk")) == (403, 40301)

    def test_switching_it_off_ends_what_it_opened(self) -> None:
        here = account()
        body = here.signed_in(ADA)
        by_key = here.token(headers=basic(here.key(ADA))).json()
        Environment.objects.filter(id=here.world.environment.id).update(password_grant=False)
        assert here.me(bearer(body["access_token"])).status_code == 401
        assert here.me(bearer(by_key["access_token"])).status_code == 401
        assert refused(here.refresh(by_key["refresh_token"])) == (403, 40301)

    def test_an_application_is_asked_for_where_the_environment_wants_one(self) -> None:
        here = account(allows_keyless_clients=False)
        credentials = basic(ADA, here.code(ADA))
        assert refused(here.token(headers=credentials)) == (401, 40101)
        assert refused(here.token(headers={**credentials, "APP-KEY": junk_key()})) == (401, 40101)
        assert here.token(headers={**credentials, "APP-KEY": here.world.app_key}).status_code == 200

    def test_a_new_grant_ends_the_earlier_sessions_of_this_dialect_alone(self) -> None:
        here = account()
        elsewhere = here.world.signed_in(ADA)["refresh_token"]
        other_person = here.signed_in(BOB)["refresh_token"]
        first = here.signed_in(ADA)
        second = here.signed_in(ADA)
        assert told(here.refresh(first["refresh_token"])) == (403, BAD_REFRESH)
        assert here.me(bearer(first["access_token"])).status_code == 401
        assert here.refresh(second["refresh_token"]).status_code == 200
        assert here.refresh(other_person).status_code == 200
        assert here.world.refresh(elsewhere).status_code == 200

    def test_basic_is_not_form_decoded(self) -> None:
        """A name with a plus in it stays what it is, and so does a percent sign."""
        here = account()
        email = "ada+smtpd@example.com"
        assert here.token(headers=basic(email, here.code(email))).status_code == 200
        code = here.code(email)
        assert told(here.token(headers=basic("ada%2Bsmtpd@example.com", code))) == INCORRECT


class TestRefresh:
    def test_it_rotates_and_keeps_the_claims(self) -> None:
        here = account()
        first = here.signed_in(ADA)
        second = here.refresh(first["refresh_token"]).json()
        assert list(second) == list(first)
        assert second["refresh_token"] != first["refresh_token"]
        before, after = claims(first["access_token"]), claims(second["access_token"])
        same = ("sub", "sid", "id", "account_id", "name", "subject", "is_account_verified", "scope", "client_id")
        assert [before[name] for name in same] == [after[name] for name in same]

    def test_a_form_and_an_expired_access_token_beside_it_will_do(self) -> None:
        here = account()
        first = here.signed_in(ADA)
        answer = here.token(urlencode({"refresh_token": first["refresh_token"]}), bearer("a.b.c"), "refresh_token")
        assert answer.status_code == 200

    def test_it_lives_for_thirty_days_and_not_longer(self) -> None:
        here = account(session_idle_ttl=60 * 86_400)
        token = here.signed_in(ADA)["refresh_token"]
        for _ in range(2):
            pass_time(here.world, 14 * 86_400)
            token = here.refresh(token).json()["refresh_token"]
        pass_time(here.world, 2 * 86_400 + 60)
        assert told(here.refresh(token)) == (403, BAD_REFRESH)

    def test_an_old_one_ends_the_session(self) -> None:
        here = account(refresh_grace=0)
        first = here.signed_in(ADA)["refresh_token"]
        second = here.refresh(first).json()["refresh_token"]
        assert told(here.refresh(first)) == (403, BAD_REFRESH)
        assert told(here.refresh(second)) == (403, BAD_REFRESH)

    @pytest.mark.parametrize("token", bad_values.TOKENS, ids=lambda token: ascii(token)[:40])
    def test_junk_is_refused(self, token: str) -> None:
        here = account()
        assert told(here.refresh(token)) == (403, BAD_REFRESH)
        assert told(here.revoke(token)) == (401, BAD_REFRESH)

    def test_tokens_of_other_dialects_and_clients_are_none_of_it(self) -> None:
        here = account()
        theirs = here.world.signed_in(ADA)["refresh_token"]
        ours = here.signed_in(ADA)["refresh_token"]
        assert told(here.refresh(theirs)) == (403, BAD_REFRESH)
        assert told(here.revoke(theirs)) == (401, BAD_REFRESH)
        assert here.world.refresh(ours).status_code == 400
        assert here.world.refresh(theirs).status_code == here.refresh(ours).status_code == 200


class TestRevoke:
    def test_it_ends_the_session_once(self) -> None:
        here = account()
        body = here.signed_in(ADA)
        answer = here.revoke(body["refresh_token"], bearer(body["access_token"]))
        assert told(answer) == (200, {})
        assert here.me(bearer(body["access_token"])).status_code == 401
        assert told(here.revoke(body["refresh_token"])) == (401, BAD_REFRESH)
        assert told(here.refresh(body["refresh_token"])) == (403, BAD_REFRESH)

    def test_an_access_token_that_has_ended_keeps_nobody_from_signing_out(self) -> None:
        here = account()
        body = here.signed_in(ADA)
        assert here.revoke(body["refresh_token"], bearer("a.b.c")).status_code == 200


class TestMe:
    @pytest.mark.parametrize("way", ["token", "key", "key by basic", "another dialect's token"])
    def test_it_tells_what_is_known_of_who_asks(self, way: str) -> None:
        here = account()
        signed_in = here.world.signed_in(ADA)
        ways = {
            "token": lambda: bearer(here.signed_in(ADA)["access_token"]),
            "key": lambda: bearer(here.key(ADA)),
            "key by basic": lambda: basic(here.key(ADA)),
            "another dialect's token": lambda: bearer(signed_in["access_token"]),
        }
        body = here.me(ways[way]()).json()
        created, modified = body.pop("created_at_utc"), body.pop("modified_at_utc")
        assert body == {
            "id": signed_in["user_id"],
            "account_id": signed_in["user_id"],
            "email_address": ADA,
            "first_name": "",
            "surname": "",
            "gravatar_url": "",
            "is_owner": True,
            "is_verified": True,
        }
        assert isinstance(created, int)
        assert time.time() * 1000 - 60_000 < created <= modified < time.time() * 1000 + 1000

    @pytest.mark.parametrize(
        "headers",
        [{}, basic("", ""), basic(ADA, "123456"), basic("junk"), bearer(""), bearer("a.b.c"), {"Authorization": "x"}],
        ids=str,
    )
    def test_nobody_in_particular_is_refused(self, headers: dict[str, str]) -> None:
        answer = account().me(headers)
        assert refused(answer) == (401, 40103)
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    def test_a_credential_in_the_query_is_refused(self) -> None:
        here = account()
        for name in ("access_token", "token", "Authorization", "api_key"):
            query: dict[str, Any] = {name: here.signed_in(ADA)["access_token"]}
            assert refused(here.send("GET", "oauth/me", **query)) == (400, 40001)


def test_limits_per_minute_hold_here_too() -> None:
    here = account(requests_per_minute=2)
    answers = [here.token(headers=basic(ADA, "wrong")) for _ in range(3)]
    assert refused(answers[-1]) == (429, 42901)
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_both_roots_serve_it() -> None:
    here = account()
    here.world.signed_in(ADA)
    url = f"/v1/apps/{here.world.environment.id.hex}/oauth/token/?grant_type=password"
    answer = client().generic("POST", url, b"", "application/json", headers=basic(here.key(ADA)))
    assert answer.status_code == 200


def test_the_grant_is_off_unless_an_environment_switches_it_on() -> None:
    assert build().environment.password_grant is False
