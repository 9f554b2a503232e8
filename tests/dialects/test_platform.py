"""What is ours beside the dialects: captured messages, the current user, keys and metadata for verifiers."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import urlsplit

import jwt
import pytest
from django.test import Client
from django.utils import timezone

from apps.delivery.models import CapturedMessage
from apps.tenants.models import Environment
from apps.tokens.api_keys import ApiKey, Scope
from apps.users.models import EndUser
from tests.world import World, build, client, deliver_due

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"
WELL_KNOWN = [".well-known/jwks.json", ".well-known/openid-configuration"]
INVALID_TOKEN = {"error": "invalid_token", "error_description": "The token is missing, expired or not valid here."}
NOT_FOUND = {"error": "not_found", "error_description": "There is nothing at this address."}


def is_refused(world: World, path: str, bearer: str) -> bool:
    answer = world.get(path, bearer=bearer)
    challenge = answer.headers.get("WWW-Authenticate")
    return (answer.status_code, answer.json(), challenge) == (401, INVALID_TOKEN, 'Bearer error="invalid_token"')


def unsigned(header: str) -> str:
    encoded = base64.urlsafe_b64encode(header.encode()).rstrip(b"=").decode()
    return f"{encoded}.e30.c2ln"


class TestCapturedMessages:
    def test_they_come_newest_first_and_tell_what_was_sent(self) -> None:
        world = build()
        for email in (ADA, BOB):
            world.sign_up(email)
            deliver_due()
        messages = world.get("dev/messages", bearer=world.messages_key).json()["messages"]
        assert [message["recipient"] for message in messages] == [BOB, ADA]
        for message in messages:
            assert list(message) == ["id", "recipient", "sent_at", "subject", "text", "html", "code"]
            assert message["code"] in message["text"]

    @pytest.mark.parametrize("recipient", [ADA, "ADA@Example.COM", " ada@example.com "])
    def test_they_are_filtered_by_the_person_not_by_the_spelling(self, recipient: str) -> None:
        world = build()
        for email in (ADA, BOB):
            world.sign_up(email)
        assert [message["recipient"] for message in world.mailbox(recipient)] == [ADA]

    def test_nobody_else_has_any(self) -> None:
        world = build()
        world.sign_up(ADA)
        assert world.mailbox("nobody@example.com") == []

    def test_only_the_fifty_newest_are_told(self) -> None:
        world = build()
        people = [f"person{number}@example.com" for number in range(52)]
        for email in people:
            world.sign_up(email)
            deliver_due()
        messages = world.get("dev/messages", bearer=world.messages_key).json()["messages"]
        assert [message["recipient"] for message in messages] == people[:1:-1]

    def test_they_are_gone_after_a_day(self) -> None:
        world = build()
        world.sign_up(ADA)
        assert world.mailbox(ADA)
        rows = CapturedMessage.objects.for_environment(world.environment)
        rows.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
        assert world.mailbox(ADA) == []

    @pytest.mark.parametrize("recipient", ["", "ada", "ada@example.com\x00", "a@x.test,b@x.test", "x" * 300])
    def test_a_recipient_that_is_no_address_is_an_error(self, recipient: str) -> None:
        world = build()
        answer = world.get("dev/messages", bearer=world.messages_key, recipient=recipient)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    @pytest.mark.parametrize("key", ["", "junk", "sk_test_" + "x" * 38, "sk_test_\xe9", "é" * 46])
    def test_they_need_a_key(self, key: str) -> None:
        assert is_refused(build(), "dev/messages", key)

    def test_no_other_credential_opens_them(self) -> None:
        world = build()
        signed_in = world.signed_in(ADA)
        for credential in (world.app_key, signed_in["access_token"], signed_in["refresh_token"]):
            assert is_refused(world, "dev/messages", credential)

    def test_a_key_needs_the_scope(self) -> None:
        world = build()
        _key, secret = ApiKey.objects.mint(world.environment, name="No scope", scopes=[])
        assert is_refused(world, "dev/messages", secret)

    @pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
    def test_an_ended_key_opens_nothing(self, column: str) -> None:
        world = build()
        ApiKey.objects.for_environment(world.environment).update(**{column: timezone.now()})
        assert is_refused(world, "dev/messages", world.messages_key)

    def test_a_key_in_the_query_is_refused(self) -> None:
        world = build()
        for name in ("key", "api_key", "access_token", "Authorization"):
            answer = world.get("dev/messages", **{name: world.messages_key})
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    def test_production_has_none_whatever_the_key(self) -> None:
        world = build(kind=Environment.Kind.PRODUCTION, name="production")
        world.sign_up(ADA)
        deliver_due()
        assert not CapturedMessage.objects.for_environment(world.environment).exists()
        _key, secret = ApiKey.objects.mint(world.environment, name="Reader", scopes=[Scope.READ_MESSAGES])
        assert is_refused(world, "dev/messages", secret)


class TestUserInfo:
    def test_it_tells_whose_token_it_is(self) -> None:
        world = build()
        signed_in = world.signed_in(ADA)
        answer = world.get("userinfo", bearer=signed_in["access_token"])
        assert answer.json() == {"sub": signed_in["user_id"], "email": ADA, "email_verified": True}
        assert answer.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "junk",
            "a.b.c",
            "é.é.é",
            "x" * 5000,
            unsigned('{"alg":"none"}'),
            unsigned("[]"),
            unsigned("1"),
            unsigned('{"alg":"ES256","kid":[]}'),
            unsigned('{"alg":"ES256","kid":{}}'),
            unsigned("[" * 2900),
            unsigned('{"kid":' + "9" * 2900 + "}"),
        ],
        ids=str.__len__,
    )
    def test_it_refuses_what_is_no_token(self, token: str) -> None:
        assert is_refused(build(), "userinfo", token)

    def test_it_refuses_every_other_credential(self) -> None:
        world = build()
        for credential in (world.signed_in(ADA)["refresh_token"], world.app_key, world.messages_key):
            assert is_refused(world, "userinfo", credential)

    def test_it_refuses_a_token_under_another_algorithm(self) -> None:
        world = build()
        token = world.signed_in(ADA)["access_token"]
        kid, claims = jwt.get_unverified_header(token)["kid"], jwt.decode(token, options={"verify_signature": False})
        forged = jwt.encode(claims, "k" * 32, "HS256", headers={"kid": kid, "typ": "at+jwt"})
        assert is_refused(world, "userinfo", forged)

    def test_it_takes_no_token_in_the_query(self) -> None:
        world = build()
        answer = world.get("userinfo", access_token=world.signed_in(ADA)["access_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    def test_a_disabled_persons_token_has_ended(self) -> None:
        world = build()
        token = world.signed_in(ADA)["access_token"]
        EndUser.objects.for_environment(world.environment).update(disabled_at=timezone.now())
        assert is_refused(world, "userinfo", token)


class TestWellKnown:
    @pytest.mark.parametrize("path", WELL_KNOWN)
    def test_it_is_public_for_browsers_and_for_five_minutes(self, path: str) -> None:
        answer = build().get(path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "public, max-age=300"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"

    def test_the_metadata_leads_to_the_keys_that_verify_a_token(self) -> None:
        world = build()
        metadata = world.get(".well-known/openid-configuration").json()
        assert metadata["issuer"] == world.environment.issuer
        keys = client().get(urlsplit(metadata["jwks_uri"]).path).json()["keys"]
        assert all(set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in keys)
        token = world.signed_in(ADA)["access_token"]
        signer = jwt.PyJWKSet.from_dict({"keys": keys})[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, signer.key, algorithms=["ES256"], audience=metadata["issuer"])
        assert claims["iss"] == metadata["issuer"]

    @pytest.mark.parametrize("path", WELL_KNOWN)
    def test_it_answers_at_an_issuers_own_address_only(self, path: str) -> None:
        environment = build().environment
        project, own = environment.project_id, environment.id
        for root in (f"/auth/{project}/{environment.name}", f"/v1/apps/{own}", f"/v1/apps/{own.hex.upper()}"):
            spelt_otherwise = client().get(f"{root}/{path}")
            assert (spelt_otherwise.status_code, spelt_otherwise.json()) == (404, NOT_FOUND)

    @pytest.mark.parametrize("path", WELL_KNOWN)
    @pytest.mark.parametrize("name", ["production", "DEVELOPMENT", "dev%00elopment", "dev%ED%A0%80", "%FF", "x" * 500])
    def test_an_unknown_environment_has_none(self, path: str, name: str) -> None:
        answer = client().get(f"/auth/{build().environment.project_id.hex}/{name}/{path}")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


@pytest.mark.parametrize("path", [*WELL_KNOWN, "userinfo", "dev/messages"])
def test_a_trailing_slash_changes_nothing(path: str) -> None:
    world = build()
    bearer = world.messages_key if path == "dev/messages" else world.signed_in(ADA)["access_token"]
    with_slash, without = (world.get(f"{path}{slash}", bearer=bearer) for slash in ("/", ""))
    assert with_slash.status_code == without.status_code == 200
    assert with_slash.content == without.content


@pytest.mark.parametrize("path", [*WELL_KNOWN, "userinfo", "dev/messages"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_it_is_only_read(path: str, method: str) -> None:
    answer = getattr(client(), method)(f"{build().root}/{path}")
    assert (answer.status_code, answer.json()["error"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", [*WELL_KNOWN, "userinfo", "dev/messages", "email-otp-login"])
def test_another_host_is_not_answered(path: str) -> None:
    world = build()
    answer = Client(HTTP_HOST="elsewhere.example").get(f"{world.root}/{path}")
    assert (answer.status_code, answer.json()["error"]) == (421, "misdirected_request")


def test_another_root_leads_nowhere() -> None:
    environment = build().environment
    for root in ("", "/v1/apps", f"/auth/{environment.project_id.hex}", f"/v2/apps/{environment.id.hex}"):
        answer = client().get(f"{root}/.well-known/jwks.json")
        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
