"""The Passage dialect as its clients see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.world import World, build, client, deliver_due

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
PHONE = "+14155550123"


class App:
    """An environment as Passage's clients address it: by app id, and without a key."""

    def __init__(self, **policy: Any) -> None:
        self.world: World = build(allows_keyless_clients=True, auth_origin="https://shop.example.com", **policy)
        self.root = f"/v1/apps/{self.world.environment.id.hex}"

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        answer: Answer = client().post(f"{self.root}/{path}", json.dumps(body), content_type="application/json")
        return answer

    def registered(self, identifier: str) -> str:
        """The `otp_id` of a registration."""
        return str(self.post("register/otp", {"identifier": identifier}).json()["otp_id"])

    def signed_in(self, identifier: str) -> dict[str, Any]:
        otp_id = self.registered(identifier)
        activated = self.post("otp/activate", {"otp": self.world.code(identifier), "otp_id": otp_id})
        result: dict[str, Any] = activated.json()["auth_result"]
        return result


@pytest.mark.parametrize("identifier", [ADA, PHONE])
def test_a_person_registers_and_signs_in(identifier: str) -> None:
    app = App()
    started = app.post("register/otp", {"identifier": identifier})
    assert (started.status_code, list(started.json())) == (201, ["otp_id"])
    code = app.world.code(identifier)
    activated = app.post("otp/activate", {"otp": code, "otp_id": started.json()["otp_id"]})
    assert activated.status_code == 200
    result = activated.json()["auth_result"]
    assert list(result) == ["auth_token", "redirect_url", "refresh_token", "refresh_token_expiration"]
    login = app.post("login/otp", {"identifier": identifier})
    assert (login.status_code, list(login.json())) == (200, ["otp_id"])


def test_a_refresh_token_rotates_and_is_revoked_by_a_delete() -> None:
    app = App()
    tokens = app.signed_in(ADA)
    refreshed = app.post("tokens", {"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 200
    token = refreshed.json()["auth_result"]["refresh_token"]
    assert client().delete(f"{app.root}/tokens?refresh_token={token}").status_code == 200
    refused = app.post("tokens", {"refresh_token": token})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_refresh_token")


def test_guesses_spend_only_the_tries_of_their_own_otp_id() -> None:
    app = App(max_tries=3)
    stranger, owner = app.registered(ADA), app.registered(ADA)
    wrong = app.world.wrong_code(ADA)
    for _ in range(3):
        refused = app.post("otp/activate", {"otp": wrong, "otp_id": stranger})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")
    locked = app.post("otp/activate", {"otp": app.world.code(ADA), "otp_id": stranger})
    assert (locked.status_code, locked.json()["code"]) == (401, "exceeded_attempts")
    assert app.post("otp/activate", {"otp": app.world.code(ADA), "otp_id": owner}).status_code == 200


def test_registering_a_known_person_says_so_in_the_words_that_clients_compare() -> None:
    app = App(concealment=False)
    app.signed_in(ADA)
    refused = app.post("register/otp", {"identifier": ADA})
    assert (refused.status_code, refused.json()) == (
        400,
        {"code": "invalid_request", "error": "user: already exists."},
    )


def test_it_refuses_an_otp_id_that_is_unknown_or_of_another_app() -> None:
    app, other = App(), App()
    otp_id = app.registered(ADA)
    other.registered(ADA)
    code = app.world.code(ADA)
    answers = [
        other.post("otp/activate", {"otp": code, "otp_id": otp_id}),
        app.post("otp/activate", {"otp": code, "otp_id": "no-such-thing"}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize("identifier", ["ada", "02345678901234", "+1415", "+1415555012a", "", "ada@", ["x"], 1, None])
def test_it_refuses_an_identifier_that_is_neither(identifier: object) -> None:
    app = App()
    refused = app.post("login/otp", {"identifier": identifier})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_request")


def test_it_refuses_a_phone_of_a_country_that_is_not_served() -> None:
    app = App(sms_countries=["DE"])
    assert app.post("login/otp", {"identifier": PHONE}).status_code == 400
    assert app.post("login/otp", {"identifier": "+4915112345678"}).status_code == 200


@pytest.mark.parametrize(("language", "word"), [("de", "Code"), ("pt-BR", "código"), ("xx", "code"), (17, "code")])
def test_the_language_of_the_message_is_a_wish_and_never_an_error(language: object, word: str) -> None:
    app = App()
    assert app.post("register/otp", {"identifier": ADA, "language": language}).status_code == 201
    assert word in app.world.mailbox(ADA)[0]["subject"]


def test_an_unknown_app_and_an_app_that_wants_a_key_are_told_apart() -> None:
    keyed = build()
    body = json.dumps({"identifier": ADA})
    unknown = client().post(f"/v1/apps/{'0' * 32}/login/otp", body, content_type="application/json")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "app_not_found")
    wanting = client().post(f"/v1/apps/{keyed.environment.id.hex}/login/otp", body, content_type="application/json")
    assert (wanting.status_code, wanting.json()["code"]) == (401, "invalid_access_token")


def test_every_answer_may_be_read_by_any_origin() -> None:
    app = App()
    preflight = client().options(f"{app.root}/login/otp")
    assert preflight.status_code == 204
    assert "Passage-Element-Version" in preflight["Access-Control-Allow-Headers"]
    for answer in (preflight, app.post("login/otp", {}), app.post("register/otp", {"identifier": ADA})):
        assert answer["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_app_names_all_that_clients_read_and_no_passkeys(slash: str) -> None:
    app = App()
    facts = client().get(app.root + slash).json()["app"]
    assert facts["id"] == app.world.environment.id.hex
    assert facts["auth_methods"] == {"otp": {"ttl": 600, "ttl_display_unit": "s"}}
    assert facts["layouts"] == {"profile": [], "registration": []}
    assert None not in facts.values()


def test_a_disabled_person_hears_nothing_of_it_where_people_are_concealed() -> None:
    app = App()
    otp_id = app.registered(ADA)
    deliver_due()
    assert app.post("otp/activate", {"otp": app.world.wrong_code(ADA), "otp_id": otp_id}).status_code == 400
