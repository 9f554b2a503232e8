"""SMTPD's refusals of requests that are malformed or say two things at once."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.dialects import bad_values
from tests.dialects.smtpd_account import account, basic, bearer, refused
from tests.world import client

pytestmark = pytest.mark.usefixtures("database")
ADA, BOB = "ada@example.com", "bob@example.com"


class TestBadRequests:
    @pytest.mark.parametrize("name", ["username", "password", "refresh_token", "api_key", "scope", "a"])
    def test_the_query_holds_the_grant_type_and_nothing_else(self, name: str) -> None:
        here = account()
        credentials = basic(ADA, here.code(ADA))
        query: dict[str, Any] = {"grant_type": "password", name: "x"}
        answer = here.send("POST", "oauth/token", None, credentials, **query)
        assert refused(answer) == (400, 40001)
        assert here.token(headers=credentials).status_code == 200

    def test_credentials_in_the_query_open_nothing(self) -> None:
        here = account()
        query: dict[str, Any] = {"grant_type": "password", "username": ADA, "password": here.code(ADA)}
        assert refused(here.send("POST", "oauth/token", None, **query)) == (400, 40001)
        assert refused(here.send("GET", "oauth/token", None, **query)) == (405, 40501)

    @pytest.mark.parametrize(
        ("query", "body", "expected"),
        [
            ("", {}, (400, 40001)),
            ("grant_type=", {}, (400, 40002)),
            ("grant_type=password", {}, (400, 40001)),
            ("grant_type=refresh_token", {}, (400, 40001)),
            ("grant_type=client_credentials", {}, (400, 40002)),
            ("grant_type=PASSWORD", {}, (400, 40002)),
            ("grant_type=password&grant_type=password", {"username": ADA, "password": "x"}, (400, 40001)),
            ("grant_type=password&grant_type=refresh_token", {"username": ADA, "password": "x"}, (400, 40001)),
            ("grant_type=password", {"grant_type": "refresh_token"}, (400, 40001)),
            ("grant_type=password", {"grant_type": ["password"]}, (400, 40001)),
            ("", {"grant_type": ["password"]}, (400, 40002)),
            ("", {"grant_type": None}, (400, 40002)),
            ("grant_type=%00", {}, (400, 40002)),
            ("grant_type=%ff", {}, (400, 40002)),
            ("grant_type=password", {"username": ADA}, (400, 40001)),
            ("grant_type=password", {"password": "x"}, (400, 40001)),
            ("grant_type=password", {"username": [ADA], "password": "x"}, (400, 40001)),
            ("grant_type=password", {"username": ADA, "password": 123456}, (400, 40001)),
        ],
    )
    def test_a_grant_has_to_be_clear(self, query: str, body: Any, expected: tuple[int, int]) -> None:
        url = f"{account().world.root}/oauth/token"
        answer = client().generic("POST", url, json.dumps(body), "application/json", QUERY_STRING=query)
        assert refused(answer) == expected

    def test_two_ways_at_once_are_refused(self) -> None:
        here = account()
        code = here.code(ADA)
        credentials = basic(ADA, code)
        for body in ({"username": ADA}, {"password": code}, {"username": ADA, "password": code}):
            assert refused(here.token(body, credentials)) == (400, 40001)
        assert here.token(headers=credentials).status_code == 200

    @pytest.mark.parametrize(
        "header",
        [
            "Basic",
            "Basic ",
            "Basic !!!",
            "Basic YWRh",
            "Basic " + base64.b64encode(b"\xff\xff:x").decode(),
            "Basic " + base64.b64encode(b"ada\x00:x").decode(),
            "Basic " + base64.b64encode(b"a:b\r\nc").decode(),
        ],
    )
    def test_a_basic_that_cannot_be_read_is_malformed(self, header: str) -> None:
        here = account()
        for answer in (here.token(headers={"Authorization": header}), here.me({"Authorization": header})):
            assert refused(answer) == (400, 40001)

    @pytest.mark.parametrize("body", bad_values.BODIES)
    def test_it_refuses_a_body_that_is(self, body: str) -> None:
        here = account()
        make, status = bad_values.BODIES[body]
        codes = {400: 40001, 413: 41301}
        sent = make(json.dumps({"username": ADA, "password": here.code(ADA)}))
        assert refused(here.token(sent)) == (status, codes[status])
        token = here.signed_in(BOB)["refresh_token"]
        sent = make(json.dumps({"refresh_token": token}))
        for answer in (here.token(sent, grant="refresh_token"), here.send("POST", "oauth/revoke", sent)):
            assert refused(answer) == (status, codes[status])
        assert here.refresh(token).status_code == 200

    @pytest.mark.parametrize("body", ["username=a&username=b", "username", "username=%FF", "username=%00", "=&=", "&"])
    def test_it_refuses_a_form_that_is_none(self, body: str) -> None:
        assert refused(account().token(f"{body}&password=x")) == (400, 40001)

    @pytest.mark.parametrize("value", bad_values.OF_THE_WRONG_TYPE, ids=repr)
    def test_it_refuses_a_field_of_the_wrong_type(self, value: Any) -> None:
        here = account()
        for field in ("username", "password"):
            assert refused(here.token({"username": ADA, "password": "x", field: value})) == (400, 40001)
        answers = (here.token({"refresh_token": value}, grant="refresh_token"), here.revoke(value))
        assert [refused(answer) for answer in answers] == [(400, 40001)] * 2

    @pytest.mark.parametrize(("path", "methods"), [("token", {"POST"}), ("revoke", {"POST"}), ("me", {"GET"})])
    def test_other_methods_are_not_allowed(self, path: str, methods: set[str]) -> None:
        here = account()
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - methods:
            answer = here.send(method, f"oauth/{path}", {})
            assert refused(answer) == (405, 40501)
            assert methods <= set(answer.headers["Allow"].split(", "))

    def test_an_address_that_names_nothing_is_an_unknown_application(self) -> None:
        here, nowhere = account(), account()
        nowhere.world.environment.name = "nowhere"
        assert refused(nowhere.token(headers=basic(ADA, "x"))) == (401, 40101)
        assert refused(nowhere.refresh("x")) == (401, 40101)
        assert refused(nowhere.me(bearer(here.signed_in(ADA)["access_token"]))) == (401, 40103)
