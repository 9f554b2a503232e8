"""Where connections may go whose host name a customer chose."""

import pytest
from pytest_django import Settings

from apps.delivery.providers import egress, smtp
from apps.delivery.providers.base import PermanentFailure, TransientFailure
from tests.delivery.sending import EMAIL
from tests.smtp_sink import SmtpSink

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_it_refuses_an_address_that_is_not_public(address: str) -> None:
    assert not egress.is_public(address)
    with pytest.raises(PermanentFailure, match="address is not public"):
        egress.resolve_public(address, 25)


@pytest.mark.parametrize("address", PUBLIC)
def test_it_returns_a_public_address(address: str) -> None:
    assert egress.is_public(address)
    assert egress.resolve_public("1.1.1.1", 25) == ["1.1.1.1"]


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "0"])
def test_it_sees_through_other_spellings_of_this_machine(host: str) -> None:
    with pytest.raises(PermanentFailure):
        egress.resolve_public(host, 25)


@pytest.mark.parametrize("host", ["mail.invalid", "a\0b", ".", "a..b", "a" * 300, "x y"])
def test_it_calls_a_name_that_does_not_resolve_transient(host: str) -> None:
    with pytest.raises(TransientFailure, match="dns: lookup failed"):
        egress.resolve_public(host, 25)


def test_it_allows_private_addresses_where_the_operator_does(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS_ALLOWED = True
    assert egress.resolve_public("127.0.0.1", 25) == ["127.0.0.1"]


def test_it_never_connects_to_a_private_mail_server_that_a_customer_named() -> None:
    with SmtpSink() as sink:
        with pytest.raises(PermanentFailure, match="address is not public"):
            smtp.send(sink.url, EMAIL, guarded=True)
        assert sink.connections == 0


def test_it_connects_to_the_operators_own_server_wherever_it_is() -> None:
    with SmtpSink() as sink:
        smtp.send(sink.url, EMAIL, guarded=False)
        assert len(sink.messages) == 1
    smtp.hang_up()
