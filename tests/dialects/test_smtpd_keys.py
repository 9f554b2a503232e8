"""A person's own API keys over the wire: made, listed, shown, revoked, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from apps.audit.models import Event
from apps.core import crypto
from apps.passwordless.api_keys import MOST_LIVE_KEYS, MOST_SHOWN
from apps.tokens.api_keys import ApiKey
from apps.users.models import EndUser
from tests.at_once import at_once
from tests.dialects import bad_values
from tests.dialects.smtpd_account import KEYS, Account, account, basic, bearer

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"
FIELDS = ["id", "name", "site_url", "last_four", "scopes"]
MOMENTS = ["created_at_utc", "expires_at_utc", "last_used_at_utc", "revoked_at_utc"]
NOT_FOUND = (404, {"code": 40401, "message": "There is no such API key."})


def told(answer: Answer) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


def refused(answer: Answer) -> tuple[int, int]:
    assert list(answer.json()) == ["code", "message"]
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def here(database: None) -> Account:
    """Where Ada and Bob are known. These keys are there whether the password grant is on or off."""
    made = account(password_grant=False)
    for email in (ADA, BOB):
        made.world.signed_in(email)
    return made


def token(here: Account, email: str = ADA) -> dict[str, str]:
    here.world.log_in(email)
    answer = here.world.verify(email, here.world.code(email))
    return bearer(answer.json()["access_token"])


def create(here: Account, headers: dict[str, str], **body: Any) -> Answer:
    return here.send("POST", KEYS, {"name": "Laptop", **body}, headers)


def shown(here: Account, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = here.send("GET", KEYS, headers=headers).json()["api_keys"]
    return answer


class TestCreation:
    def test_the_secret_is_shown_once_and_acts_for_its_maker(self, here: Account) -> None:
        ada = token(here)
        answer = create(here, ada)
        body = answer.json()
        secret = body.pop("api_key")
        assert answer.status_code == 201
        assert list(body) == FIELDS + MOMENTS
        assert (body["name"], body["scopes"], body["last_four"]) == ("Laptop", ["account"], secret[-4:])
        assert here.me(bearer(secret)).json()["email_address"] == ADA
        key = here.send("GET", f"{KEYS}/{body['id']}", headers=ada).json()
        assert key.pop("last_used_at_utc") is not None
        assert key.items() <= body.items()
        assert secret not in here.send("GET", KEYS, headers=ada).content.decode()

    def test_it_is_recorded_with_who_did_it(self, here: Account) -> None:
        made = create(here, token(here)).json()
        key = ApiKey.objects.get(id=made["id"])
        event = Event.objects.for_environment(here.world.environment).get(kind=Event.Kind.API_KEY_CREATED)
        assert (event.user_id, event.client_id, event.ip) == (key.user_id, key.client_id, "127.0.0.1")
        assert event.facts == {"key": str(key.id), "by": "owner"}

    def test_a_key_hands_on_what_it_has_and_no_more(self, here: Account) -> None:
        key = basic(here.key(ADA, "account", "images:write"))
        assert create(here, key).json()["scopes"] == ["account", "images:write"]
        assert create(here, key, scopes=["images:write", "images:write"]).json()["scopes"] == ["images:write"]
        for scopes in (["images:read"], ["account", "messages:read"], ["tokens:introspect"]):
            assert refused(create(here, key, scopes=scopes)) == (400, 40003)

    def test_a_sign_in_makes_no_key_of_a_server(self, here: Account) -> None:
        ada = token(here)
        for scope in ("messages:read", "tokens:introspect", "images:write"):
            assert refused(create(here, ada, scopes=["account", scope])) == (400, 40003)

    def test_a_key_that_is_to_end_does_not_live_on_in_another(self, here: Account) -> None:
        ends = timezone.now() + timedelta(hours=1)
        made = create(here, basic(here.key(ADA, expires_at=ends))).json()
        assert made["expires_at_utc"] == int(ends.timestamp() * 1000)
        assert create(here, token(here)).json()["expires_at_utc"] is None

    def test_nor_by_way_of_a_token(self) -> None:
        there = account()
        there.world.signed_in(ADA)
        ends = timezone.now() + timedelta(hours=1)
        traded = there.token(headers=basic(there.key(ADA, expires_at=ends))).json()["access_token"]
        assert create(there, bearer(traded)).json()["expires_at_utc"] == int(ends.timestamp() * 1000)

    def test_nobody_has_more_than_the_bound(self, here: Account) -> None:
        ada = token(here)
        user_id = here.me(ada).json()["id"]
        for number in range(MOST_LIVE_KEYS - 5):
            ApiKey.objects.mint(here.world.environment, name=f"Key {number}", scopes=[], user_id=user_id)
        answers = at_once(10, lambda _number: create(here, ada).status_code)
        assert sorted(answers) == [201] * 5 + [403] * 5
        assert refused(create(here, ada)) == (403, 40302)
        here.send("PUT", f"{KEYS}/{shown(here, ada)[0]['id']}/revoke", headers=ada)
        assert create(here, ada).status_code == 201

    @pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\nb", "a\u202eb", *bad_values.OF_THE_WRONG_TYPE], ids=repr)
    def test_it_refuses_what_is_no_name(self, here: Account, name: Any) -> None:
        ada = token(here)
        assert refused(create(here, ada, name=name)) == (400, 40001)
        assert shown(here, ada) == []

    @pytest.mark.parametrize(
        "scopes",
        ["account", [], [1], [""], ["two words"], ['"'], ["x" * 41], ["é"], [["account"]], ["account"] * 21, {}],
    )
    def test_it_refuses_what_is_no_list_of_scopes(self, here: Account, scopes: Any) -> None:
        assert refused(create(here, token(here), scopes=scopes)) == (400, 40001)

    @pytest.mark.parametrize("body", bad_values.BODIES)
    def test_it_refuses_a_body_that_is(self, here: Account, body: str) -> None:
        make, status = bad_values.BODIES[body]
        ada = token(here)
        answer = here.send("POST", KEYS, make('{"name": "Laptop"}'), ada)
        assert refused(answer) == (status, {400: 40001, 413: 41301}[status])
        assert shown(here, ada) == []

    def test_a_form_will_do_and_a_query_will_not(self, here: Account) -> None:
        ada = token(here)
        assert here.send("POST", KEYS, "name=Laptop", ada).status_code == 201
        assert refused(here.send("POST", KEYS, None, ada, name="Laptop")) == (400, 40001)


class TestLooking:
    def test_each_sees_their_own(self, here: Account) -> None:
        ada, bob = token(here), token(here, BOB)
        names = ["First", "Second"]
        made = [create(here, ada, name=name).json()["id"] for name in names]
        create(here, bob, name="Bob's")
        assert [key["name"] for key in shown(here, ada)] == names[::-1]
        assert [key["name"] for key in shown(here, bob)] == ["Bob's"]
        assert here.send("GET", f"{KEYS}/{made[0]}", headers=ada).json()["name"] == "First"

    def test_what_is_live_comes_first_and_the_list_ends(self, here: Account) -> None:
        ada = token(here)
        first = create(here, ada, name="Live").json()["id"]
        user_id = here.me(ada).json()["id"]
        for number in range(MOST_SHOWN):
            facts = {"user_id": user_id, "revoked_at": timezone.now()}
            ApiKey.objects.mint(here.world.environment, name=f"Ended {number}", scopes=[], **facts)
        keys = shown(here, ada)
        assert len(keys) == MOST_SHOWN
        assert keys[0]["id"] == first

    def test_another_persons_key_looks_like_none(self, here: Account) -> None:
        ada, bob = token(here), token(here, BOB)
        theirs = create(here, bob).json()["id"]
        servers = ApiKey.objects.for_environment(here.world.environment).get(user=None).id.hex
        ids = [theirs, servers, crypto.new_id().hex, "junk", "%00", "%FF", "..", "1", "x" * 500]
        for key_id in ids:
            for answer in (
                here.send("GET", f"{KEYS}/{key_id}", headers=ada),
                here.send("PUT", f"{KEYS}/{key_id}/revoke", headers=ada),
            ):
                assert told(answer) == NOT_FOUND
        assert shown(here, bob)[0]["revoked_at_utc"] is None


class TestRevocation:
    def test_it_holds_from_the_next_request_on_and_twice_is_once(self, here: Account) -> None:
        ada = token(here)
        made = create(here, ada).json()
        answers = [here.send("PUT", f"{KEYS}/{made['id']}/revoke", headers=ada) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["revoked_at_utc"] is not None
        assert here.me(bearer(made["api_key"])).status_code == 401
        event = Event.objects.for_environment(here.world.environment).get(kind=Event.Kind.API_KEY_REVOKED)
        assert event.facts == {"key": str(ApiKey.objects.get(id=made["id"]).id), "reason": "owner"}
        assert event.user_id == ApiKey.objects.get(id=made["id"]).user_id

    def test_a_key_may_revoke_itself(self, here: Account) -> None:
        secret = here.key(ADA)
        (key,) = shown(here, bearer(secret))
        assert here.send("PUT", f"{KEYS}/{key['id']}/revoke", headers=basic(secret)).status_code == 200
        assert refused(here.send("GET", KEYS, headers=basic(secret))) == (401, 40103)

    def test_of_many_at_once_one_is_recorded(self, here: Account) -> None:
        ada = token(here)
        made = create(here, ada).json()["id"]
        rows = ApiKey.objects.filter(id=made)
        answers = at_once(
            10, lambda _n: here.send("PUT", f"{KEYS}/{made}/revoke", headers=ada).status_code, behind=rows
        )
        assert answers == [200] * 10
        events = Event.objects.for_environment(here.world.environment).filter(kind=Event.Kind.API_KEY_REVOKED)
        assert events.count() == 1


class TestWhoMay:
    @pytest.mark.parametrize("path", [KEYS, f"{KEYS}/{'0' * 32}", f"{KEYS}/{'0' * 32}/revoke"])
    def test_only_a_person_by_a_token_or_a_key_of_their_own(self, here: Account, path: str) -> None:
        method = "PUT" if path.endswith("revoke") else "GET"
        passage = here.world.post("register/otp", {"identifier": "new@example.com"}).json()["otp_id"]
        activated = here.world.post("otp/activate", {"otp": here.world.code("new@example.com"), "otp_id": passage})
        elsewhere = account()
        elsewhere.world.signed_in(ADA)
        wrong = [
            {},
            bearer("junk"),
            basic("junk"),
            basic(ADA, "123456"),
            bearer(here.world.messages_key),
            bearer(here.key(ADA, "images:write")),
            bearer(here.key(ADA, revoked_at=timezone.now())),
            bearer(elsewhere.key(ADA)),
            token(elsewhere),
            bearer(activated.json()["auth_result"]["auth_token"]),
            bearer(here.world.app_key),
        ]
        answers = [here.send(method, path, headers=headers) for headers in wrong]
        assert [answer.status_code for answer in answers] == [401] * len(wrong)
        assert len({answer.content for answer in answers}) == 1
        for headers in (
            token(here),
            bearer(here.key(ADA)),
            basic(here.key(ADA)),
            {"Authentication": "x"} and token(here),
        ):
            assert here.send(method, path, headers=headers).status_code in {200, 404}

    def test_a_person_who_was_disabled_may_nothing(self, here: Account) -> None:
        ada, key = token(here), bearer(here.key(ADA))
        EndUser.objects.for_environment(here.world.environment).update(disabled_at=timezone.now())
        for headers in (ada, key):
            assert refused(create(here, headers)) == (401, 40103)

    def test_who_may_not_is_told_so_before_the_body_is_looked_at(self, here: Account) -> None:
        assert refused(here.send("POST", KEYS, b"junk")) == (401, 40103)

    @pytest.mark.parametrize(
        ("path", "methods"), [(KEYS, {"GET", "POST"}), (f"{KEYS}/x", {"GET"}), (f"{KEYS}/x/revoke", {"PUT"})]
    )
    def test_other_methods_are_not_allowed(self, here: Account, path: str, methods: set[str]) -> None:
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            assert refused(here.send(method, path, {})) == (405, 40501)
