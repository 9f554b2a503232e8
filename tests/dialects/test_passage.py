"""The Passage dialect as its clients see it."""

from __future__ import annotations

import json

import pytest

from tests.dialects.passage_app import app
from tests.world import build, client

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
PHONE = "+14155550123"


@pytest.mark.parametrize("identifier", [ADA, PHONE])
def test_a_person_registers_and_signs_in(identifier: str) -> None:
    passage = app()
    started = passage.post("register/otp", {"identifier": identifier})
    assert (started.status_code, list(started.json())) == (201, ["otp_id"])
    code = passage.world.code(identifier)
    activated = passage.post("otp/activate", {"otp": code, "otp_id": started.json()["otp_id"]})
    assert activated.status_code == 200
    result = activated.json()["auth_result"]
    assert list(result) == ["auth_token", "redirect_url", "refresh_token", "refresh_token_expiration"]
    login = passage.post("login/otp", {"identifier": identifier})
    assert (login.status_code, list(login.json())) == (200, ["otp_id"])


def test_a_refresh_token_rotates_and_is_revoked_by_a_delete() -> None:
    passage = app()
    tokens = passage.signed_in(ADA)
    refreshed = passage.post("tokens", {"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 200
    token = refreshed.json()["auth_result"]["refresh_token"]
    assert client().delete(f"{passage.root}/tokens?refresh_token={token}").status_code == 200
    refused = passage.post("tokens", {"refresh_token": token})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_refresh_token")


def test_guesses_spend_only_the_tries_of_their_own_otp_id() -> None:
    passage = app(max_tries=3)
    stranger, owner = passage.registered(ADA), passage.registered(ADA)
    wrong = passage.world.wrong_code(ADA)
    for _ in range(3):
        refused = passage.post("otp/activate", {"otp": wrong, "otp_id": stranger})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    locked = passage.post("otp/activate", {"otp": passage.world.code(ADA), "otp_id": stranger})
    assert (locked.status_code, locked.json()["code"]) == (401, "exceeded_attempts")
    assert passage.post("otp/activate", {"otp": passage.world.code(ADA), "otp_id": owner}).status_code == 200


def test_registering_a_known_person_says_so_in_the_words_that_clients_compare() -> None:
    passage = app(concealment=False)
    passage.signed_in(ADA)
    refused = passage.post("register/otp", {"identifier": ADA})
    assert (refused.status_code, refused.json()) == (
        400,
        {"code": "invalid_request", "error": "user: already exists."},
    )


def test_it_refuses_an_otp_id_that_is_unknown_or_of_another_app() -> None:
    passage, other = app(), app()
    otp_id = passage.registered(ADA)
    other.registered(ADA)
    code = passage.world.code(ADA)
    answers = [
        other.post("otp/activate", {"otp": code, "otp_id": otp_id}),
        passage.post("otp/activate", {"otp": code, "otp_id": "no-such-thing"}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("identifier", ["ada", "02345678901234", "+1415", "+1415555012a", "", "ada@", ["x"], 1, None])
def test_it_refuses_an_identifier_that_is_neither(identifier: object) -> None:
    passage = app()
    refused = passage.post("login/otp", {"identifier": identifier})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


def test_it_refuses_a_phone_of_a_country_that_is_not_served() -> None:
    passage = app(sms_countries=["DE"])
    assert passage.post("login/otp", {"identifier": PHONE}).status_code == 400
    assert passage.post("login/otp", {"identifier": "+4915112345678"}).status_code == 200


@pytest.mark.parametrize(
    ("language", "word"), [("de", "Code"), ("pt-BR", "código"), ("xx", "code"), (17, "code"), (None, "code")]
)
def test_the_language_of_the_message_is_a_wish_and_never_an_error(language: object, word: str) -> None:
    passage = app()
    assert passage.post("register/otp", {"identifier": ADA, "language": language}).status_code == 201
    assert word in passage.world.mailbox(ADA)[0]["subject"]


def test_an_unknown_app_and_an_app_that_wants_a_key_are_told_apart() -> None:
    keyed = build()
    body = json.dumps({"identifier": ADA})
    unknown = client().post(f"/v1/apps/{'0' * 32}/login/otp", body, content_type="application/json")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "app_not_found")
    wanting = client().post(f"/v1/apps/{keyed.environment.id.hex}/login/otp", body, content_type="application/json")
    assert (wanting.status_code, wanting.json()["code"]) == (401, "invalid_access_token")


def test_every_answer_may_be_read_by_any_origin() -> None:
    passage = app()
    preflight = client().options(f"{passage.root}/login/otp")
    assert preflight.status_code == 204
    assert "Passage-Element-Version" in preflight["Access-Control-Allow-Headers"]
    for answer in (preflight, passage.post("login/otp", {}), passage.post("register/otp", {"identifier": ADA})):
        assert answer["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_app_names_all_that_clients_read_and_no_passkeys(slash: str) -> None:
    passage = app()
    facts = client().get(passage.root + slash).json()["app"]
    assert facts["id"] == passage.world.environment.id.hex
    assert facts["auth_methods"] == {"otp": {"ttl": 600, "ttl_display_unit": "s"}}
    assert facts["layouts"] == {"profile": [], "registration": []}
    assert None not in facts.values()


# As the vendor's models read them (contracts/passage.md section 6); a null or another type makes some of them throw.
TYPES: dict[str, type] = {
    "allowed_identifier": str,
    "auth_fallback_method": str,
    "auth_fallback_method_ttl": int,
    "auth_methods": dict,
    "auth_origin": str,
    "default_language": str,
    "element_customization": dict,
    "element_customization_dark": dict,
    "ephemeral": bool,
    "hosted": bool,
    "id": str,
    "layouts": dict,
    "login_url": str,
    "name": str,
    "passage_branding": bool,
    "profile_management": bool,
    "public_signup": bool,
    "redirect_url": str,
    "require_email_verification": bool,
    "require_identifier_verification": bool,
    "required_identifier": str,
    "rsa_public_key": str,
    "session_timeout_length": int,
    "social_connections": dict,
    "user_metadata_schema": list,
}


def test_the_app_has_every_field_of_the_vendors_models_in_its_type() -> None:
    facts = app().get().json()["app"]
    assert {name: type(value) for name, value in facts.items()} == TYPES
    assert facts["allowed_identifier"] in {"email", "phone", "both"}
    assert facts["required_identifier"] in {"phone", "email", "both", "either"}
    assert facts["auth_fallback_method"] in {"otp", "magic_link", "none"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "login/otp", 200),
        ("POST", "register/otp", 201),
        ("POST", "otp/activate", 400),
        ("POST", "tokens", 401),
        ("DELETE", "tokens", 200),
        ("OPTIONS", "tokens", 204),
        ("GET", "", 200),
        ("GET", ".well-known/jwks.json", 200),
        ("GET", ".well-known/openid-configuration", 200),
    ],
)
def test_a_trailing_slash_changes_nothing_and_is_never_redirected(method: str, path: str, status: int) -> None:
    body = json.dumps({"identifier": ADA, "otp": "123456", "otp_id": "x", "refresh_token": "x"})
    for slash in ("", "/"):
        url = f"{app().root}/{path}".rstrip("/") + slash
        query = {"refresh_token": "x"} if method == "DELETE" else None
        answer = client().generic(method, url, body, "application/json", query_params=query)
        assert answer.status_code == status


def test_a_revocation_needs_one_token_in_the_query() -> None:
    passage = app()
    for query in ("", "?refresh_token", "?refresh_token=" + "x" * 5000, "?token=x"):
        answer = client().delete(f"{passage.root}/tokens{query}")
        expected = (200, "") if query == "?refresh_token" else (400, "invalid_request")
        assert (answer.status_code, answer.json().get("code", "")) == expected


def test_somebody_who_asks_too_soon_gets_a_handle_for_the_code_that_was_sent() -> None:
    passage = app(resend_after=30)
    passage.registered(ADA)
    again = passage.post("register/otp", {"identifier": ADA})
    assert again.status_code == 201
    assert len(passage.world.mailbox(ADA)) == 1
    assert passage.activate(again.json()["otp_id"], passage.world.code(ADA)).status_code == 200
