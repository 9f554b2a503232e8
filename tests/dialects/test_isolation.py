"""An Environment is the wall: whatever is on the other side of it looks exactly like what does not exist at all.

Walks all routes under all roots. A route without a case fails: whoever adds one says here what could be carried over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import jwt
import pytest
from django.urls import URLPattern, URLResolver

from apps.challenges import codes
from apps.core import crypto
from apps.dialects.urls import urlpatterns
from apps.management.environments import create_application_key, create_environment
from apps.tokens import refresh
from apps.tokens.api_keys import ApiKey, Scope
from tests.dialects.isolation_cases import ADA, CASES, Case, Door, Loot, at_their_address
from tests.dialects.passage_app import App
from tests.dialects.satellite_app import another
from tests.dialects.smtpd_account import Account, basic
from tests.passwordless.password_world import token
from tests.world import World, build, junk_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
# The same person on both sides, and one that only the other side has ever heard of.
STRANGER = "stranger@example.com"
# Somebody who has signed up with a password and not yet followed the link, and somebody who has.
NEWCOMER, PERSON, PASSWORD = "newcomer@example.com", "person@example.com", "correct horse battery"


def routes() -> set[tuple[str, str]]:
    """All (root, route) there are."""
    return {
        (str(root.pattern), route(pattern))
        for root in urlpatterns
        if isinstance(root, URLResolver)
        for pattern in root.url_patterns
    }


def route(pattern: URLPattern | URLResolver) -> str:
    assert isinstance(pattern, URLPattern)
    return str(pattern.pattern).removeprefix("^").removesuffix("/?$").replace(r"\.", ".")


def another_tenants(world: World) -> World:
    return build(name="elsewhere", password_grant=True)


def a_sibling(world: World) -> World:
    """Another environment of the same project: it shares the project's data key, and nothing else."""
    project = world.environment.project
    environment = create_environment(
        project,
        name="staging",
        kind=world.environment.Kind.STAGING,
        requests_per_minute=None,
        resend_after=0,
        password_grant=True,
    )
    app_key = create_application_key(environment, name="Test application").secret
    _key, messages_key = ApiKey.objects.mint(environment, name="Tests", scopes=[Scope.READ_MESSAGES])
    return World(environment, app_key, messages_key)


def loot_of(world: World) -> Loot:
    """Everything that its rightful owner can do something with: the tests see that it still works afterwards."""
    passage, client = App(world, world.app_key), another(world)
    world.sign_up(ADA)
    client_refresh_token = client.password(ADA, world.code(ADA)).json()["refresh_token"]
    signed_in, passage_token = world.signed_in(ADA), passage.signed_in(ADA)["refresh_token"]
    otp_id = passage.post("login/otp", {"identifier": ADA}).json()["otp_id"]
    world.sign_up(STRANGER)
    world.post("email-password-signup", {"email": NEWCOMER, "password": PASSWORD})
    world.post("email-password-signup", {"email": PERSON, "password": PASSWORD})
    world.post("confirm-email", {"token": token(world.mailbox(PERSON)[0]["link"])}, app_key="")
    world.post("email-password-reset", {"email": PERSON})
    account = Account(world)
    owner_key = account.key(ADA)
    code = world.code(ADA)
    key_code = code_for_a_key(world)
    environment = world.environment
    return Loot(
        project_id=environment.project_id,
        name=environment.name,
        environment_id=environment.id,
        app_key=world.app_key,
        api_key=world.messages_key,
        access_token=signed_in["access_token"],
        refresh_token=signed_in["refresh_token"],
        passage_token=passage_token,
        otp_id=otp_id,
        code=code,
        confirm_token=token(world.mailbox(NEWCOMER)[0]["link"]),
        reset_token=token(world.mailbox(PERSON)[0]["link"]),
        person=STRANGER,
        credentials=client.credentials,
        client_token=client.own_token(),
        client_refresh_token=client_refresh_token,
        owner_key=owner_key,
        key_id=ApiKey.objects.for_environment(environment).get(user__isnull=False).id.hex,
        key_refresh_token=account.token(headers=basic(owner_key)).json()["refresh_token"],
        key_code=key_code,
    )


def code_for_a_key(world: World) -> str:
    world.post("plugin/auth/request-otp", {"email": ADA})
    return world.code(ADA)


