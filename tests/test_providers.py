"""An environment's own providers, as an operator with a shell sets them."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
TWILIO = '{"kind": "twilio", "account_sid": "AC1", "auth_token": "secret", "from": "+15005550006"}'


def set_provider(world: World, monkeypatch: pytest.MonkeyPatch, channel: str, text: str, *options: str) -> str:
    said = StringIO()
    monkeypatch.setattr("sys.stdin", StringIO(text))
    call_command("set_providers", str(world.environment.id), channel, *options, stdout=said)
    world.environment.refresh_from_db()
    return said.getvalue()


def test_a_provider_is_kept_sealed_and_taken_away_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = build()
    said = set_provider(world, monkeypatch, "email", "smtp+tls://shop:secret@mail.example.com\n")
    assert world.environment.mail_url == "smtp+tls://shop:secret@mail.example.com"
    set_provider(world, monkeypatch, "sms", TWILIO)
    assert world.environment.sms_provider == TWILIO
    sealed = [world.environment.mail_url_sealed, world.environment.sms_provider_sealed]
    assert all(b"secret" not in bytes(value or b"") for value in sealed)
    assert "secret" not in said
    set_provider(world, monkeypatch, "email", "", "--remove")
    assert world.environment.mail_url is None


@pytest.mark.parametrize(
    ("channel", "text"), [("email", "mail.example.com"), ("email", ""), ("sms", "{}"), ("sms", "x")]
)
def test_what_could_never_send_is_refused(monkeypatch: pytest.MonkeyPatch, channel: str, text: str) -> None:
    world = build()
    with pytest.raises(CommandError):
        set_provider(world, monkeypatch, channel, text)
    assert (world.environment.mail_url, world.environment.sms_provider) == (None, None)
