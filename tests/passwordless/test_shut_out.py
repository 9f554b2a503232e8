"""Who had no right to an address, or no longer has one to a password, is left with nothing: no session and no key."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from apps.audit.models import Event
from apps.passwordless.proof import shut_out
from apps.tokens.api_keys import ApiKey, Scope
from apps.users.models import EndUser
from tests.dialects.satellite_app import another, satellite
from tests.dialects.smtpd_account import KEYS, Account, bearer
from tests.passwordless.password_world import ADA, P, PasswordWorld, Q, follow, password_world

pytestmark = pytest.mark.usefixtures("database")


def key_of(world: PasswordWorld, token: str) -> Any:
    return Account(world).send("POST", KEYS, {"name": "Mine"}, bearer(token))


def opens(world: PasswordWorld, credential: str) -> bool:
    return bool(world.get("userinfo", bearer=credential).status_code == 200)


def planted(world: PasswordWorld) -> tuple[str, str]:
    """A stranger signed ADA's address up; their token, and a key of that person, however they came by it."""
    world.sign_up_with(P)
    token = world.log_in_with(P).json()["access_token"]
    _key, secret = ApiKey.objects.mint(
        world.environment, name="Planted", scopes=[Scope.ACCOUNT], user_id=world.person().id
    )
    assert opens(world, token)
    assert opens(world, secret)
    return token, secret


def test_nobody_makes_keys_before_an_address_is_proved() -> None:
    world = password_world(concealment=False)
    world.sign_up_with(P)
    assert key_of(world, world.log_in_with(P).json()["access_token"]).status_code == 403


def test_the_owners_first_code_ends_what_a_stranger_left() -> None:
    world = password_world(concealment=False)
    token, secret = planted(world)
    world.log_in(ADA)
    assert world.verify(ADA, world.code(ADA)).status_code == 200
    assert not opens(world, token)
    assert not opens(world, secret)


def test_another_password_on_the_mailed_link_ends_it_too() -> None:
    world = password_world(concealment=False)
    world.sign_up_with(P, is_verification=True)
    link = world.link()
    _key, secret = ApiKey.objects.mint(
        world.environment, name="Planted", scopes=[Scope.ACCOUNT], user_id=world.person().id
    )
    assert follow(link, password=Q).status_code == 200
    assert not opens(world, secret)


def test_a_reset_ends_sessions_and_keys_and_tells_the_trail() -> None:
    world = password_world(concealment=False)
    world.confirmed()
    token = world.log_in_with(P).json()["access_token"]
    secret = key_of(world, token).json()["api_key"]
    world.ask_for_reset()
    assert follow(world.link(), password=Q).status_code == 200
    assert not opens(world, token)
    assert not opens(world, secret)
    events = Event.objects.for_environment(world.environment).filter(kind=Event.Kind.API_KEY_REVOKED)
    assert [event.facts["reason"] for event in events] == ["password_changed"]


def test_a_key_that_was_asked_for_before_the_end_is_not_made_after_it() -> None:
    world = password_world(concealment=False)
    world.confirmed()
    token = world.log_in_with(P).json()["access_token"]
    answers: list[int] = []

    def ask() -> None:
        answers.append(key_of(world, token).status_code)
        connection.close()

    asking = threading.Thread(target=ask)
    with transaction.atomic():
        EndUser.objects.select_for_update().get(id=world.person().id)
        asking.start()
        _wait_until_somebody_waits()
        shut_out(world.environment, world.person().id, reason="password_changed")
    asking.join(10)
    assert answers == [401]


def _wait_until_somebody_waits() -> None:
    """Until another connection is stopped by our lock."""
    with connection.cursor() as cursor:
        for _ in range(10_000):
            cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            if cursor.fetchone() == (True,):
                return
    raise AssertionError("nobody waits")


def test_a_client_without_scopes_does_not_act_for_the_person() -> None:
    app = satellite()
    token = app.signed_in(ADA)["access_token"]
    assert Account(app.world).send("POST", KEYS, {"name": "Mine"}, bearer(token)).status_code == 403


def test_nobody_hands_on_what_opens_the_whole_environment() -> None:
    app = satellite(scopes=[Scope.ACCOUNT, Scope.INTROSPECT, Scope.READ_MESSAGES])
    account, token = Account(app.world), app.signed_in(ADA)["access_token"]
    made = account.send("POST", KEYS, {"name": "Mine"}, bearer(token))
    assert made.json()["scopes"] == [Scope.ACCOUNT]
    wish = {"name": "Mine", "scopes": [Scope.READ_MESSAGES]}
    assert account.send("POST", KEYS, wish, bearer(token)).status_code == 400


def test_a_scope_that_a_client_lost_is_not_in_what_it_refreshes() -> None:
    app = another(satellite().world, scopes=["read", "write"])
    tokens = app.signed_in(ADA)
    assert app.refresh(tokens["refresh_token"], scope="read").json()["scope"] == "read"
    app.row.scopes = ["read"]
    app.row.save()
    tokens = app.signed_in(ADA)
    app.row.scopes = ["write"]
    app.row.save()
    assert app.refresh(tokens["refresh_token"]).json()["scope"] is None
