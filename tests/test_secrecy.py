"""What must be nowhere: codes, tokens and keys in the database, broker and logs, and addresses in the last two."""

from __future__ import annotations

import base64
import binascii
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from apps.delivery.models import Message
from config.stack_servers import Server
from tests.smtp_sink import SmtpSink
from tests.stack.checkout import wait_until
from tests.stack.running import Installation, installation
from tests.world import World, build

ADA, BOB = "ada.lovelace@example.com", "bob.babbage@example.com"
FAY = "fay.newton@example.com"
EVE, GRACE = "eve.unknown@example.com", "grace.hopper@example.com"
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass
class Leaks:
    """All there is to find, after a day in the life of two environments."""

    database: bytes
    broker: bytes
    logs: bytes
    secrets: dict[str, str]
    """What each is, by its value."""


def forms(secret: str) -> Iterator[bytes]:
    """As text, and as a dump shows bytes."""
    yield secret.encode()
    yield secret.encode().hex().encode()
    if re.fullmatch(r"[\w-]{40,}", secret):
        yield base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4)).hex().encode()


def found(leaks: Leaks, place: bytes) -> list[str]:
    return [what for secret, what in leaks.secrets.items() for form in forms(secret) if form in place]


def dump() -> bytes:
    """Every row of every table, with bytes in hexadecimal. COPY is what pg_dump uses, and needs no program."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [sql.Identifier(name) for (name,) in cursor.fetchall()]
        return b"".join(copied(cursor, table) for table in tables)


def copied(cursor: CursorWrapper, table: sql.Identifier) -> bytes:
    with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copy:
        return b"".join(bytes(block) for block in copy)


class Monitor:
    """Valkey tells every command it gets, arguments included: what was ever in a queue, and not only what still is."""

    def __init__(self, server: Server) -> None:
        self.path = server.mark
        self.socket = self._say(b"MONITOR")

    def _say(self, command: bytes) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(self.path)
        client.sendall(command + b"\r\n")
        return client

    def heard(self) -> bytes:
        """Everything up to now, with what is base64 in it decoded, as Celery's message bodies are."""
        end = base64.b16encode(b"the end of it")
        self._say(b"ECHO " + end).close()
        heard = b""
        while end not in heard:
            heard += self.socket.recv(65536)
        self.socket.close()
        return heard + b"\n".join(decoded(word) for word in BASE64.findall(heard))


def decoded(word: bytes) -> bytes:
    try:
        return base64.b64decode(word, altchars=b"-_" if re.search(rb"[-_]", word) else None)
    except binascii.Error:
        return b""


def live(running: Installation, mailed: World, captured: World, sink: SmtpSink) -> dict[str, str]:
    """Sign-ups, sign-ins, mistakes and failures; returns the secrets that came to light on the way."""
    secrets = {mailed.app_key: "APP-KEY", captured.app_key: "APP-KEY", captured.messages_key: "API key"}
    sink.replies = {BOB: f"550 5.1.1 <{BOB}> unknown", EVE: f"451 4.7.1 <{EVE}> try again later"}
    for email in (ADA, BOB, EVE):
        running.post(mailed, "email-otp-signup", email=email)
    code = mailed_code(sink)
    secrets[code] = "code that was used"
    running.post(mailed, "email-otp-verify", email=ADA, otp_code="0123456789")
    secrets |= tokens(running.post(mailed, "email-otp-verify", email=ADA, otp_code=code).json())
    running.post(mailed, "email-otp-verify", email=ADA, otp_code=code)
    refresh_token = next(secret for secret, what in secrets.items() if what == "refresh_token")
    for _ in range(2):
        secrets |= tokens(running.post(mailed, "token/refresh", refresh_token=refresh_token).json())
    running.post(mailed, "token/refresh", refresh_token=refresh_token[:-4] + "AAAA")
    running.post(mailed, "token/refresh", refresh_token=f"junk {refresh_token}")
    running.post(captured, "email-otp-signup", email=ADA)
    secrets[captured_code(running, captured)] = "code that is live"
    secrets |= by_password(running, captured)
    running.web.client.get(f"{mailed.root}/userinfo?access_token={refresh_token}&email={ADA}")
    running.web.client.get(f"{mailed.root}/{ADA}")
    return secrets


