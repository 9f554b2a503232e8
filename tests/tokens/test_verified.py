"""A token that was verified is not verified again for a minute, and nothing gets by that would not have before."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F

from apps.core import crypto
from apps.core.errors import InvalidToken
from apps.tokens import jwt, keyring
from apps.tokens import verified as verified_module
from apps.tokens.signing_keys import Profile, SigningKey
from apps.tokens.verified import Claims, verified
from tests.tokens.signing import es256, forged, just_expired, own_key
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def token(world: World) -> str:
    """One that has been seen."""
    token = str(world.signed_in(ADA)["access_token"])
    assert status(world, token) == 200
    assert remembered(world, token)
    return token


def status(world: World, token: str) -> int:
    return world.get("userinfo", bearer=token).status_code


def remembered(world: World, token: str, profile: Profile = Profile.ACCESS) -> Claims | None:
    return verified.recall(world.environment, profile, crypto.digest(token))


def test_what_is_remembered_is_what_the_token_says(world: World, token: str) -> None:
    known = remembered(world, token)
    verified._known.clear()
    assert jwt.read(world.environment, Profile.ACCESS, token) == known


def test_a_token_that_ran_out_since_is_refused(world: World, token: str) -> None:
    known = remembered(world, token)
    assert known is not None
    for expires_at, expected in ((known.issued_at, 401), (known.expires_at, 200)):
        ring = keyring.ring(world.environment, Profile.ACCESS)
        verified.remember(ring, crypto.digest(token), replace(known, expires_at=expires_at))
        assert status(world, token) == expected


def test_it_opens_no_other_environment(world: World, token: str) -> None:
    elsewhere = build()
    theirs = elsewhere.signed_in(ADA)["access_token"]
    assert [status(elsewhere, theirs), status(elsewhere, token), status(world, theirs)] == [200, 401, 401]
    assert status(world, token) == 200


def test_it_passes_for_no_other_kind_of_token(world: World, token: str) -> None:
    keyring.ring(world.environment, Profile.PASSAGE)
    assert remembered(world, token, Profile.PASSAGE) is None
    with pytest.raises(InvalidToken):
        jwt.read(world.environment, Profile.PASSAGE, token)


def test_after_a_theft_it_is_refused_as_soon_as_the_keys_are_read_anew(world: World, token: str) -> None:
    call_command("rotate_signing_keys", environment=world.environment.id, stolen=True, stdout=StringIO())
    keyring.ring(world.environment, Profile.ACCESS).read_at -= keyring.FRESH_SECONDS
    assert status(world, token) == 401


def test_a_key_that_retired_takes_it_along(world: World, token: str) -> None:
    call_command("rotate_signing_keys", environment=world.environment.id, stdout=StringIO())
    keys = SigningKey.objects.for_environment(world.environment)
    past = timedelta(days=2.1)
    keys.update(activates_at=F("activates_at") - past, retires_at=F("retires_at") - past)
    keyring.ring(world.environment, Profile.ACCESS).read_at -= keyring.FRESH_SECONDS
    assert status(world, token) == 401


def test_keys_that_were_read_anew_have_verified_nothing_yet(world: World, token: str) -> None:
    keyring.ring(world.environment, Profile.ACCESS).read_at -= keyring.FRESH_SECONDS
    assert remembered(world, token) is None
    assert status(world, token) == 200
    assert remembered(world, token)


def test_another_spelling_is_another_token(world: World, token: str) -> None:
    signed, _, signature = token.rpartition(".")
    first = "A" if signature[0] != "A" else "B"
    for other in (f"{signed}.{first}{signature[1:]}", f"{signed}.", f"{token}A", f" {token}"[:-1]):
        assert status(world, other) == 401


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"jku": "https://attacker.example"}, {}),
        ({"kid": "unknown"}, {}),
        ({}, just_expired()),
        ({}, {"aud": "x"}),
    ],
    ids=str,
)
def test_what_was_refused_is_not_remembered(
    world: World, token: str, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    other = forged(token, es256(own_key(world)), header, **claims)
    assert [status(world, other) for _ in range(2)] == [401, 401]
    assert crypto.digest(other) not in verified._known


def test_only_so_many_are_remembered(world: World, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verified_module, "MOST_REMEMBERED", 2)
    others = [forged(token, es256(own_key(world)), jti=str(number)) for number in range(3)]
    assert [status(world, other) for other in others] == [200] * 3
    assert list(verified._known) == [crypto.digest(other) for other in others[1:]]
    assert status(world, token) == 200
