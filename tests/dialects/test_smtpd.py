"""SMTPD's tokens: by name and secret or by API key, with its own shapes, codes and statuses."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey
from apps.tokens.sessions import Session
from apps.users.models import EndUser
from tests.at_once import at_once
from tests.dialects import bad_values
from tests.dialects.smtpd_account import Account, account, basic, bearer
from tests.tokens.aging import pass_time
from tests.world import build, client, junk_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"
INCORRECT = (403, {"code": 40102, "message": "Username and password are incorrect"})
BAD_REFRESH = {"code": 40106, "message": "Refresh token is invalid"}
# The vendor's own sample of an API key.
SAMPLE = "RPqH8iq9xHd7ayjQc2Qkg4j>jv/HUdWH"


def told(answer: Answer) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


def refused(answer: Answer) -> tuple[int, int]:
    assert list(answer.json()) == ["code", "message"]
    return answer.status_code, answer.json()["code"]


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def live_sessions(here: Account) -> int:
    return Session.objects.for_environment(here.world.environment).filter(secret__isnull=False).count()


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


class TestApiKeys:
    @pytest.mark.parametrize("way", ["basic", "bearer", "body"])
    def test_an_api_key_gets_tokens_for_its_owner(self, way: str) -> None:
        here = account(allows_keyless_clients=False)
        user_id = here.world.signed_in(ADA)["user_id"]
        key = here.key(ADA, "account", "images:write")
        ways = {
            "basic": lambda: here.token(headers=basic(key)),
            "bearer": lambda: here.token(headers=bearer(key)),
            "body": lambda: here.token({"username": key, "password": ""}),
        }
        body = ways[way]().json()
        assert body["Scope"] == ["account"], "no more than it takes"
        assert claims(body["access_token"])["sub"] == user_id
        assert here.me(bearer(body["access_token"])).json()["id"] == user_id
        refreshed = here.refresh(body["refresh_token"], basic(key))
        assert refreshed.status_code == 200
        assert here.revoke(refreshed.json()["refresh_token"], bearer(key)).status_code == 200

    def test_every_key_that_opens_nothing_is_a_wrong_password(self) -> None:
        here, elsewhere = account(), account()
        for each in (here, elsewhere):
            each.world.signed_in(ADA)
        right = here.key(ADA)
        revoked, expired = here.key(ADA, revoked_at=timezone.now()), here.key(ADA, expires_at=timezone.now())
        broken = right[:-1] + ("a" if right[-1] != "a" else "b")
        wrong = [SAMPLE, "", "junk", junk_key(), broken, revoked, expired, here.key(ADA, "images:write")]
        wrong += [elsewhere.key(ADA), here.world.messages_key, here.world.app_key, "é>/", "a.b.c"]
        assert [told(here.token(headers=basic(key))) for key in wrong] == [INCORRECT] * len(wrong)
        assert here.token(headers=basic(right)).status_code == 200

    def test_a_key_of_a_disabled_person_opens_nothing(self) -> None:
        here = account()
        here.world.signed_in(ADA)
        key = here.key(ADA)
        EndUser.objects.for_environment(here.world.environment).update(disabled_at=timezone.now())
        assert told(here.token(headers=basic(key))) == INCORRECT
        assert here.me(bearer(key)).status_code == 401

    def test_the_vendors_sample_key_crashes_nothing(self) -> None:
        here = account()
        for headers in (basic(SAMPLE), bearer(SAMPLE)):
            assert refused(here.me(headers)) == (401, 40103)
            assert told(here.token(headers=headers)) == INCORRECT

    def test_the_grant_has_to_be_on_for_keys_as_well(self) -> None:
        here = account(password_grant=False)
        here.world.signed_in(ADA)
        assert refused(here.token(headers=basic(here.key(ADA)))) == (403, 40301)

    @pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
    def test_what_a_key_was_traded_for_ends_with_the_key(self, column: str) -> None:
        here = account()
        here.world.signed_in(ADA)
        body = here.token(headers=basic(here.key(ADA))).json()
        here.signed_in(BOB)
        ApiKey.objects.for_environment(here.world.environment).update(**{column: timezone.now()})
        assert here.me(bearer(body["access_token"])).status_code == 401
        assert here.world.get("userinfo", bearer=body["access_token"]).status_code == 401
        assert told(here.refresh(body["refresh_token"])) == (403, BAD_REFRESH)

    def test_a_rotated_key_keeps_what_the_old_one_was_traded_for(self) -> None:
        here = account()
        here.world.signed_in(ADA)
        body = here.token(headers=basic(here.key(ADA))).json()
        old = ApiKey.objects.for_environment(here.world.environment).get(user__isnull=False)
        here.key(ADA, client_id=old.client_id)
        ApiKey.objects.filter(id=old.id).update(revoked_at=timezone.now())
        assert here.refresh(body["refresh_token"]).status_code == 200
        assert here.me(bearer(body["access_token"])).status_code == 200

    def test_the_grants_of_names_and_keys_end_each_other(self) -> None:
        here = account()
        here.world.signed_in(ADA)
        bodies = [
            here.signed_in(ADA),
            here.token(headers=basic(here.key(ADA))).json(),
            here.token(headers=basic(here.key(ADA))).json(),
            here.signed_in(ADA),
        ]
        statuses = [here.refresh(body["refresh_token"]).status_code for body in bodies]
        assert statuses == [403, 403, 403, 200]

    def test_of_many_grants_at_once_one_session_stays(self) -> None:
        here = account()
        here.world.signed_in(ADA)
        keys = [here.key(ADA), here.key(ADA)]
        users = EndUser.objects.for_environment(here.world.environment)
        before = live_sessions(here)
        answers = at_once(10, lambda number: here.token(headers=basic(keys[number % 2])).status_code, behind=users)
        assert answers == [200] * 10
        assert live_sessions(here) == before + 1


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


class TestBadRequests:
    @pytest.mark.parametrize("name", ["username", "password", "refresh_token", "api_key", "scope", "a"])
    def test_the_query_holds_the_grant_type_and_nothing_else(self, name: str) -> None:
        here = account()
        credentials = basic(ADA, here.code(ADA))
        query: dict[str, Any] = {"grant_type": "password", name: "x"}
        answer = here.send("POST", "oauth/token", None, credentials, **query)
        assert refused(answer) == (400, 40001)
        assert here.token(headers=credentials).status_code == 200

    def test_credentials_in_the_query_open_nothing(self) -> None:
        here = account()
        query: dict[str, Any] = {"grant_type": "password", "username": ADA, "password": here.code(ADA)}
        assert refused(here.send("POST", "oauth/token", None, **query)) == (400, 40001)
        assert refused(here.send("GET", "oauth/token", None, **query)) == (405, 40501)

    @pytest.mark.parametrize(
        ("query", "body", "expected"),
        [
            ("", {}, (400, 40001)),
            ("grant_type=", {}, (400, 40002)),
            ("grant_type=password", {}, (400, 40001)),
            ("grant_type=refresh_token", {}, (400, 40001)),
            ("grant_type=client_credentials", {}, (400, 40002)),
            ("grant_type=PASSWORD", {}, (400, 40002)),
            ("grant_type=password&grant_type=password", {"username": ADA, "password": "x"}, (400, 40001)),
            ("grant_type=password&grant_type=refresh_token", {"username": ADA, "password": "x"}, (400, 40001)),
            ("grant_type=password", {"grant_type": "refresh_token"}, (400, 40001)),
            ("grant_type=password", {"grant_type": ["password"]}, (400, 40001)),
            ("", {"grant_type": ["password"]}, (400, 40002)),
            ("", {"grant_type": None}, (400, 40002)),
            ("grant_type=%00", {}, (400, 40002)),
            ("grant_type=%ff", {}, (400, 40002)),
            ("grant_type=password", {"username": ADA}, (400, 40001)),
            ("grant_type=password", {"password": "x"}, (400, 40001)),
            ("grant_type=password", {"username": [ADA], "password": "x"}, (400, 40001)),
            ("grant_type=password", {"username": ADA, "password": 123456}, (400, 40001)),
        ],
    )
    def test_a_grant_has_to_be_clear(self, query: str, body: Any, expected: tuple[int, int]) -> None:
        url = f"{account().world.root}/oauth/token"
        answer = client().generic("POST", url, json.dumps(body), "application/json", QUERY_STRING=query)
        assert refused(answer) == expected

    def test_two_ways_at_once_are_refused(self) -> None:
        here = account()
        code = here.code(ADA)
        credentials = basic(ADA, code)
        for body in ({"username": ADA}, {"password": code}, {"username": ADA, "password": code}):
            assert refused(here.token(body, credentials)) == (400, 40001)
        assert here.token(headers=credentials).status_code == 200

    @pytest.mark.parametrize(
        "header",
        [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic YWRh",
            "Basic " + base64.b64encode(b"\xff\xff:x").decode(),
            "Basic " + base64.b64encode(b"ada\x00:x").decode(),
            "Basic " + base64.b64encode(b"a:b\r\nc").decode(),
        ],
    )
    def test_a_basic_that_cannot_be_read_is_malformed(self, header: str) -> None:
        here = account()
        for answer in (here.token(headers={"Authorization": header}), here.me({"Authorization": header})):
            assert refused(answer) == (400, 40001)

    @pytest.mark.parametrize("body", bad_values.BODIES)
    def test_it_refuses_a_body_that_is(self, body: str) -> None:
        here = account()
        make, status = bad_values.BODIES[body]
        codes = {400: 40001, 413: 41301}
        sent = make(json.dumps({"username": ADA, "password": here.code(ADA)}))
        assert refused(here.token(sent)) == (status, codes[status])
        token = here.signed_in(BOB)["refresh_token"]
        sent = make(json.dumps({"refresh_token": token}))
        for answer in (here.token(sent, grant="refresh_token"), here.send("POST", "oauth/revoke", sent)):
            assert refused(answer) == (status, codes[status])
        assert here.refresh(token).status_code == 200

    @pytest.mark.parametrize("body", ["username=a&username=b", "username", "username=%FF", "username=%00", "=&=", "&"])
    def test_it_refuses_a_form_that_is_none(self, body: str) -> None:
        assert refused(account().token(f"{body}&password=x")) == (400, 40001)

    @pytest.mark.parametrize("value", bad_values.OF_THE_WRONG_TYPE, ids=repr)
    def test_it_refuses_a_field_of_the_wrong_type(self, value: Any) -> None:
        here = account()
        for field in ("username", "password"):
            assert refused(here.token({"username": ADA, "password": "x", field: value})) == (400, 40001)
        answers = (here.token({"refresh_token": value}, grant="refresh_token"), here.revoke(value))
        assert [refused(answer) for answer in answers] == [(400, 40001)] * 2

    @pytest.mark.parametrize(("path", "methods"), [("token", {"POST"}), ("revoke", {"POST"}), ("me", {"GET"})])
    def test_other_methods_are_not_allowed(self, path: str, methods: set[str]) -> None:
        here = account()
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = here.send(method, f"oauth/{path}", {})
            assert refused(answer) == (405, 40501)
            assert methods <= set(answer.headers["Allow"].split(", "))

    def test_an_address_that_names_nothing_is_an_unknown_application(self) -> None:
        here, nowhere = account(), account()
        nowhere.world.environment.name = "nowhere"
        assert refused(nowhere.token(headers=basic(ADA, "x"))) == (401, 40101)
        assert refused(nowhere.refresh("x")) == (401, 40101)
        assert refused(nowhere.me(bearer(here.signed_in(ADA)["access_token"]))) == (401, 40103)


class TestSpeed:
    def test_junk_costs_no_statement_and_a_right_key_costs_one(self) -> None:
        here = account()
        here.world.signed_in(ADA)
        key = here.key(ADA)
        here.world.get("userinfo", bearer=key)  # The first use of a minute is noted.
        for junk in (SAMPLE, "sp_test_" + "x" * 38, "x" * 5000):
            with CaptureQueriesContext(connection) as captured:
                assert here.me(bearer(junk)).status_code == 401
                assert told(here.token(headers=basic(junk))) == INCORRECT
            assert captured.captured_queries == []
        with CaptureQueriesContext(connection) as captured:
            here.world.get("dev/messages", bearer=key)
        assert len(captured.captured_queries) == 1
        with CaptureQueriesContext(connection) as captured:
            assert here.world.get("userinfo", bearer=key).status_code == 200
        assert len(captured.captured_queries) == 1, "whose it is has come along"

    def test_junk_refresh_tokens_cost_no_more_than_finding_the_environment(self) -> None:
        here = account()
        with CaptureQueriesContext(connection) as captured:
            here.refresh("x" * 79)
        assert len(captured.captured_queries) == 1


def test_limits_per_minute_hold_here_too() -> None:
    here = account(requests_per_minute=2)
    answers = [here.token(headers=basic(ADA, "wrong")) for _ in range(3)]
    assert refused(answers[-1]) == (429, 42901)
    assert int(answers[-1].headers["Retry-After"]) >= 1


def test_a_key_does_not_outlive_the_grants_absolute_end() -> None:
    here = account(session_idle_ttl=60 * 86_400)
    here.world.signed_in(ADA)
    here.token(headers=basic(here.key(ADA)))
    session = Session.objects.for_environment(here.world.environment).latest("created_at")
    assert session.absolute_expires_at - session.created_at == timedelta(days=30)


def test_both_roots_serve_it() -> None:
    here = account()
    here.world.signed_in(ADA)
    url = f"/v1/apps/{here.world.environment.id.hex}/oauth/token/?grant_type=password"
    answer = client().generic("POST", url, b"", "application/json", headers=basic(here.key(ADA)))
    assert answer.status_code == 200


def test_the_grant_is_off_unless_an_environment_switches_it_on() -> None:
    assert build().environment.password_grant is False
