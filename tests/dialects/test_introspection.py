"""RFC 7662 and RFC 7009, alike for access tokens, refresh tokens and API keys."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import Event
from apps.core import crypto
from apps.management.environments import revoke_application_key
from apps.tenants.models import ApplicationKey
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.sessions import Session
from apps.users.models import EndUser
from tests.dialects.passage_app import App
from tests.dialects.satellite_app import Satellite, another, satellite
from tests.dialects.test_satellite import ADA, claims
from tests.tokens.signing import es256, forged, own_key, stranger
from tests.world import World, client

pytestmark = pytest.mark.usefixtures("database")
DEAD = {"active": False}


def minted(world: World, *scopes: str, **facts: Any) -> tuple[ApiKey, str]:
    return ApiKey.objects.mint(world.environment, name="Test key", scopes=list(scopes), **facts)


def asking_key(world: World) -> str:
    return "Bearer " + minted(world, Scope.INTROSPECT)[1]


def only_person(app: Satellite) -> EndUser:
    return EndUser.objects.for_environment(app.world.environment).get()


class TestIntrospection:
    def test_it_tells_of_an_access_token_what_is_in_it(self) -> None:
        app = satellite(scopes=["a", "b"])
        token = app.signed_in(ADA)["access_token"]
        answer = app.introspect(token)
        said = claims(token)
        del said["sid"]
        assert answer.status_code == 200
        assert answer.json() == {"active": True, "token_type": "bearer", **said}
        assert answer["Cache-Control"] == "no-store"
        assert ADA not in answer.content.decode()

    def test_it_tells_of_a_clients_own_token_that_nobody_else_is_behind_it(self) -> None:
        app = satellite()
        told = app.introspect(app.own_token()).json()
        assert told["active"]
        assert told["sub"] == told["client_id"] == app.client_id

    def test_it_tells_of_a_refresh_token_that_it_is_one(self) -> None:
        app = satellite(scopes=["a"])
        tokens = app.signed_in(ADA)
        told = app.introspect(tokens["refresh_token"]).json()
        assert (told["active"], told["token_type"], told["scope"]) == (True, "refresh_token", "a")
        assert told["sub"] == claims(tokens["access_token"])["sub"]
        assert told["exp"] == pytest.approx(time.time() + 30 * 86_400, abs=5)

    def test_it_tells_of_an_api_key_whose_it_is(self) -> None:
        app = satellite()
        app.signed_in(ADA)
        key, secret = minted(app.world, "orders:read", Scope.ACCOUNT, user_id=only_person(app).id)
        told = app.introspect(secret, Authorization=asking_key(app.world)).json()
        issuer = app.world.environment.issuer
        made = int(key.created_at.timestamp())
        expected = {"active": True, "scope": "orders:read account", "client_id": key.client_id.hex}
        expected |= {"sub": str(only_person(app).id), "jti": key.id.hex, "iss": issuer, "aud": [issuer]}
        assert told == {**expected, "iat": made, "nbf": made, "token_type": "bearer"}
        assert ApiKey.objects.get(id=key.id).last_used_at

    def test_it_tells_of_every_dialects_tokens(self) -> None:
        app = satellite()
        assert app.is_active(app.world.signed_in(ADA)["access_token"])

    def test_a_client_hears_of_others_only_with_the_scope(self) -> None:
        without = satellite()
        token = without.world.signed_in(ADA)["access_token"]
        (_key, secret), own = minted(without.world, "orders:read"), without.signed_in(ADA)["access_token"]
        having = another(without.world, scopes=[Scope.INTROSPECT])
        for app, hears in ((without, False), (having, True)):
            assert app.introspect(token).json()["active"] is hears
            assert app.introspect(secret).json()["active"] is hears
        assert without.introspect(own).json()["active"]

    def test_a_persons_key_never_asks_whatever_its_scopes(self) -> None:
        app = satellite()
        token = app.signed_in(ADA)["access_token"]
        _key, secret = minted(app.world, Scope.INTROSPECT, Scope.READ_MESSAGES, user_id=only_person(app).id)
        assert app.introspect(token, Authorization=f"Bearer {secret}").status_code == 401
        assert app.world.get("dev/messages", bearer=secret).status_code == 401

    def test_a_key_with_the_scope_may_ask_and_no_other(self) -> None:
        app = satellite()
        token = app.signed_in(ADA)["access_token"]
        assert app.introspect(token, Authorization=asking_key(app.world)).json()["active"]
        for bearer in (app.world.messages_key, app.own_token(), token, "junk", ""):
            answer = app.introspect(token, Authorization=f"Bearer {bearer}")
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
            assert answer["WWW-Authenticate"] == 'Bearer error="invalid_token"'

    def test_nobody_may_ask_without_saying_who_they_are(self) -> None:
        app = satellite()
        answer = app.form("oauth/v2/introspect", {"token": app.own_token()})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert "WWW-Authenticate" not in answer

    def test_another_clients_refresh_token_is_told_to_keys_alone(self) -> None:
        """Whoever takes what is active for an access token would let it in."""
        app = satellite()
        other, token = another(app.world), app.signed_in(ADA)["refresh_token"]
        assert other.introspect(token).json() == DEAD
        assert app.introspect(token, Authorization=asking_key(app.world)).json()["active"]

    def test_what_passage_gave_out_is_of_another_kind(self) -> None:
        app = satellite()
        tokens = App(app.world, app.world.app_key).signed_in(ADA)
        key = asking_key(app.world)
        for token in (tokens["auth_token"], tokens["refresh_token"]):
            assert app.introspect(token, Authorization=key).json() == DEAD

    @pytest.mark.parametrize("token", ["junk", "a.b.c", "é.é.é", "x" * 92, "x" * 5000, "sp_test_" + "x" * 38, "."])
    def test_junk_is_dead(self, token: str) -> None:
        assert satellite().introspect(token).json() == DEAD

    def test_what_was_rotated_is_dead(self) -> None:
        app = satellite()
        old = app.signed_in(ADA)["refresh_token"]
        new = app.refresh(old).json()["refresh_token"]
        assert [app.is_active(token) for token in (old, new)] == [False, True]

    def test_with_the_person_or_the_application_or_the_session_ends_the_token(self) -> None:
        app = satellite()
        tokens = app.world.signed_in(ADA)
        key, secret = minted(app.world, user_id=only_person(app).id)
        everything = [tokens["access_token"], secret]
        assert all(app.is_active(token) for token in everything)
        EndUser.objects.filter(id=only_person(app).id).update(disabled_at=timezone.now())
        assert not any(app.is_active(token) for token in everything)
        EndUser.objects.filter(id=only_person(app).id).update(disabled_at=None)
        assert all(app.is_active(token) for token in everything)
        revoke_application_key(ApplicationKey.objects.for_environment(app.world.environment).get())
        assert not app.is_active(tokens["access_token"])
        ApiKey.objects.filter(id=key.id).update(expires_at=timezone.now())
        assert not app.is_active(secret)

    def test_an_expired_session_is_dead_whatever_its_token_says(self) -> None:
        app = satellite()
        tokens = app.signed_in(ADA)
        Session.objects.for_environment(app.world.environment).update(idle_expires_at=timezone.now())
        assert [app.is_active(token) for token in (tokens["access_token"], tokens["refresh_token"])] == [False, False]

    def test_a_hint_changes_nothing(self) -> None:
        app = satellite()
        body = {"token": app.own_token(), "token_type_hint": "refresh_token", **app.credentials}
        assert app.form("oauth/v2/introspect", body).json()["active"]


class TestRevocation:
    @pytest.mark.parametrize("name", ["refresh_token", "access_token"])
    def test_with_either_token_ends_the_session(self, name: str) -> None:
        app = satellite()
        tokens = app.signed_in(ADA)
        answer = app.revoke(tokens[name])
        assert (answer.status_code, answer.json(), answer["Content-Type"]) == (200, {}, "application/json")
        assert app.world.get("userinfo", bearer=tokens["access_token"]).status_code == 401
        assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
        events = Event.objects.for_environment(app.world.environment).filter(kind=Event.Kind.SESSION_REVOKED)
        assert events.count() == 1
        assert app.revoke(tokens[name]).status_code == 200
        assert events.count() == 1

    @pytest.mark.parametrize("token", ["junk", "a.b.c", "x" * 92, "sp_test_" + "x" * 38])
    def test_what_opens_nothing_is_no_error(self, token: str) -> None:
        answer = satellite().revoke(token)
        assert (answer.status_code, answer.json()) == (200, {})

    def test_another_clients_tokens_live_on(self) -> None:
        app = satellite()
        other, tokens = another(app.world), app.signed_in(ADA)
        foreign = [tokens["access_token"], tokens["refresh_token"], app.own_token(), minted(app.world)[1]]
        for token in foreign:
            assert other.revoke(token).json() == {}
            assert app.is_active(token)

    def test_a_clients_own_token_cannot_be_revoked_and_the_client_is_told(self) -> None:
        app = satellite()
        answer = app.revoke(app.own_token())
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")

    def test_whoever_holds_a_key_may_end_it_and_nothing_else(self) -> None:
        app = satellite()
        (_key, secret), (_other, other) = minted(app.world), minted(app.world)
        tokens = app.signed_in(ADA)
        for token in (other, tokens["access_token"], tokens["refresh_token"], secret):
            assert app.revoke(token, Authorization=f"Bearer {secret}").status_code == 200
        assert [app.is_active(token) for token in (other, tokens["access_token"], secret)] == [True, True, False]
        assert app.revoke(secret, Authorization=f"Bearer {secret}").status_code == 401
        events = Event.objects.for_environment(app.world.environment).filter(kind=Event.Kind.API_KEY_REVOKED)
        assert events.count() == 1

    def test_nobody_may_revoke_without_saying_who_they_are(self) -> None:
        app = satellite()
        token = app.signed_in(ADA)["refresh_token"]
        for authorization in ("", "Bearer " + crypto.new_key("sp_test")):
            answer = app.form("oauth/v2/revoke", {"token": token}, Authorization=authorization)
            assert answer.status_code == 401
        assert app.refresh(token).status_code == 200


class TestMetadata:
    NAMES = ("oauth-authorization-server", "openid-configuration")

    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_behind_the_issuers_path_and_before_it(self, name: str) -> None:
        world = satellite().world
        documents = [read(f"{world.root}/.well-known/{name}"), read(f"/.well-known/{name}{world.root}")]
        for answer in documents:
            assert answer.status_code == 200
            assert answer["Content-Type"] == "application/json"
            assert answer.json()["issuer"] == world.environment.issuer
            assert answer.json() == documents[0].json()

    @pytest.mark.parametrize("name", NAMES)
    def test_it_is_nowhere_but_at_the_issuers_own_name(self, name: str) -> None:
        environment = satellite().world.environment
        project, own = environment.project_id, environment.id
        elsewhere = [f"/auth/{project}/development", f"/auth/{project.hex}/production", f"/v1/apps/{own}", "/v1/apps/x"]
        for root in elsewhere:
            for path in (f"{root}/.well-known/{name}", f"/.well-known/{name}{root}"):
                assert read(path).status_code == 404, path
        assert read(f"/.well-known/{name}").status_code == 404

    def test_the_issuer_of_passages_tokens_is_no_authorization_server(self) -> None:
        root = f"/v1/apps/{satellite().world.environment.id.hex}"
        assert read(f"{root}/.well-known/openid-configuration").status_code == 200
        assert read(f"/.well-known/openid-configuration{root}").status_code == 200
        assert read(f"{root}/.well-known/oauth-authorization-server").status_code == 404
        assert read(f"/.well-known/oauth-authorization-server{root}").status_code == 404

    def test_every_endpoint_it_names_is_there(self) -> None:
        app = satellite()
        document = read(f"{app.world.root}/.well-known/oauth-authorization-server").json()
        named = [value for name, value in document.items() if name.endswith(("_endpoint", "_uri"))]
        assert len(named) == 5
        for url in named:
            path = url.removeprefix(app.world.environment.issuer)
            assert path != url
            assert app.post(path.lstrip("/"), {}).status_code in {400, 401, 405}


def read(path: str) -> Any:
    return client().get(path)


def test_a_token_that_names_another_subject_than_its_sessions_is_dead() -> None:
    """Signed with the environment's own key, as a fault of ours might: the session is asked all the same."""
    app = satellite()
    token = app.signed_in(ADA)["access_token"]
    key = es256(own_key(app.world))
    assert app.is_active(forged(token, key))
    others = {"sub": stranger(), "client_id": another(app.world).client_id, "sid": stranger()}
    for name, value in others.items():
        assert not app.is_active(forged(token, key, None, **{name: value}))
    assert not app.is_active(forged(app.own_token(), key, sub=claims(token)["sub"]))
