"""A look at a token or a key asks by its own statement whether the environment is as it was remembered."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from apps.core.crypto import new_id
from apps.management.acting import SHELL
from apps.management.environments import change_policy, revoke_application_key
from apps.tenants.models import ApplicationKey, Environment, Project
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.sessions import Session
from apps.users.models import EndUser
from tests.dialects.passage_app import App
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"


class Checked:
    """A person's token and key that this process has found alive, so it remembers what it can."""

    def __init__(self) -> None:
        self.world = build()
        body = self.world.signed_in(ADA)
        self.user_id, self.refresh_token = UUID(body["user_id"]), body["refresh_token"]
        facts: dict[str, Any] = {"scopes": [Scope.ACCOUNT], "user_id": self.user_id}
        key, secret = ApiKey.objects.mint(self.world.environment, name="Test", **facts)
        self.key, self.credentials = key, {"token": body["access_token"], "key": secret}
        assert self.answers() == {"token": 200, "key": 200}

    def answers(self) -> dict[str, int]:
        return {name: ask(self.world, bearer) for name, bearer in self.credentials.items()}


def ask(world: World, bearer: str) -> int:
    return world.get("userinfo", bearer=bearer).status_code


@pytest.fixture
def checked() -> Checked:
    return Checked()


def disable(checked: Checked) -> None:
    EndUser.objects.for_environment(checked.world.environment).update(disabled_at=timezone.now())


def move_away(checked: Checked) -> None:
    Environment.objects.filter(id=checked.world.environment.id).update(name="elsewhere")


def give_the_address_away(checked: Checked) -> None:
    """To an environment that has neither this session nor this key."""
    heir = build().environment
    move_away(checked)
    Environment.objects.filter(id=heir.id).update(project_id=checked.world.environment.project_id)


def end_session(checked: Checked) -> None:
    assert checked.world.revoke(checked.refresh_token).status_code == 200


def let_session_run_out(checked: Checked) -> None:
    Session.objects.for_environment(checked.world.environment).update(idle_expires_at=timezone.now())


def revoke_app_key(checked: Checked) -> None:
    revoke_application_key(ApplicationKey.objects.for_environment(checked.world.environment).get())


def change_key(**facts: Any) -> Callable[[Checked], object]:
    return lambda checked: ApiKey.objects.filter(id=checked.key.id).update(**facts)


ENDS: dict[str, tuple[Callable[[Checked], object], dict[str, int]]] = {
    "the session is ended": (end_session, {"token": 401, "key": 200}),
    "the session runs out": (let_session_run_out, {"token": 401, "key": 200}),
    "the application's key is revoked": (revoke_app_key, {"token": 401, "key": 200}),
    "the key is revoked": (change_key(revoked_at=timezone.now()), {"token": 200, "key": 401}),
    "the key runs out": (change_key(expires_at=timezone.now()), {"token": 200, "key": 401}),
    "the key loses its scope": (change_key(scopes=[]), {"token": 200, "key": 401}),
    "the key is taken from its person": (change_key(user_id=None), {"token": 200, "key": 401}),
    "the person is disabled": (disable, {"token": 401, "key": 401}),
    "the environment moves away": (move_away, {"token": 401, "key": 401}),
    "another environment takes its address": (give_the_address_away, {"token": 401, "key": 401}),
}


@pytest.mark.parametrize("name", ["token", "key"])
@pytest.mark.parametrize("end", ENDS)
def test_what_ended_is_refused_from_the_next_request_on(checked: Checked, end: str, name: str) -> None:
    """One of the two alone: what is found out for the other is remembered for both."""
    happens, expected = ENDS[end]
    happens(checked)
    for _ in range(2):
        assert ask(checked.world, checked.credentials[name]) == expected[name]


@pytest.mark.parametrize("name", ["token", "key"])
@pytest.mark.parametrize("changed", [Environment, Project])
def test_a_change_that_matters_to_neither_costs_nobody_an_error(
    checked: Checked, changed: type[Environment] | type[Project], name: str
) -> None:
    environment = checked.world.environment
    id_ = environment.id if changed is Environment else environment.project_id
    changed.objects.filter(id=id_).update(created_at=timezone.now())
    assert ask(checked.world, checked.credentials[name]) == 200


def test_an_environment_that_comes_to_an_address_is_found_there(checked: Checked) -> None:
    """What was refused here before was refused for want of an environment, and that is not remembered."""
    world = checked.world
    Environment.objects.filter(id=world.environment.id).update(name="elsewhere")
    there = World(Environment.objects.get(id=world.environment.id), world.app_key, world.messages_key)
    assert [ask(there, bearer) for bearer in checked.credentials.values()] == [200, 200]


def test_a_policy_decides_from_the_next_request_on_whichever_way_it_changes() -> None:
    world = build(allows_keyless_clients=True)
    App(world, "").signed_in(ADA)
    token = session_without_key(world)
    environment = Environment.objects.get(id=world.environment.id)
    for allowed in (True, False, True):
        change_policy(environment, by=SHELL, allows_keyless_clients=allowed)
        assert [ask(world, token) for _ in range(2)] == [200 if allowed else 401] * 2


def session_without_key(world: World) -> str:
    """The access token of a client that the environment serves for as long as its policy says so."""
    world.post("email-otp-signup", {"email": ADA}, app_key="")
    body = {"email": ADA, "otp_code": world.code(ADA)}
    return str(world.post("email-otp-verify", body, app_key="").json()["access_token"])


def test_what_opens_the_one_environment_opens_no_other_that_is_remembered(checked: Checked) -> None:
    other = Checked()
    for bearer in checked.credentials.values():
        assert ask(other.world, bearer) == 401
    assert checked.answers() == other.answers() == {"token": 200, "key": 200}


def test_a_connection_that_died_in_the_pool_costs_nobody_an_error(checked: Checked) -> None:
    for bearer in checked.credentials.values():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND application_name = 'latchkey'"
            )
            cursor.execute("SELECT pg_backend_pid()")
        connection.close()
        assert ask(checked.world, bearer) == 200


def test_a_key_of_nobody_is_refused_like_one_of_somebody_else(checked: Checked) -> None:
    _key, secret = ApiKey.objects.mint(build().environment, name="Test", scopes=[Scope.ACCOUNT])
    for bearer in (secret, checked.world.messages_key, f"sp_test_{new_id().hex}"):
        assert ask(checked.world, bearer) == 401
