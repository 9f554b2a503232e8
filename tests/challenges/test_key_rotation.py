"""A new master key is put in front of the old one: what was given out before goes on, what comes after uses the new."""

import base64
import secrets
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.core import crypto
from apps.tokens import refresh
from apps.tokens.keyring import forget
from apps.tokens.sessions import Session
from tests.challenges.clock import live
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


def forget_keys() -> None:
    """As after a restart, which is how a process comes to know a new key."""
    for remembered in (crypto._master_keys, crypto.derived_key, crypto.unwrap_data_key):
        remembered.cache_clear()


class Keys:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.old = crypto.current_key_version()
        self.new = self.old + 1

    def rotate(self) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.settings.ENCRYPTION_KEYS = [f"{self.new}:{key}", *self.settings.ENCRYPTION_KEYS]
        forget_keys()


@pytest.fixture
def _own_keys() -> Iterator[None]:
    """Set up before `settings`, so that it ends after the settings are what they were."""
    yield
    forget_keys()


@pytest.fixture
def keys(_own_keys: None, settings: Settings) -> Keys:
    return Keys(settings)


@pytest.fixture
def world() -> World:
    return build()


def test_a_live_code_is_still_right_after_a_rotation(world: World, keys: Keys) -> None:
    world.sign_up(ADA)
    code = world.code(ADA)
    keys.rotate()
    world.sign_up(ADA)
    assert world.code(ADA) == code
    assert live(world).key_version == keys.old
    assert world.verify(ADA, code).status_code == 200


def test_new_codes_and_sessions_are_derived_from_the_new_key(world: World, keys: Keys) -> None:
    keys.rotate()
    world.sign_up(BOB)
    assert live(world).key_version == keys.new
    world.verify(BOB, world.code(BOB))
    assert Session.objects.for_environment(world.environment).get().key_version == keys.new


def test_tokens_and_sealed_keys_outlive_a_rotation(world: World, keys: Keys) -> None:
    token = world.signed_in(ADA)["refresh_token"]
    keys.rotate()
    forget(world.environment)
    refreshed = world.refresh(token)
    assert refreshed.status_code == 200
    assert world.get("userinfo", bearer=refreshed.json()["access_token"]).status_code == 200


def test_a_code_of_a_key_that_was_taken_away_is_refused_and_nothing_breaks(
    world: World, keys: Keys, settings: Settings
) -> None:
    keys.rotate()
    world.sign_up(ADA)
    code, token = world.code(ADA), world.signed_in(BOB)["refresh_token"]
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[1:]
    forget_keys()
    assert world.verify(ADA, code).status_code < 500
    assert world.refresh(token).status_code == 400


def test_the_old_key_makes_no_refresh_token_of_a_session_that_is_younger(world: World, keys: Keys) -> None:
    """Whoever has the old key and a later dump of the database."""
    keys.rotate()
    world.signed_in(ADA)
    row = Session.objects.for_environment(world.environment).get()
    assert row.secret
    forged = refresh.make(world.environment.id, row.id, row.generation, keys.old, bytes(row.secret))
    assert world.refresh(forged).status_code == 400
    genuine = refresh.make(world.environment.id, row.id, row.generation, keys.new, bytes(row.secret))
    assert world.refresh(genuine).status_code == 200
