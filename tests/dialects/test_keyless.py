"""Clients without a key: a switch of the environment, and no way around a key that is wrong."""

from __future__ import annotations

import pytest

from apps.management.environments import create_application_key, revoke_application_key
from tests.dialects.passage_app import App, app
from tests.world import World, build, junk_key

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
STARTS = {
    "email-otp-signup": {"email": ADA},
    "mobile-otp-signup": {"country_code": "+91", "mobile": "9876543211"},
    "email-password-signup": {"email": ADA, "password": "correct horse battery"},
    "email-password-reset": {"email": ADA},
    "username-password-signup": {"username": "ada_1", "password": "correct horse battery"},
    "register/otp": {"identifier": ADA},
    "login/otp": {"identifier": ADA},
    "plugin/auth/request-otp": {"email": ADA},
}


def status(world: World, path: str, app_key: str) -> int:
    return world.post(path, STARTS[path], app_key=app_key).status_code


@pytest.mark.parametrize("path", STARTS)
def test_the_switch_is_off_by_default_and_opens_every_dialect(path: str) -> None:
    world = build()
    assert status(world, path, "") == 401
    world.environment.allows_keyless_clients = True
    world.environment.save()
    assert status(world, path, "") in {200, 201}


@pytest.mark.parametrize("path", STARTS)
def test_a_key_that_opens_nothing_is_not_taken_for_no_key(path: str) -> None:
    """Else revoking a key would change nothing where the switch is on."""
    world = build(allows_keyless_clients=True)
    revoked = create_application_key(world.environment, name="Revoked")
    revoke_application_key(revoked.key)
    keys = ["junk", junk_key(), revoked.secret, build().app_key, world.messages_key]
    assert [status(world, path, key) for key in keys] == [401] * len(keys)


def test_sessions_of_keyless_clients_are_theirs_alone() -> None:
    keyless = app()
    keyed = App(keyless.world, keyless.world.app_key)
    without, with_key = keyless.signed_in(ADA)["refresh_token"], keyed.signed_in(ADA)["refresh_token"]
    assert keyed.refresh(without).status_code == 401
    assert keyless.refresh(with_key).status_code == 401
    assert keyless.refresh(without).status_code == keyed.refresh(with_key).status_code == 200


def test_nobody_revokes_the_session_of_another_client() -> None:
    keyless = app()
    keyed = App(keyless.world, keyless.world.app_key)
    token = keyed.signed_in(ADA)["refresh_token"]
    assert keyless.revoke(token).status_code == 200, "silent about tokens that open nothing here"
    assert keyed.refresh(token).status_code == 200


def test_the_switch_turned_off_ends_what_keyless_clients_can_do() -> None:
    keyless = app()
    token = keyless.signed_in(ADA)["refresh_token"]
    keyless.world.environment.allows_keyless_clients = False
    keyless.world.environment.save()
    assert keyless.refresh(token).status_code == 401
    assert keyless.revoke(token).status_code == 401
    assert keyless.get().status_code == 401


def test_only_passage_tells_an_unknown_app_from_one_that_wants_a_key() -> None:
    """Its app ids are public; for the others an address that names nothing is as wrong as a key."""
    world, nowhere = build(), build()
    nowhere.environment.name = "nowhere"
    assert status(world, "email-otp-signup", "") == status(nowhere, "email-otp-signup", "") == 401
    assert (status(world, "login/otp", ""), status(nowhere, "login/otp", "")) == (401, 404)
