"""How many SQL statements each step costs, BEGIN and COMMIT included. A step that grows fails here first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.core.crypto import new_id
from apps.tokens.api_keys import ApiKey, Scope
from tests.dialects.plugin import plugin
from tests.dialects.satellite_app import Satellite, satellite
from tests.dialects.smtpd_account import KEYS, Account, account, basic, bearer
from tests.world import World, build, forget_captured

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as captured:
        yield
    statements = [query["sql"] for query in captured.captured_queries]
    assert len(statements) <= limit, "\n".join(statements)


@pytest.fixture
def concealed() -> World:
    return warm(build())


@pytest.fixture
def open_world() -> World:
    return warm(build(concealment=False))


def warm(world: World) -> World:
    """After the first request of a minute: the key's last use is noted and the signing key is read."""
    world.signed_in("warm@example.com")
    return world


def test_a_concealed_start_takes_one_whatever_it_is(concealed: World) -> None:
    steps: list[Callable[[str], object]] = [concealed.sign_up, concealed.log_in]
    for number, step in enumerate(steps):
        with at_most(1):
            step(f"new{number}@example.com")


def test_a_start_that_looks_people_up_takes_four(open_world: World) -> None:
    with at_most(4):
        open_world.sign_up(ADA)
    open_world.verify(ADA, open_world.code(ADA))
    with at_most(4):
        open_world.log_in(ADA)


def test_the_verify_that_creates_a_person_takes_one(concealed: World) -> None:
    concealed.sign_up(ADA)
    code = concealed.code(ADA)
    with at_most(1):
        concealed.verify(ADA, code)


def test_the_verify_of_a_known_person_takes_one(concealed: World) -> None:
    concealed.signed_in(ADA)
    forget_captured(concealed)
    concealed.log_in(ADA)
    code = concealed.code(ADA)
    with at_most(1):
        concealed.verify(ADA, code)


def test_a_wrong_code_takes_one_which_compares_and_counts(concealed: World) -> None:
    concealed.sign_up(ADA)
    wrong = concealed.wrong_code(ADA)
    with at_most(1):
        concealed.verify(ADA, wrong)


def test_a_refresh_takes_one(concealed: World) -> None:
    token = concealed.signed_in(ADA)["refresh_token"]
    with at_most(1):
        concealed.refresh(token)


def test_a_login_with_a_password_takes_seven(open_world: World) -> None:
    """Application and person; then in one transaction the acceptance, the session and its event."""
    facts = {"email": ADA, "password": "correct horse battery"}
    open_world.post("email-password-signup", facts)
    with at_most(7):
        open_world.post("email-password-login", facts)
    for refused in ({**facts, "password": "wrong horse battery"}, {**facts, "email": "nobody@example.com"}):
        with at_most(6):
            open_world.post("email-password-login", refused)


def test_a_sign_up_with_a_password_takes_five_concealed_and_six_where_people_are_looked_up(
    concealed: World, open_world: World
) -> None:
    facts = {"email": ADA, "password": "correct horse battery"}
    with at_most(5):
        concealed.post("email-password-signup", facts)
    with at_most(6):
        open_world.post("email-password-signup", facts)


def test_junk_keys_and_junk_tokens_cost_none(concealed: World) -> None:
    with at_most(0):
        concealed.post("email-otp-login", {"email": ADA}, app_key="pk_test_" + "x" * 38)
    with at_most(1):
        concealed.refresh("x" * 92)


def test_userinfo_takes_one_by_token_and_by_key_and_one_more_to_refuse(concealed: World) -> None:
    body = concealed.signed_in(ADA)
    key, secret = ApiKey.objects.mint(
        concealed.environment, name="Test", scopes=[Scope.ACCOUNT], user_id=UUID(body["user_id"])
    )
    concealed.get("userinfo", bearer=secret)  # The first use of a minute is noted.
    for bearer_of in (body["access_token"], secret):
        with at_most(1):
            assert concealed.get("userinfo", bearer=bearer_of).status_code == 200
    concealed.revoke(body["refresh_token"])
    ApiKey.objects.filter(id=key.id).update(revoked_at=timezone.now())
    for bearer_of in (body["access_token"], secret):
        with at_most(2):
            assert concealed.get("userinfo", bearer=bearer_of).status_code == 401
    for junk in ("a.b.c", body["access_token"][:-4] + "AAAA"):
        with at_most(1):
            assert concealed.get("userinfo", bearer=junk).status_code == 401


