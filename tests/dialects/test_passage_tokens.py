"""The tokens of the Passage profile, and the two issuers of an environment: what verifiers of each are told."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.dialects.passage_app import app
from tests.world import World, build, client

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


def keys(issuer: str) -> list[dict[str, Any]]:
    """As a verifier finds them: by the metadata of the issuer."""
    metadata = client().get(f"{urlsplit(issuer).path}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == issuer
    found: list[dict[str, Any]] = client().get(urlsplit(metadata["jwks_uri"]).path).json()["keys"]
    return found


def signer(token: str, issuer: str) -> jwt.PyJWK:
    return jwt.PyJWKSet.from_dict({"keys": keys(issuer)})[jwt.get_unverified_header(token)["kid"]]


def userinfo(world: World, token: str) -> int:
    return world.get("userinfo", bearer=token).status_code


def test_a_token_says_what_passages_sdks_check() -> None:
    passage = app()
    environment = passage.world.environment
    token = passage.signed_in(ADA)["auth_token"]
    header = jwt.get_unverified_header(token)
    key = signer(token, environment.passage_issuer)
    assert header == {"alg": "RS256", "typ": "JWT", "kid": key.key_id}
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=environment.id.hex)
    assert claims["iss"] == environment.passage_issuer
    assert claims["aud"] == [environment.id.hex, "https://shop.example.com"]
    assert claims["exp"] - claims["iat"] == environment.access_token_ttl
    assert claims["nbf"] <= claims["iat"]
    assert isinstance(claims["sub"], str)


def test_without_an_origin_the_audience_is_the_app_alone_and_still_a_list() -> None:
    passage = app(auth_origin="")
    claims = jwt.decode(passage.signed_in(ADA)["auth_token"], options={"verify_signature": False})
    assert claims["aud"] == [passage.world.environment.id.hex]


def test_a_refreshed_token_is_of_the_same_session_and_person() -> None:
    passage = app()
    first = passage.signed_in(ADA)
    second = passage.post("tokens", {"refresh_token": first["refresh_token"]}).json()["auth_result"]
    before, after = (
        jwt.decode(result["auth_token"], options={"verify_signature": False}) for result in (first, second)
    )
    assert [before[claim] for claim in ("sub", "sid", "aud")] == [after[claim] for claim in ("sub", "sid", "aud")]
    assert before["jti"] != after["jti"]


def test_its_keys_are_rsa_and_each_names_its_algorithm() -> None:
    for key in keys(app().world.environment.passage_issuer):
        assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
        assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")


def test_the_two_issuers_share_no_key_and_no_document() -> None:
    environment = build().environment
    assert environment.issuer != environment.passage_issuer
    ours, passages = ({key["kid"] for key in keys(name)} for name in (environment.issuer, environment.passage_issuer))
    assert ours
    assert passages
    assert not ours & passages


def test_the_metadata_of_passage_has_the_three_fields_of_its_contract() -> None:
    issuer = build().environment.passage_issuer
    metadata = client().get(f"{urlsplit(issuer).path}/.well-known/openid-configuration").json()
    assert set(metadata) == {"issuer", "jwks_uri", "authorization_endpoint"}
    assert all(url.startswith(issuer) for url in metadata.values())


def test_a_token_of_one_profile_is_none_of_the_other() -> None:
    passage = app()
    theirs, ours = passage.signed_in(ADA), passage.world.signed_in(ADA)
    assert (userinfo(passage.world, theirs["auth_token"]), userinfo(passage.world, ours["access_token"])) == (401, 200)


def test_a_refresh_token_stays_in_the_dialect_that_issued_it() -> None:
    """Also where the client is the same: else a refresh would change the kind of token that a server trusts."""
    passage = app()
    theirs, ours = passage.signed_in(ADA), passage.world.signed_in(ADA)
    for app_key in ("", passage.world.app_key):
        headers = {"APP-KEY": app_key} if app_key else {}
        swapped = client().post(
            f"{passage.root}/tokens",
            {"refresh_token": ours["refresh_token"]},
            content_type="application/json",
            headers=headers,
        )
        assert (swapped.status_code, swapped.json()["code"]) == (401, "invalid_refresh_token")
        other = passage.world.post("token/refresh", {"refresh_token": theirs["refresh_token"]}, app_key=app_key)
        assert (other.status_code, other.json()["error"]) == (400, "invalid_refresh_token")
    assert passage.post("tokens", {"refresh_token": theirs["refresh_token"]}).status_code == 200
    assert passage.world.refresh(ours["refresh_token"]).status_code == 200


def test_every_app_has_a_key_of_its_own() -> None:
    """No SDK checks `iss`: with a shared key a token of one app would pass for another's."""
    kids = [{key["kid"] for key in keys(app().world.environment.passage_issuer)} for _ in range(2)]
    assert not kids[0] & kids[1]


def test_the_apps_public_key_is_the_one_that_signs() -> None:
    """Base64 of a PEM, as the vendor's app object has it; old SDKs verify with it and never ask for the JWKS."""
    passage = app()
    pem = base64.b64decode(client().get(passage.root).json()["app"]["rsa_public_key"], validate=True)
    assert pem.startswith(b"-----BEGIN PUBLIC KEY-----\n")
    key = load_pem_public_key(pem)
    assert isinstance(key, RSAPublicKey)
    token = passage.signed_in(ADA)["auth_token"]
    assert jwt.decode(token, key, algorithms=["RS256"], audience=passage.world.environment.id.hex)


def test_an_auth_result_has_the_types_that_the_clients_parse() -> None:
    passage = app()
    activated = passage.signed_in(ADA)
    refreshed = passage.post("tokens", {"refresh_token": activated["refresh_token"]}).json()["auth_result"]
    for result in (activated, refreshed):
        assert {name: type(value) for name, value in result.items()} == {
            "auth_token": str,
            "redirect_url": str,
            "refresh_token": str,
            "refresh_token_expiration": int,
        }
        claims = jwt.decode(result["auth_token"], options={"verify_signature": False})
        assert result["refresh_token_expiration"] > claims["exp"], "in seconds since the epoch"


def test_redirect_url_is_never_empty() -> None:
    """Passage's elements ignore a sign-in whose redirect_url is "" (contracts/clients.md)."""
    assert app().signed_in(ADA)["redirect_url"] == "/"
    assert app(redirect_url="/welcome").signed_in(ADA)["redirect_url"] == "/welcome"