def by_password(running: Installation, world: World) -> dict[str, str]:
    """A sign-up with a password, its link looked at and followed, and logins right and wrong."""
    right, wrong, chosen = "p4ssw0rd-of-fay", "wr0ng-password", "ch0sen-on-the-page"
    running.post(world, "email-password-signup", email=FAY, password=right)
    tokens_of = tokens(running.post(world, "email-password-login", email=FAY, password=right).json())
    running.post(world, "email-password-login", email=FAY, password=wrong)
    running.post(world, "email-password-reset", email=FAY)
    path, _, token = captured_message(running, world, FAY)["link"].partition("?token=")
    path = path.partition("://")[2].partition("/")[2]
    for password in ("short-1", chosen):
        running.web.client.get(f"/{path}?token={token}")
        running.web.client.post(f"/{path}", data={"token": token, "password": password})
    handle, _, code = token.partition(".")
    return {
        **tokens_of,
        **dict.fromkeys((right, wrong, chosen, "short-1"), "password"),
        **dict.fromkeys((token, handle, code), "link"),
    }


def mailed_code(sink: SmtpSink) -> str:
    found = re.search(r"\d{10}", sink.wait_for(1, seconds=20)[0].text)
    assert found
    return found[0]


def captured_code(running: Installation, world: World) -> str:
    return str(captured_message(running, world, ADA)["code"])


def captured_message(running: Installation, world: World, email: str) -> dict[str, str]:
    bearer = {"Authorization": f"Bearer {world.messages_key}"}

    def messages() -> list[Any]:
        url = f"{world.root}/dev/messages?recipient={email}"
        listed: list[Any] = running.web.client.get(url, headers=bearer).json()["messages"]
        return listed

    wait_until(messages)
    newest: dict[str, str] = messages()[0]
    return newest


def tokens(answer: dict[str, Any]) -> dict[str, str]:
    return {answer[name]: name for name in ("access_token", "refresh_token")}


@pytest.fixture(scope="module")
def leaks(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Leaks]:
    with django_db_blocker.unblock(), SmtpSink() as sink, installation(LOG_LEVEL="DEBUG") as running:
        yield leaked(running, sink)
        connection.close()


def leaked(running: Installation, sink: SmtpSink) -> Leaks:
    # Codes of ten digits, because six in a row are found by chance in any dump.
    mailed, captured = build(code_length=10), build(code_length=10, concealment=False, requests_per_minute=1000)
    mailed.environment.mail_url = sink.url
    mailed.environment.save()
    monitor = Monitor(running.valkey.server)
    secrets = live(running, mailed, captured, sink)
    wait_until(lambda: not outbox(mailed).filter(attempts=0).exists())
    heard = monitor.heard()
    outage(running, mailed)
    return Leaks(dump(), heard, running.logs().encode(), secrets)


def outbox(world: World) -> QuerySet[Message]:
    return Message.objects.for_environment(world.environment)


def outage(running: Installation, world: World) -> None:
    """What is said while a part is away is in the logs as well, and so is what is said at the end."""
    running.valkey.stop(signal.SIGKILL)
    for _ in range(2):
        running.post(world, "email-otp-signup", email=GRACE)
    wait_until(lambda: not outbox(world).filter(attempts=0).exists())
    running.stop()


def test_there_was_something_to_find(leaks: Leaks) -> None:
    """The control: each of the three holds what it should, so what it should not hold would have been seen."""
    assert sorted(leaks.secrets.values()) == sorted(
        ["APP-KEY"] * 2
        + ["API key", "code that was used", "code that is live", "refresh_token", "refresh_token"]
        + ["access_token"] * 4
        + ["refresh_token"]
        + ["password"] * 4
        + ["link"] * 3
    )
    assert all(address.encode() in leaks.database for address in (ADA, BOB, EVE))
    assert b'"ZADD" "delivery.wake" "0" "look"' in leaks.broker  # All of a hint.
    assert b"rate:" in leaks.broker
    assert all(line in leaks.logs for line in (b"message_sent", b"message_dead", b"message_retried", b"broker_away"))
    assert all(path in leaks.logs for path in (b"email-otp-verify", b"email-password-login", b"/reset-password"))


def test_no_code_token_or_key_is_in_the_database(leaks: Leaks) -> None:
    assert found(leaks, leaks.database) == []


def test_no_code_token_or_key_goes_through_the_broker(leaks: Leaks) -> None:
    assert found(leaks, leaks.broker) == []


def test_no_code_token_or_key_is_in_the_logs(leaks: Leaks) -> None:
    assert found(leaks, leaks.logs) == []


@pytest.mark.parametrize("place", ["broker", "logs"])
def test_no_address_goes_through_the_broker_or_into_the_logs(leaks: Leaks, place: str) -> None:
    for address in (ADA, BOB, EVE, FAY, GRACE):
        local_part = address.partition("@")[0]
        assert local_part.encode() not in getattr(leaks, place)
