"""SMTPD's tokens for an API key: what they are traded for, how long they live and what junk costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.tokens.api_keys import ApiKey
from apps.tokens.sessions import Session
from apps.users.models import EndUser
from tests.at_once import at_once
from tests.dialects.smtpd_account import (
    BAD_REFRESH,
    INCORRECT,
    SAMPLE,
    Account,
    account,
    basic,
    bearer,
    claims,
    refused,
    told,
)
from tests.world import junk_key

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


def live_sessions(here: Account) -> int:
    return Session.objects.for_environment(here.world.environment).filter(secret__isnull=False).count()


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


def test_a_key_does_not_outlive_the_grants_absolute_end() -> None:
    here = account(session_idle_ttl=60 * 86_400)
    here.world.signed_in(ADA)
    here.token(headers=basic(here.key(ADA)))
    session = Session.objects.for_environment(here.world.environment).latest("created_at")
    assert session.absolute_expires_at - session.created_at == timedelta(days=30)
