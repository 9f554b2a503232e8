"""Satellite: three grants at one endpoint, and codes that are used as passwords."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.utils import timezone

from apps.challenges.models import FailureCount
from apps.core import passwords
from apps.tokens.oauth_clients import OAuthClient
from apps.users.models import EndUser
from tests.dialects.satellite_app import Satellite, another, basic, satellite
from tests.world import World

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB, PASSWORD = "ada@example.com", "bob@example.com", "correct horse battery"


def claims(token: str) -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def give_password(world: World, password: str = PASSWORD) -> None:
    """To everybody there is."""
    digest = passwords.digest(password)
    EndUser.objects.for_environment(world.environment).update(password_digest=digest)


class TestClientCredentials:
    def test_the_token_is_the_clients_own(self) -> None:
        app = satellite(scopes=["orders:read", "orders:write"])
        answer = app.token("client_credentials")
        assert answer.status_code == 200
        assert list(answer.json()) == ["access_token", "expires_in", "token_type", "scope"]
        said = claims(answer.json()["access_token"])
        assert said["sub"] == said["client_id"] == app.client_id
        assert "sid" not in said
        assert said["scope"] == answer.json()["scope"] == "orders:read orders:write"

    def test_it_is_nobody_to_userinfo(self) -> None:
        app = satellite()
        answer = app.world.get("userinfo", bearer=app.own_token())
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")

    def test_neither_answer_nor_refusal_is_cached(self) -> None:
        app = satellite()
        for answer in (app.token("client_credentials"), app.token("nonsense")):
            assert (answer["Cache-Control"], answer["Pragma"]) == ("no-store", "no-cache")

    @pytest.mark.parametrize(("ttl", "expected"), [(90, 90), (3600, 3600), (86_400, 3600)])
    def test_a_token_lives_an_hour_at_most(self, ttl: int, expected: int) -> None:
        app = satellite(access_token_ttl=ttl)
        tokens = app.signed_in(ADA)
        refreshed = app.refresh(tokens["refresh_token"]).json()
        for body in (app.token("client_credentials").json(), tokens, refreshed):
            said = claims(body["access_token"])
            assert said["exp"] - said["iat"] == body["expires_in"] == expected


class TestScope:
    def test_json_gets_null_and_a_form_gets_none_where_there_is_none(self) -> None:
        app = satellite()
        assert app.token("client_credentials").json()["scope"] is None
        assert "scope" not in app.form_token("client_credentials").json()

    def test_json_and_form_get_the_same_string(self) -> None:
        app = satellite(scopes=["a", "b"])
        assert app.token("client_credentials").json()["scope"] == "a b"
        assert app.form_token("client_credentials").json()["scope"] == "a b"

    @pytest.mark.parametrize("scope", ["b", "b a", "a a b"])
    def test_what_was_asked_for_is_granted(self, scope: str) -> None:
        app = satellite(scopes=["a", "b", "c"])
        granted = app.form_token("client_credentials", scope=scope).json()["scope"]
        assert granted == " ".join(dict.fromkeys(scope.split()))

    @pytest.mark.parametrize("scope", ["d", "a d", "A", "a  b", " a", "a\u00a0b", 'a"', "a" * 4096])
    @pytest.mark.parametrize("grant", ["client_credentials", "password", "refresh_token"])
    def test_more_than_the_client_may_have_is_refused(self, grant: str, scope: str) -> None:
        app = satellite(scopes=["a", "b"])
        tokens = app.signed_in(ADA)
        answer = app.token(grant, username=ADA, password="x", refresh_token=tokens["refresh_token"], scope=scope)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
        assert app.refresh(tokens["refresh_token"]).status_code == 200, "it was not rotated for a refusal"

    @pytest.mark.parametrize("scope", [None, ""])
    def test_an_empty_scope_is_none(self, scope: str | None) -> None:
        assert satellite(scopes=["a"]).token("client_credentials", scope=scope).json()["scope"] == "a"

    def test_a_refresh_keeps_the_scope_of_its_session(self) -> None:
        app = satellite(scopes=["a", "b"])
        token = app.signed_in(ADA, scope="a")["refresh_token"]
        for scope in (None, "a"):
            refreshed = app.refresh(token, scope=scope).json()
            assert (refreshed["scope"], claims(refreshed["access_token"])["scope"]) == ("a", "a")
            token = refreshed["refresh_token"]
        assert app.refresh(token, scope="b").json()["error"] == "invalid_scope"

    def test_the_scope_of_another_clients_session_is_not_told(self) -> None:
        app = satellite(scopes=["a"])
        other = another(app.world, scopes=["a"])
        token = app.signed_in(ADA)["refresh_token"]
        for scope in ("a", "b"):
            assert other.refresh(token, scope=scope).json()["error"] == "invalid_grant"


class TestPassword:
    def test_the_code_is_the_password_and_a_refresh_token_comes_with_it(self) -> None:
        app = satellite()
        answer = app.password(ADA, app.code(ADA))
        assert list(answer.json()) == ["access_token", "expires_in", "token_type", "scope", "refresh_token"]
        assert answer.json()["token_type"] == "bearer"
        told = app.world.get("userinfo", bearer=answer.json()["access_token"]).json()
        assert (told["email"], told["email_verified"]) == (ADA, True)
        assert claims(answer.json()["access_token"])["client_id"] == app.client_id

    def test_a_code_works_once(self) -> None:
        app = satellite()
        code = app.code(ADA)
        assert app.password(ADA, code).status_code == 200
        assert app.password(ADA, code).json()["error"] == "invalid_grant"

    def test_a_code_of_another_dialect_works_as_well(self) -> None:
        app = satellite()
        app.world.sign_up(ADA)
        assert app.password(ADA, app.world.code(ADA)).status_code == 200

    def test_a_phone_without_country_code_is_of_the_environments_country(self) -> None:
        app = satellite(default_region="IN")
        assert app.send({"phone": "09876543211"}).json() == {"data": {"phone": "09876543211"}, "meta": []}
        code = app.world.code("+919876543211")
        assert app.password("98765 43211", code).status_code == 200

    @pytest.mark.parametrize("password", [PASSWORD, "86420975310864"])
    def test_a_person_may_use_their_password_instead(self, password: str) -> None:
        app = satellite()
        person = claims(app.signed_in(ADA)["access_token"])["sub"]
        give_password(app.world, password)
        for _ in range(2):
            assert claims(app.password(ADA, password).json()["access_token"])["sub"] == person

    def test_a_right_password_leaves_the_live_code_alone(self) -> None:
        app = satellite()
        app.signed_in(ADA)
        give_password(app.world, "8642097531")
        code = app.code(ADA)
        assert app.password(ADA, "8642097531").status_code == 200
        assert app.password(ADA, code).status_code == 200
        assert not FailureCount.objects.for_environment(app.world.environment).exists()

    def test_wrong_codes_spend_the_tries_that_all_share(self) -> None:
        app = satellite(max_tries=3)
        code = app.code(ADA)
        wrong = app.world.wrong_code(ADA)
        assert app.world.verify(ADA, wrong).status_code == 400
        for _ in range(2):
            assert app.password(ADA, wrong).json()["error"] == "invalid_grant"
        assert app.password(ADA, code).json()["error"] == "invalid_grant"

    def test_wrong_passwords_spend_no_tries_of_the_code(self) -> None:
        app = satellite(max_tries=1)
        app.signed_in(ADA)
        give_password(app.world)
        code = app.code(ADA)
        for _ in range(6):
            assert app.password(ADA, "wrong horse battery").json()["error"] == "invalid_grant"
        assert app.password(ADA, code).status_code == 200, "and their delay is none of the code's"

    def test_a_right_code_that_comes_too_late_is_compared_with_the_password_like_any_wrong_one(self) -> None:
        """Refused at once, it would be known by its time: a spent counter would no longer bound guessing."""
        app = satellite(max_tries=1, code_length=8)
        app.signed_in(ADA)
        code = app.code(ADA)
        assert app.password(ADA, app.world.wrong_code(ADA)).status_code == 400
        assert app.password(ADA, code).status_code == 400
        give_password(app.world, code)
        assert app.password(ADA, code).status_code == 200

    def test_a_wrong_code_counts_as_a_wrong_password_too(self) -> None:
        """Else a password of digits could be guessed for ever."""
        app = satellite(max_tries=10)
        app.signed_in(ADA)
        give_password(app.world)
        for _ in range(6):
            app.password(ADA, "000000")
        assert app.password(ADA, PASSWORD).json()["error"] == "invalid_grant"

    def test_every_refusal_is_the_same(self) -> None:
        app = satellite(concealment=False)
        app.signed_in(ADA)
        app.signed_in(BOB)
        EndUser.objects.filter(identifiers__value=BOB).update(disabled_at=timezone.now())
        give_password(app.world)
        app.code(ADA)
        guesses = [
            (ADA, "wrong password"),
            (ADA, app.world.wrong_code(ADA)),
            ("nobody@example.com", PASSWORD),
            ("nobody@example.com", "123456"),
            ("somebody", PASSWORD),
            ("no name at all", PASSWORD),
            (BOB, PASSWORD),
            (BOB, "123456"),
        ]
        answers = {(answer.status_code, answer.content) for answer in (app.password(*guess) for guess in guesses)}
        assert len(answers) == 1
        ((status, body),) = answers
        assert (status, json.loads(body)["error"]) == (400, "invalid_grant")

    def test_a_right_code_of_somebody_disabled_is_used_up_and_opens_nothing(self) -> None:
        app = satellite(concealment=False)
        app.signed_in(ADA)
        code = app.code(ADA)
        EndUser.objects.for_environment(app.world.environment).update(disabled_at=timezone.now())
        assert app.password(ADA, code).json()["error"] == "invalid_grant"
        EndUser.objects.for_environment(app.world.environment).update(disabled_at=None)
        assert app.password(ADA, code).json()["error"] == "invalid_grant"

    def test_it_has_to_be_switched_on_for_the_client(self) -> None:
        world = satellite().world
        row, secret = OAuthClient.objects.register(world.environment, name="As they come")
        app = Satellite(world, row, secret)
        code = app.code(ADA)
        answer = app.password(ADA, code)
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
        assert another(world).password(ADA, code).status_code == 200, "the code was not touched"


class TestRefresh:
    def test_it_gives_a_new_pair(self) -> None:
        app = satellite()
        before = app.signed_in(ADA)
        after = app.refresh(before["refresh_token"]).json()
        assert list(after) == list(before)
        assert after["refresh_token"] != before["refresh_token"]
        assert claims(after["access_token"])["sub"] == claims(before["access_token"])["sub"]

    def test_a_client_that_authenticates_has_no_grace(self) -> None:
        app = satellite(refresh_grace=120)
        old = app.signed_in(ADA)["refresh_token"]
        new = app.refresh(old).json()["refresh_token"]
        assert app.refresh(old).json()["error"] == "invalid_grant"
        assert app.refresh(new).json()["error"] == "invalid_grant", "somebody has a copy, so the session has ended"

    def test_another_clients_token_is_refused_and_still_works(self) -> None:
        app = satellite()
        other, token = another(app.world), app.signed_in(ADA)["refresh_token"]
        answer = other.refresh(token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert app.refresh(token).status_code == 200

    def test_a_session_of_another_dialect_is_another_clients(self) -> None:
        app = satellite()
        token = app.world.signed_in(ADA)["refresh_token"]
        assert app.refresh(token).json()["error"] == "invalid_grant"
        assert app.world.refresh(token).status_code == 200


class TestTheClientsSecret:
    @pytest.mark.parametrize("spoil", ["{id}:{secret}", "{quoted}:{secret}"])
    def test_basic_is_taken_raw_and_form_encoded(self, spoil: str) -> None:
        app = satellite()
        quoted = "".join(f"%{ord(character):02X}" for character in app.client_id)
        user, _, password = spoil.format(id=app.client_id, secret=app.secret, quoted=quoted).partition(":")
        for grant in ("client_credentials",):
            answer = app.form("oauth/v2/token", {"grant_type": grant}, Authorization=basic(user, password))
            assert answer.status_code == 200

    def test_a_repeated_id_beside_basic_is_no_second_way(self) -> None:
        app = satellite()
        body = {"grant_type": "client_credentials", "client_id": app.client_id}
        assert app.form("oauth/v2/token", body, Authorization=app.basic).status_code == 200

    def test_the_secret_before_works_until_its_overlap_ends(self) -> None:
        app, old = satellite(), satellite().secret
        app.row.set_secret(old)
        app.row.replace_secret(app.secret, previous_ends_at=timezone.now() + timedelta(hours=1))
        app.row.save()
        both = [Satellite(app.world, app.row, secret) for secret in (app.secret, old)]
        assert [client.token("client_credentials").status_code for client in both] == [200, 200]
        app.row.previous_expires_at = timezone.now()
        app.row.save()
        assert [client.token("client_credentials").status_code for client in both] == [200, 401]

    def test_its_use_is_noted(self) -> None:
        app = satellite()
        app.own_token()
        app.row.refresh_from_db()
        assert app.row.last_used_at
        assert app.row.last_used_ip == "127.0.0.1"

    @pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
    def test_with_the_client_end_its_tokens(self, column: str) -> None:
        app = satellite()
        tokens, own = app.signed_in(ADA), app.own_token()
        other = another(app.world)
        assert [other.is_active(token) for token in (tokens["access_token"], own)] == [True, True]
        setattr(app.row, column, timezone.now())
        app.row.save()
        assert app.world.get("userinfo", bearer=tokens["access_token"]).status_code == 401
        assert [other.is_active(token) for token in (tokens["access_token"], own)] == [False, False]
        assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_client"
