"""A code belongs to a person and a purpose, and to no dialect: whatever sent it, all that redeem by address take it."""

from collections.abc import Callable

import pytest

from tests.dialects.passage_app import App
from tests.dialects.satellite_app import another
from tests.dialects.smtpd_account import Account, basic
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
ADA = "ada@example.com"

STARTS: dict[str, Callable[[World], object]] = {
    "zeromagic": lambda world: world.sign_up(ADA),
    "passage": lambda world: App(world, world.app_key).registered(ADA),
    "satellite": lambda world: another(world).send({"email": ADA}),
}
REDEEMS: dict[str, Callable[[World, str], int]] = {
    "zeromagic": lambda world, code: world.verify(ADA, code).status_code,
    "satellite": lambda world, code: another(world).password(ADA, code).status_code,
    "smtpd": lambda world, code: Account(world).token(headers=basic(ADA, code)).status_code,
}


@pytest.mark.parametrize("redeems", REDEEMS)
@pytest.mark.parametrize("starts", STARTS)
def test_a_code_of_any_dialect_is_good_once_in_any_other(starts: str, redeems: str) -> None:
    world = build(otp_send=True, password_grant=True, allows_keyless_clients=True)
    STARTS[starts](world)
    code = world.code(ADA)
    assert REDEEMS[redeems](world, code) == 200
    for redeem in REDEEMS.values():
        assert redeem(world, code) != 200
