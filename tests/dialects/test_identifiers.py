"""Which spellings of an address are the same person, and which are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.errors import InvalidRequest
from apps.core.identifiers import canonical_email
from tests.world import World, build, forget_captured

pytestmark = pytest.mark.usefixtures("database")
COMPOSED, DECOMPOSED = "ren\u00e9@example.com", "rene\u0301@example.com"


def person(world: World, email: str) -> str:
    """The id that somebody gets who signs up and in under this spelling."""
    forget_captured(world)
    return str(world.signed_in(email)["user_id"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ADA@Example.COM"),
        ("ada@example.com", " ada@example.com  "),
        (COMPOSED, DECOMPOSED),
        (COMPOSED, DECOMPOSED.upper()),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@bücher.example", "ada@BÜCHER.EXAMPLE"),
        ("ada@bücher.example", "ada@bu\u0308cher.example"),
        ("ada@example.com", "ada@ｅｘａｍｐｌｅ.com"),
    ],
    ids=ascii,
)
def test_two_spellings_of_an_address_are_one_person(one: str, other: str) -> None:
    world = build()
    assert person(world, one) == person(world, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ada+shop@example.com"),
        ("ada@example.com", "a.da@example.com"),
        ("ada@example.com", "ada@mail.example.com"),
        ("ada@example.com", "\u0430da@example.com"),
        ("ada@fass.example", "ada@faß.example"),
    ],
    ids=ascii,
)
def test_two_addresses_are_two_people(one: str, other: str) -> None:
    """What a provider does with a plus or a dot is the provider's business: here they are other mailboxes."""
    world = build()
    assert person(world, one) != person(world, other)


@pytest.mark.parametrize("email", ["ada@shop.test", "ada+tag@example.com", "o'hara@example.com", "a@b.co", COMPOSED])
def test_it_writes_to_every_decent_address(email: str) -> None:
    world = build()
    assert world.sign_up(email).status_code == 201
    assert [message["recipient"] for message in world.mailbox(email)] == [email]


def test_the_code_goes_to_the_canonical_address() -> None:
    world = build()
    world.sign_up("ADA@B\u00dcCHER.example")
    assert world.mailbox("ada@bücher.example")[0]["recipient"] == "ada@bücher.example"


def test_the_answer_to_a_start_repeats_the_spelling_and_the_sign_in_tells_the_canonical_one() -> None:
    world = build()
    spelt = "Ada@Example.COM"
    assert world.sign_up(spelt).json()["email"] == spelt
    assert world.verify(spelt, world.code(spelt)).json()["email"] == "ada@example.com"


def test_the_canonical_form_is_its_own_canonical_form() -> None:
    """Over more addresses than the wire has time for: what is stored must be found again by what was stored."""

    @settings(max_examples=500, derandomize=True, deadline=None, database=None)
    @given(st.text(min_size=1, max_size=20), st.sampled_from(["example.com", "bücher.example", "faß.example"]))
    def canonical_twice(local: str, domain: str) -> None:
        try:
            once = canonical_email(f"{local}@{domain}")
        except InvalidRequest:
            return
        assert canonical_email(once) == once
        assert len(once) <= 254

    canonical_twice()