def nothing() -> Loot:
    """The same of an environment that has never been: all of it well formed."""
    return Loot(
        project_id=crypto.new_id(),
        name="nowhere",
        environment_id=crypto.new_id(),
        app_key=junk_key(),
        api_key=crypto.new_key("sk_test"),
        access_token=jwt.encode({"sub": "nobody"}, "k" * 32, headers={"kid": "nobody's", "typ": "at+jwt"}),
        refresh_token=refresh.make(crypto.new_id(), crypto.new_id(), 0, 1, b"s" * 32),
        passage_token=refresh.make(crypto.new_id(), crypto.new_id(), 0, 1, b"s" * 32),
        otp_id=codes.handle(crypto.new_id(), crypto.new_id(), 1, 1),
        code="",
        confirm_token=f"{codes.handle(crypto.new_id(), crypto.new_id(), 1, 1)}.000000",
        reset_token=f"{codes.handle(crypto.new_id(), crypto.new_id(), 1, 1)}.000000",
        person="nobody@example.com",
        credentials={"client_id": crypto.new_id().hex, "client_secret": crypto.new_client_secret()},
        client_token=jwt.encode({"sub": "nobody"}, "k" * 32, headers={"kid": "nobody's", "typ": "at+jwt"}),
        client_refresh_token=refresh.make(crypto.new_id(), crypto.new_id(), 0, 1, b"s" * 32),
        owner_key=crypto.new_key("sp_test"),
        key_id=crypto.new_id().hex,
        key_refresh_token=refresh.make(crypto.new_id(), crypto.new_id(), 0, 1, b"s" * 32),
        key_code="",
    )


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Date"}}
    return answer.status_code, headers, answer.content


def cases(root: str, route: str) -> list[Case]:
    """At a root between the host and an issuer's path there is a document and nothing else."""
    return [at_their_address] if "well-known" in root else CASES[route]


def test_every_route_has_a_case() -> None:
    assert {route for _root, route in routes()} == set(CASES)
    assert {route for root, route in routes() if "well-known" in root} == {""}


@pytest.mark.parametrize("neighbour", [another_tenants, a_sibling])
@pytest.mark.parametrize(("root", "route"), sorted(routes()))
def test_what_is_behind_the_wall_looks_like_nothing(root: str, route: str, neighbour: Callable[[World], World]) -> None:
    here = build(allows_keyless_clients=True, default_region="US", otp_send=True, password_grant=True)
    client = another(here)
    door = Door(here, here.signed_in(ADA)["access_token"], root, client.credentials, client.own_token())
    taken = code_for_a_key(here)
    here.log_in(ADA)
    there = neighbour(here)
    loot = loot_of(there)
    wrong = wrong_code_for_both(here, loot, taken)
    missing = replace(nothing(), code=wrong, key_code=wrong)
    for case in cases(root, route):
        assert told(case(door, route, loot)) == told(case(door, route, missing))
    assert_untouched(there, loot)


def wrong_code_for_both(world: World, loot: Loot, *codes: str) -> str:
    taken = {world.code(ADA), loot.code, loot.key_code, *codes}
    return next(code for code in (f"{number:06}" for number in range(5)) if code not in taken)


def assert_untouched(world: World, loot: Loot) -> None:
    assert world.get("userinfo", bearer=loot.access_token).status_code == 200
    assert world.refresh(loot.refresh_token).status_code == 200
    passage = App(world, world.app_key)
    assert passage.refresh(loot.passage_token).status_code == 200
    assert passage.activate(loot.otp_id, loot.code).status_code == 200
    for path, link in (("confirm-email", loot.confirm_token), ("reset-password", loot.reset_token)):
        assert world.post(path, {"token": link, "password": PASSWORD}, app_key="").status_code == 200
    body = {"grant_type": "refresh_token", "refresh_token": loot.client_refresh_token, **loot.credentials}
    assert world.post("oauth/v2/token", body).status_code == 200
    assert world.get("dev/messages", bearer=loot.api_key).status_code == 200
    assert world.get("userinfo", bearer=loot.owner_key).status_code == 200
    body = {"refresh_token": loot.key_refresh_token}
    assert world.post("oauth/token?grant_type=refresh_token", body).status_code == 200
    assert world.post("plugin/auth/verify-otp", {"email": ADA, "code": loot.key_code}).status_code == 200


@pytest.mark.parametrize("neighbour", [another_tenants, a_sibling])
def test_another_environments_code_is_a_wrong_code(neighbour: Callable[[World], World]) -> None:
    """Counted like any other, because where it came from cannot be told."""
    here = build(max_tries=1)
    there = neighbour(here)
    for world in (here, there):
        world.sign_up(ADA)
    ours, theirs = here.code(ADA), there.code(ADA)
    assert ours != theirs, "once in a million runs"
    assert here.verify(ADA, theirs).json()["error"] == "invalid_otp"
    assert here.verify(ADA, ours).status_code == 400, "the one try was spent"
    assert there.verify(ADA, theirs).status_code == 200


@pytest.mark.parametrize("neighbour", [another_tenants, a_sibling])
def test_the_same_address_is_two_people_in_two_environments(neighbour: Callable[[World], World]) -> None:
    here = build()
    there = neighbour(here)
    ids = {world.signed_in(ADA)["user_id"] for world in (here, there)}
    assert len(ids) == 2
    assert [len(world.mailbox(ADA)) for world in (here, there)] == [1, 1]


@pytest.mark.parametrize("neighbour", [another_tenants, a_sibling])
def test_no_key_is_published_for_two_environments(neighbour: Callable[[World], World]) -> None:
    here = build()
    there = neighbour(here)
    key_sets = [world.get(".well-known/jwks.json").json()["keys"] for world in (here, there)]
    ours, theirs = ({key["kid"] for key in keys} for keys in key_sets)
    assert ours
    assert theirs
    assert not ours & theirs
