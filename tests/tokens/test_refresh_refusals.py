"""Refresh tokens that open nothing: whose they are not, who may not, and what was never one."""

import base64
import hashlib
import json
import string
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core import crypto
from apps.core.errors import InvalidRefreshToken
from apps.management.environments import create_application_key
from apps.tokens import refresh
from apps.users.models import EndUser
from tests.tokens.aging import session
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"
ALPHABET = string.ascii_letters + string.digits + "-_"


def assert_refused(world: World, token: str, app_key: str | None = None) -> None:
    answer = world.post("token/refresh", {"refresh_token": token}, app_key=app_key)
    assert (answer.status_code, json.loads(answer.content)["error"]) == (400, "invalid_refresh_token")


def assert_refused_unread(world: World, token: str) -> None:
    """Refused with no statement but the look at the application's key."""
    with CaptureQueriesContext(connection) as captured:
        assert_refused(world, token)
    assert [query["sql"] for query in captured.captured_queries if "tokens_session" in query["sql"]] == []
    assert len(captured) <= 1


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def token(world: World) -> str:
    return str(world.signed_in(ADA)["refresh_token"])


def test_another_application_is_refused_and_the_session_lives(world: World, token: str) -> None:
    other = create_application_key(world.environment, name="Other application")
    assert_refused(world, token, app_key=other.secret)
    assert world.refresh(token).status_code == 200


def test_another_applications_revocation_changes_nothing(world: World, token: str) -> None:
    other = create_application_key(world.environment, name="Other application")
    assert world.post("token/revoke", {"refresh_token": token}, app_key=other.secret).status_code == 200
    assert world.refresh(token).status_code == 200


def test_another_environment_refuses_the_token_unread(token: str) -> None:
    elsewhere = build()
    elsewhere.signed_in(ADA)
    assert_refused_unread(elsewhere, token)
    elsewhere.revoke(token)


def test_a_disabled_person_is_refused_and_comes_back_when_enabled() -> None:
    world = build()
    token = world.signed_in(ADA)["refresh_token"]
    people = EndUser.objects.for_environment(world.environment)
    people.update(disabled_at=timezone.now())
    assert_refused(world, token)
    people.update(disabled_at=None)
    assert world.refresh(token).status_code == 200


def test_a_revoked_session_has_no_secret_left() -> None:
    world = build()
    token = world.signed_in(ADA)["refresh_token"]
    world.revoke(token)
    assert session(world).secret is None
    assert_refused(world, token)


def flip(token: str, position: int) -> str:
    """Another character of the alphabet at `position`."""
    changed = ALPHABET[(ALPHABET.index(token[position]) + 13) % len(ALPHABET)]
    return token[:position] + changed + token[position + 1 :]


@pytest.mark.parametrize("position", [0, 1, 10, 21, 24, 28, 36, 48, 50, 77, 91])
def test_a_change_anywhere_is_refused_unread(world: World, token: str, position: int) -> None:
    assert_refused_unread(world, flip(token, position))


def test_a_made_up_generation_is_refused_unread(world: World, token: str) -> None:
    raw = bytearray(base64.urlsafe_b64decode(token))
    raw[17:21] = (7).to_bytes(4, "big")
    assert_refused_unread(world, base64.urlsafe_b64encode(raw).decode())


def test_the_key_alone_makes_no_token(world: World, token: str) -> None:
    made_up = refresh.make(world.environment.id, session(world).id, 0, 1, b"s" * 32)
    assert_refused(world, made_up)
    assert world.refresh(token).status_code == 200


def test_the_secret_alone_makes_no_token(world: World, token: str) -> None:
    """It is what a dump of the database has."""
    row = session(world)
    assert row.secret
    head = refresh.read(world.environment.id, token).head
    proof = hashlib.sha256(bytes(row.secret) + head).digest()
    assert base64.urlsafe_b64decode(token)[-32:] == proof
    assert_refused_unread(world, base64.urlsafe_b64encode(head + bytes(16) + proof).decode())


def test_one_text_is_one_token(token: str) -> None:
    assert len(token) % 4 == 0  # So no bits of the last character are unused, and nothing pads it.
    assert not token.endswith("=")


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token + "=",
        lambda token: token + "A",
        lambda token: token[:-1],
        lambda token: token[:-1] + "=",
        lambda token: " " + token,
        lambda token: token + " ",
        lambda token: token[:-1] + " ",
        lambda token: token[:40] + " " + token[40:],
        lambda token: token[:-1] + "é",
        lambda token: token.replace(token[5], "+", 1),
        lambda token: token * 2,
        lambda token: "",
    ],
)
def test_another_length_or_alphabet_is_refused_unread(world: World, token: str, change: object) -> None:
    assert callable(change)
    assert_refused_unread(world, change(token))


@pytest.mark.parametrize(("ours", "others"), ["-+", "_/"])
def test_the_other_alphabet_of_base64_is_refused(ours: str, others: str) -> None:
    environment, version = uuid.uuid4(), crypto.current_key_version()
    texts = [refresh.make(environment, uuid.uuid4(), 0, version, b"s" * 32) for _ in range(20)]
    assert any(ours in text for text in texts)
    for text in texts:
        assert refresh.read(environment, text)
        with pytest.raises(InvalidRefreshToken):
            refresh.read(environment, text.replace(ours, others) if ours in text else "")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\t"])
def test_a_token_with_a_newline_is_refused_before_it_is_a_token(world: World, token: str, newline: str) -> None:
    for text in (token + newline, newline + token, token[:-1] + newline):
        assert world.refresh(text).status_code == 400
    assert world.refresh(token).status_code == 200


def test_any_text_is_refused_unread(world: World) -> None:
    world.signed_in(ADA)  # The first request of a minute notes the key's last use, which is a statement more.
    printable = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=100)
    well_formed = st.text(st.sampled_from(ALPHABET), min_size=92, max_size=92)

    @settings(max_examples=60, deadline=None, derandomize=True, database=None)
    @given(st.one_of(printable, well_formed, st.binary(min_size=69, max_size=69).map(encoded)))
    def ask(text: str) -> None:
        assert_refused_unread(world, text)

    ask()


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
