"""Signing keys go next, current, retired: every token can be verified for as long as it lives."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import F
from pytest_django import Settings

from apps.management.environments import add_signing_keys, move_issuers
from apps.tokens import keyring
from apps.tokens.signing_keys import Profile, SigningKey
from tests.tokens.signing import key_set, parts, verified
from tests.world import World, build, client

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@pytest.fixture
def world() -> World:
    return build()


def kid(token: str) -> str:
    return str(parts(token)[0]["kid"])


def published(world: World) -> set[str]:
    return {str(key.kid) for key in key_set(world).keys}


def add_key(world: World, *, stolen: bool = False) -> str:
    """The `kid` of a new signing key; as the command says it, which operators run."""
    before = published(world)
    call_command("rotate_signing_keys", environment=world.environment.id, stolen=stolen, stdout=StringIO())
    keyring.forget(world.environment)
    (new,) = published(world) - before
    return new


def pass_days(world: World, days: float) -> None:
    """Make this environment's keys older, and let this process read them anew, as it would within a minute."""
    keys = SigningKey.objects.for_environment(world.environment)
    past = timedelta(days=days)
    keys.update(activates_at=F("activates_at") - past, retires_at=F("retires_at") - past)
    keyring.forget(world.environment)


def test_the_next_key_is_published_a_day_before_it_signs(world: World) -> None:
    old = kid(world.signed_in(ADA)["access_token"])
    new = add_key(world)
    pass_days(world, 0.9)
    assert published(world) == {old, new}
    assert kid(world.signed_in("bob@example.com")["access_token"]) == old
    pass_days(world, 0.2)
    assert kid(world.signed_in("eve@example.com")["access_token"]) == new


def test_a_retired_key_is_published_while_its_tokens_live_and_then_goes(world: World) -> None:
    token = world.signed_in(ADA)["access_token"]
    add_key(world)
    pass_days(world, 1.01)
    assert world.get("userinfo", bearer=token).status_code == 200
    assert verified(world, token).header["kid"] == kid(token)
    pass_days(world, 1.1)
    assert published(world) == {kid(world.signed_in("bob@example.com")["access_token"])}
    assert world.get("userinfo", bearer=token).status_code == 401


def test_after_a_theft_new_keys_sign_and_the_old_ones_tokens_are_refused(world: World) -> None:
    token = world.signed_in(ADA)["access_token"]
    new = add_key(world, stolen=True)
    assert published(world) == {new}
    assert world.get("userinfo", bearer=token).status_code == 401
    assert kid(world.signed_in("bob@example.com")["access_token"]) == new


def test_a_key_that_has_not_signed_yet_gives_way_to_the_one_after_it(world: World) -> None:
    pending = add_key(world)
    newest = add_key(world)
    assert pending not in published(world)
    pass_days(world, 1.1)
    assert kid(world.signed_in(ADA)["access_token"]) == newest


def test_a_token_of_a_key_that_another_process_made_is_read_a_second_later(world: World) -> None:
    world.signed_in(ADA)
    add_signing_keys(world.environment, ahead=timedelta(0))
    known_here = keyring.ring(world.environment, Profile.ACCESS)
    keyring.forget(world.environment)
    token = world.signed_in("bob@example.com")["access_token"]
    known_here.read_at -= keyring.LOOK_AGAIN_SECONDS + 0.1
    keyring._rings[world.environment.id, Profile.ACCESS.value] = known_here
    assert world.get("userinfo", bearer=token).status_code == 200


def test_a_key_set_holds_no_private_part(world: World) -> None:
    keys = world.get(".well-known/jwks.json").json()["keys"]
    assert [set(key) for key in keys] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


def test_keys_belong_to_one_environment(world: World) -> None:
    assert published(world).isdisjoint(published(build()))


def move(world: World, settings: Settings, url: str) -> None:
    """The installation gets another public address, as `make run` does when it has to take another port."""
    settings.ALLOWED_HOSTS = ["*"]
    settings.PUBLIC_URL = url
    move_issuers(world.environment)
    keyring.forget(world.environment)


def test_tokens_of_the_old_issuer_are_honoured_and_new_ones_name_the_new_one(world: World, settings: Settings) -> None:
    old = world.signed_in(ADA)["access_token"]
    move(world, settings, "http://login.shop.example")
    new = world.signed_in("bob@example.com")["access_token"]
    assert parts(new)[1]["iss"] == f"http://login.shop.example{world.root}"
    assert parts(old)[1]["iss"] != parts(new)[1]["iss"]
    for token in (old, new):
        assert world.get("userinfo", bearer=token).status_code == 200
        assert verified(world, token)


@pytest.mark.parametrize("document", ["openid-configuration", "jwks.json"])
def test_metadata_answers_only_at_the_issuers_own_address(world: World, settings: Settings, document: str) -> None:
    path = f"{world.root}/.well-known/{document}"
    settings.ALLOWED_HOSTS = ["*"]
    assert client().get(path).status_code == 200
    assert client().get(path, headers={"Host": "login.attacker.example"}).status_code == 404
    assert client().get(path, secure=True).status_code == 404
    moved = client()
    move(world, settings, "http://login.shop.example")
    assert moved.get(path).status_code == 404
    assert client().get(path).status_code == 200


def test_metadata_names_the_issuer_that_the_tokens_name(world: World) -> None:
    document = world.get(".well-known/openid-configuration").json()
    _header, claims = parts(world.signed_in(ADA)["access_token"])
    assert document["issuer"] == claims["iss"]
    assert document["jwks_uri"].startswith(f"{document['issuer']}/")
