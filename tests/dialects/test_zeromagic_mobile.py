"""ZeroMagic by text message: `mobile` comes and goes without the country code, which is named at sign-up only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.world import World, build, forget_captured

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.usefixtures("database")
PHONE, MOBILE = "+919876543211", "9876543211"
SPELLINGS = [
    MOBILE,
    "098765 43211",
    "98765-43211",
    "(98765) 43211",
    "+91 98765 43211",
    "+919876543211",
    "0091 9876543211",
]


def indian(**policy: Any) -> World:
    return build(default_region="IN", **policy)


def sign_up(world: World, mobile: str = MOBILE, country_code: Any = "+91") -> Answer:
    return world.post("mobile-otp-signup", {"country_code": country_code, "mobile": mobile})


def log_in(world: World, mobile: str = MOBILE) -> Answer:
    return world.post("mobile-otp-login", {"mobile": mobile})


def verify(world: World, code: str | int, mobile: str = MOBILE) -> Answer:
    return world.post("mobile-otp-verify", {"mobile": mobile, "otp_code": code})


def reached(world: World) -> list[str]:
    """Whom a text message went to, newest first."""
    world.mailbox(PHONE)
    messages = world.get("dev/messages", bearer=world.messages_key).json()["messages"]
    return [message["recipient"] for message in messages]


def test_a_person_signs_up_and_in_with_the_texted_code() -> None:
    world = indian()
    started = sign_up(world)
    assert (started.status_code, list(started.json())) == (201, ["user_id", "mobile"])
    verified = verify(world, int(world.code(PHONE)))
    assert verified.status_code == 200
    body = verified.json()
    documented = ["user_id", "mobile", "access_token", "token_type", "expires_in"]
    assert list(body) == [*documented, "expires_at", "refresh_token"]
    assert (body["user_id"], body["mobile"]) == (started.json()["user_id"], MOBILE)
    assert (body["token_type"], body["expires_in"]) == ("bearer", None)


def test_a_known_person_signs_in_and_keeps_the_id() -> None:
    world = indian()
    sign_up(world)
    first = verify(world, world.code(PHONE)).json()
    forget_captured(world)
    assert log_in(world).status_code == 200
    assert verify(world, world.code(PHONE)).json()["user_id"] == first["user_id"]


def test_a_login_that_carries_a_code_is_a_verify() -> None:
    world = indian()
    sign_up(world)
    answer = world.post("mobile-otp-login", {"mobile": MOBILE, "otp_code": int(world.code(PHONE))})
    assert answer.json()["access_token"]


@pytest.mark.parametrize("mobile", SPELLINGS)
def test_however_a_number_is_written_it_is_one_person_and_goes_back_as_it_came(mobile: str) -> None:
    world = indian()
    assert sign_up(world, mobile).json()["mobile"] == mobile
    first = verify(world, world.code(PHONE), mobile)
    assert first.json()["mobile"] == mobile
    assert log_in(world, mobile).json()["mobile"] == mobile
    assert set(reached(world)) == {PHONE}
    forget_captured(world)
    log_in(world)
    assert verify(world, world.code(PHONE)).json()["user_id"] == first.json()["user_id"]


@pytest.mark.parametrize(
    ("country_code", "mobile", "phone"),
    [
        ("+91", "9876543211", "+919876543211"),
        ("91", "09876543211", "+919876543211"),
        ("+49", "01511 2345678", "+4915112345678"),
        ("+44", "07911 123456", "+447911123456"),
        ("+1", "(415) 555-0123", "+14155550123"),
        # The zero of an Italian landline is part of its number.
        ("+39", "06 12345678", "+390612345678"),
        ("+7", "912 345-67-89", "+79123456789"),
    ],
)
def test_the_country_code_of_a_sign_up_says_how_the_number_is_read(country_code: str, mobile: str, phone: str) -> None:
    world = indian()
    assert sign_up(world, mobile, country_code).json()["mobile"] == mobile
    assert reached(world) == [phone]


def test_who_signed_up_abroad_signs_in_with_the_whole_number() -> None:
    """The contract has no country code at login, and a national number is never searched for among people."""
    world = indian()
    phone, mobile = "+4915112345678", "015112345678"
    sign_up(world, mobile, "+49")
    code = world.code(phone)
    assert verify(world, code, mobile).status_code == 400
    assert verify(world, code, phone).status_code == 200


def test_the_same_national_number_in_two_countries_is_two_people() -> None:
    world = indian()
    sign_up(world, "9876543211", "+91")
    sign_up(world, "9876543211", "+7")
    assert set(reached(world)) == {"+79876543211", "+919876543211"}


@pytest.mark.parametrize("path", ["mobile-otp-login", "mobile-otp-verify"])
def test_without_a_default_region_a_national_number_is_refused_in_clear_words(path: str) -> None:
    world = build()
    refused = world.post(path, {"mobile": MOBILE, "otp_code": "123456"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert refused.json()["message"] == "The phone number needs its country code, such as +1."


def test_without_a_default_region_the_whole_number_signs_in() -> None:
    world = build()
    sign_up(world)
    code = world.code(PHONE)
    assert verify(world, code, PHONE).json()["mobile"] == PHONE
    assert log_in(world, PHONE).status_code == 200


@pytest.mark.parametrize(
    "country_code", ["", "+", "+0", "+999", "+9999", "91 ", "IN", "+91;", "++91", "+٩١", "-91", "00"]
)
def test_a_country_code_that_is_none_is_refused_by_name(country_code: str) -> None:
    refused = sign_up(indian(), MOBILE, country_code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert refused.json()["message"] == "The country code is not valid."


def test_a_country_that_is_not_served_is_refused_at_every_start() -> None:
    world = indian(sms_countries=["DE"])
    assert sign_up(world).status_code == 400
    assert log_in(world).status_code == 400
    assert sign_up(world, "01511 2345678", "+49").status_code == 201
    assert reached(world) == ["+4915112345678"]
