"""Access tokens: any JWT library verifies ours, and nothing else passes for one."""

import time
import uuid
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError

from apps.management.environments import revoke_application_key
from apps.tenants.models import ApplicationKey
from tests.tokens.signing import (
    es256,
    forged,
    hs256,
    just_expired,
    key_set,
    own_key,
    parts,
    stranger,
    unsigned,
    verified,
)
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def signed_in(world: World) -> dict[str, Any]:
    return world.signed_in(ADA)


@pytest.fixture
def token(signed_in: dict[str, Any]) -> str:
    return str(signed_in["access_token"])


def assert_refused(world: World, token: str) -> None:
    answer = world.get("userinfo", bearer=token)
    assert answer.status_code == 401, parts(token)
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"] == "invalid_token"


def test_another_library_verifies_it_by_the_published_keys(world: World, token: str, signed_in: dict[str, Any]) -> None:
    claims = verified(world, token).claims
    assert set(claims) == {"sub", "exp", "iat", "nbf", "jti", "iss", "aud", "sid", "client_id"}
    assert claims["sub"] == signed_in["user_id"]
    assert (claims["iss"], claims["aud"]) == (world.environment.issuer, [world.environment.issuer])
    assert claims["exp"] == signed_in["expires_at"] == claims["iat"] + 3600
    assert claims["nbf"] == claims["iat"] == pytest.approx(time.time(), abs=5)


def test_its_header_names_key_algorithm_and_kind_and_nothing_else(world: World, token: str) -> None:
    header, _claims = parts(token)
    kid = key_set(world).keys[0].kid
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": kid}


def test_every_token_has_an_id_of_its_own_and_the_client_is_not_the_user(world: World, token: str) -> None:
    _header, first = parts(token)
    _header, second = parts(world.signed_in("bob@example.com")["access_token"])
    assert first["jti"] != second["jti"]
    assert first["sid"] != second["sid"]
    assert first["client_id"] == second["client_id"] not in (first["sub"], second["sub"])
    assert uuid.UUID(first["sid"]) != uuid.UUID(first["sub"])


def test_the_environment_says_how_long_it_lives() -> None:
    world = build(access_token_ttl=90)
    _header, claims = parts(world.signed_in(ADA)["access_token"])
    assert claims["exp"] - claims["iat"] == 90


def test_a_faithful_copy_under_the_real_key_is_accepted(world: World, token: str) -> None:
    """The control of all that follows: what is refused there is refused for its one difference."""
    assert world.get("userinfo", bearer=forged(token, es256(own_key(world)))).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": None},
        {"kid": None},
        {"kid": "unknown"},
        {"jku": "https://attacker.example/jwks.json"},
        {"x5u": "https://attacker.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": {"kty": "oct", "k": "AA"}},
        {"crit": ["exp"]},
        {"crit": []},
    ],
    ids=str,
)
def test_it_refuses_another_header(world: World, token: str, header: dict[str, Any]) -> None:
    assert_refused(world, forged(token, es256(own_key(world)), header))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"iat": None},
        {"nbf": None},
        {"jti": None},
        {"sub": None},
        {"sid": None},
        {"client_id": None},
        {"iss": None},
        {"aud": None},
        {"iss": "https://attacker.example"},
        {"aud": ["https://attacker.example"]},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"exp": "never"},
        {"sub": stranger()},
        {"sid": stranger()},
        {"sid": "5"},
        {"sub": ["a"]},
        just_expired(),
    ],
    ids=str,
)
def test_it_refuses_other_claims(world: World, token: str, claims: dict[str, Any]) -> None:
    assert_refused(world, forged(token, es256(own_key(world)), **claims))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "ES256"])
def test_it_refuses_a_token_without_a_signature(world: World, token: str, algorithm: str) -> None:
    assert_refused(world, forged(token, unsigned, {"alg": algorithm}))


@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        (Encoding.X962, PublicFormat.UncompressedPoint),
    ],
)
def test_it_refuses_the_public_key_as_a_shared_secret(
    world: World, token: str, encoding: Encoding, form: PublicFormat
) -> None:
    public = own_key(world).public_key().public_bytes(encoding, form)
    for secret in (public, public.strip()):
        assert_refused(world, forged(token, hs256(secret), {"alg": "HS256"}))


def test_it_refuses_any_other_key(world: World, token: str) -> None:
    assert_refused(world, forged(token, es256(ec.generate_private_key(ec.SECP256R1()))))


def test_it_refuses_another_environments_token(world: World, token: str) -> None:
    elsewhere = build()
    elsewhere_token = elsewhere.signed_in(ADA)["access_token"]
    assert_refused(world, elsewhere_token)
    assert_refused(elsewhere, token)
    kid = {"kid": parts(token)[0]["kid"]}
    assert_refused(world, forged(elsewhere_token, es256(own_key(elsewhere)), kid))
    with pytest.raises(JoseError):
        verified(world, elsewhere_token)


def test_it_refuses_a_genuine_token_of_another_environments_session(world: World) -> None:
    """Signed here by somebody who has this environment's key, for a person of another one."""
    elsewhere = build()
    foreign = elsewhere.signed_in(ADA)["access_token"]
    header = {"kid": key_set(world).keys[0].kid}
    here = {"iss": world.environment.issuer, "aud": [world.environment.issuer]}
    assert_refused(world, forged(foreign, es256(own_key(world)), header, **here))


@pytest.mark.parametrize(
    "junk",
    ["", "x", "a.b.c", "..", "é.é.é", "e30.e30.e30", "W10.e30.e30", "x" * 5000],
    ids=lambda junk: ascii(junk)[:20],
)
def test_junk_is_no_token(world: World, junk: str) -> None:
    answer = world.get("userinfo", bearer=junk)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


def test_it_refuses_the_token_of_an_application_whose_only_key_was_revoked() -> None:
    world = build()
    token = world.signed_in("ada@example.com")["access_token"]
    assert world.get("userinfo", bearer=token).status_code == 200
    revoke_application_key(ApplicationKey.objects.for_environment(world.environment).get())
    assert world.get("userinfo", bearer=token).status_code == 401