class TestOAuth:
    @pytest.fixture
    def app(self) -> Satellite:
        app = satellite()
        app.own_token()  # The client's last use is noted, and the signing key is read.
        return app

    def test_a_client_that_nobody_knows_costs_none_unless_its_secret_is_well_formed(self, app: Satellite) -> None:
        broken = app.secret[:-1] + ("a" if app.secret[-1] != "a" else "b")
        for pair in (
            {"client_secret": "junk"},
            {"client_secret": broken},
            {"client_id": "junk"},
            {"client_id": "x" * 32},
        ):
            with at_most(0):
                assert app.token("client_credentials", **pair).status_code == 401
        with at_most(1):
            assert app.token("client_credentials", client_id=new_id().hex).status_code == 401

    def test_a_clients_own_token_takes_one(self, app: Satellite) -> None:
        with at_most(1):
            assert app.token("client_credentials").status_code == 200

    def test_a_junk_refresh_token_costs_no_more_than_the_client(self, app: Satellite) -> None:
        with at_most(1):
            assert app.refresh("x" * 92).status_code == 400

    def test_the_same_code_by_password_grant_takes_what_a_verify_takes_but_for_one(self, app: Satellite) -> None:
        app.signed_in(ADA)
        code = app.code(ADA)
        with at_most(8):
            assert app.password(ADA, code).status_code == 200

    def test_a_start_takes_one_beside_the_caller(self, app: Satellite) -> None:
        own = app.own_token()
        app.send({"email": ADA}, bearer=own)
        with at_most(3):
            assert app.send({"email": ADA}, bearer=own).status_code == 200

    @pytest.mark.parametrize("token", ["junk", "a.b.c", "x" * 92, "sp_test_" + "x" * 38])
    def test_introspection_of_junk_takes_the_callers_one(self, app: Satellite, token: str) -> None:
        asking = {"Authorization": f"Bearer {self.key(app, Scope.INTROSPECT)}"}
        app.introspect(token, **asking)  # The first use of a minute is noted.
        with at_most(1):
            assert not app.introspect(token, **asking).json()["active"]

    def test_introspection_takes_one_for_the_caller_and_one_for_a_token_or_key(self, app: Satellite) -> None:
        tokens = app.signed_in(ADA)
        asked = self.key(app)
        asking = {"Authorization": f"Bearer {self.key(app, Scope.INTROSPECT)}"}
        app.introspect(asked, **asking)
        for token in (tokens["access_token"], app.own_token(), asked):
            with at_most(2):
                assert app.introspect(token, **asking).json()["active"]
        with at_most(3):
            assert app.introspect(tokens["refresh_token"], **asking).json()["active"]

    @staticmethod
    def key(app: Satellite, *scopes: str) -> str:
        _key, secret = ApiKey.objects.mint(app.world.environment, name="Test", scopes=list(scopes))
        return secret


class TestSmtpd:
    @pytest.fixture
    def here(self) -> Account:
        here = account()
        here.signed_in(ADA)  # The signing key is read.
        return here

    def test_a_grant_by_code_takes_ten_and_the_refusals_that_look_alike_no_more_than_eight(self, here: Account) -> None:
        """Among the ten: the person locked, what else they had open ended, and the claims about them."""
        code, wrong = here.code(ADA), here.world.wrong_code(ADA)
        with at_most(8):
            assert here.token(headers=basic(ADA, wrong)).status_code == 403
        with at_most(10):
            assert here.token(headers=basic(ADA, code)).status_code == 200

    @pytest.mark.parametrize("email", [ADA, "nobody@example.com"])
    def test_a_wrong_password_takes_six_for_everybody(self, here: Account, email: str) -> None:
        with at_most(6):
            assert here.token(headers=basic(email, "wrong horse battery")).status_code == 403

    def test_a_refresh_and_a_revocation_read_the_session_once(self, here: Account) -> None:
        token = here.signed_in(ADA)["refresh_token"]
        with at_most(4):
            answer = here.refresh(token)
        with at_most(6):
            assert here.revoke(answer.json()["refresh_token"]).status_code == 200

    def test_a_grant_by_key_takes_eight_and_what_it_opens_is_asked_for_the_key_each_time(self, here: Account) -> None:
        key = here.key(ADA)
        here.me(bearer(key))  # The first use of a minute is noted.
        with at_most(8):
            token = here.token(headers=basic(key)).json()["refresh_token"]
        with at_most(5):
            token = here.refresh(token, basic(key)).json()["refresh_token"]
        with at_most(7):
            assert here.revoke(token, basic(key)).status_code == 200

    def test_me_takes_two_beside_the_caller_and_a_new_key_ten(self, here: Account) -> None:
        key, token = here.key(ADA), here.signed_in(ADA)["access_token"]
        here.me(bearer(key))
        for secret in (key, token):
            with at_most(1 + 2):
                assert here.me(bearer(secret)).status_code == 200
            with at_most(1 + 10):
                assert here.send("POST", KEYS, {"name": "Test"}, bearer(secret)).status_code == 201


class TestSmallPict:
    def test_a_request_takes_one_beside_the_environment(self) -> None:
        here = plugin()
        with at_most(2):
            assert here.request(ADA).status_code == 200

    def test_a_verify_takes_eleven_for_somebody_new_and_ten_for_somebody_known(self) -> None:
        here = plugin()
        for most in (11, 10):
            here.request(ADA)
            code, wrong = here.world.code(ADA), here.world.wrong_code(ADA)
            with at_most(3):
                assert here.verify(ADA, wrong).status_code == 401
            with at_most(most):
                assert here.verify(ADA, code).status_code == 200
            forget_captured(here.world)
