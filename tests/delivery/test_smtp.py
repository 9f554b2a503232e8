"""Sending over real sockets to real SMTP servers."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.delivery.providers import smtp
from apps.delivery.providers.base import Email, PermanentFailure, ProviderError, TransientFailure
from apps.delivery.providers.smtp_conversation import Patience, tls_context
from tests.delivery.certificates import Authority
from tests.smtp_sink import ACCEPTED, SmtpSink

EMAIL = Email(
    message_id="<0b1c@latchkey.example>",
    sender="Bücher, Söhne <no-reply@shop.example>",
    recipient="ada@example.com",
    subject="123456 ist Ihr Code für Bücher – jetzt",
    text="Ihr Code\n\n123456\n\n.\n.mit Punkt\n",
    html="<p>Ihr Code für Bücher: 123456</p>\n",
    language="de",
)
IMPATIENT = Patience(connect=1.0, step=0.3, check=0.2, prepare=1.0, finish=0.4)


@pytest.fixture(autouse=True)
def _no_connection_of_another_test() -> Iterator[None]:
    yield
    smtp.hang_up()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.create(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def _trusting(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine trusts the test's authority, by the variable with which a self-hoster adds a private one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


def send(url: str, email: Email = EMAIL, *, guarded: bool = False, patience: Patience = smtp.PATIENCE) -> str:
    return smtp.send(url, email, guarded=guarded, patience=patience)


def failure(url: str, email: Email = EMAIL, *, guarded: bool = False) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        smtp.send(url, email, guarded=guarded, patience=IMPATIENT)
    assert "@" not in caught.value.reason
    return caught.value


def assert_fails_within(seconds: float, url: str, reason: str) -> None:
    started = time.monotonic()
    refused = failure(url)
    assert isinstance(refused, TransientFailure)
    assert refused.reason == reason
    assert time.monotonic() - started < seconds


@contextmanager
def dripping(piece: bytes, *, pause: float) -> Iterator[str]:
    """A server that sends `piece` again and again without ever finishing its greeting."""
    stopped = threading.Event()

    def drip(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            while not stopped.wait(pause):
                try:
                    client.sendall(piece)
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}"
        stopped.set()
        thread.join(5)


class TestMessage:
    def test_it_arrives_with_both_parts_and_every_header(self) -> None:
        with SmtpSink() as sink:
            reference = send(sink.url)
            (message,) = sink.messages
        assert reference == ACCEPTED.removeprefix("250 ")
        assert (message.envelope_sender, message.recipients) == ("no-reply@shop.example", ["ada@example.com"])
        assert message.get_content_type() == "multipart/alternative"
        assert (message.text, message.html) == (EMAIL.text, EMAIL.html)
        assert message["From"] == '"Bücher, Söhne" <no-reply@shop.example>'
        assert [message[name] for name in ("To", "Subject", "Message-ID")] == [
            EMAIL.recipient,
            EMAIL.subject,
            EMAIL.message_id,
        ]
        assert [message[name] for name in ("Content-Language", "Auto-Submitted", "X-Auto-Response-Suppress")] == [
            "de",
            "auto-generated",
            "All",
        ]
        assert message["Date"].datetime.timestamp() == pytest.approx(time.time(), abs=60)

    def test_it_crosses_the_wire_in_seven_bits(self) -> None:
        with SmtpSink() as sink:
            send(sink.url)
            assert sink.received.isascii()

    @pytest.mark.parametrize("field", ["subject", "sender", "recipient", "message_id", "language"])
    @pytest.mark.parametrize("poison", ["\r\nBcc: eve@example.com", "\nX: y", "\0", "\x1b[2J", "\u2028"])
    def test_it_refuses_a_control_character_in_a_header(self, field: str, poison: str) -> None:
        with SmtpSink() as sink:
            email = replace(EMAIL, **{field: getattr(EMAIL, field) + poison})
            assert isinstance(failure(sink.url, email), PermanentFailure)
            assert sink.connections == 0

    @pytest.mark.parametrize(
        "recipient",
        ["", "ada", "a@b@c", "ada@example.com> SIZE=1", "<ada@example.com>", "a@b.c,d@e.f", '"a b"@c.d', "a b@c.d"],
    )
    def test_it_refuses_what_is_not_exactly_one_recipient(self, recipient: str) -> None:
        with SmtpSink() as sink:
            assert failure(sink.url, replace(EMAIL, recipient=recipient)).reason == "malformed address"
            assert sink.connections == 0

    def test_it_sends_a_foreign_domain_as_punycode_that_keeps_the_sharp_s(self) -> None:
        with SmtpSink(smtputf8=False) as sink:
            send(sink.url, replace(EMAIL, recipient="ada@straße.example"))
            assert sink.messages[0].recipients == ["ada@xn--strae-oqa.example"]

    def test_it_uses_smtputf8_for_a_local_part_that_needs_it(self) -> None:
        with SmtpSink() as sink:
            send(sink.url, replace(EMAIL, recipient="jörg@example.com"))
            assert sink.messages[0].recipients == ["jörg@example.com"]
            assert b"SMTPUTF8" in sink.received

    def test_it_gives_such_an_address_up_where_smtputf8_is_not_offered(self) -> None:
        with SmtpSink(smtputf8=False) as sink:
            refused = failure(sink.url, replace(EMAIL, recipient="jörg@example.com"))
        assert isinstance(refused, PermanentFailure)
        assert refused.reason == "smtp 553 5.6.7 at mail"

    def test_it_shows_neither_code_nor_person_in_a_repr(self) -> None:
        assert not any(word in repr(EMAIL) for word in ("123456", "ada@", "Code"))


@pytest.mark.usefixtures("_trusting")
class TestTls:
    @pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
    @pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
    def test_it_sends_over_verified_tls(self, authority: Authority, name: str, implicit: bool) -> None:
        with SmtpSink(tls=authority.server_context(name), implicit=implicit, login=("user", "pass")) as sink:
            send(sink.url.replace("127.0.0.1", name))
            assert len(sink.messages) == 1

    @pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
    def test_it_refuses_a_certificate_for_another_name(self, authority: Authority, implicit: bool) -> None:
        with SmtpSink(tls=authority.server_context("other.example"), implicit=implicit, login=("user", "pass")) as sink:
            refused = failure(sink.url)
            assert b"AUTH" not in sink.received
        assert isinstance(refused, TransientFailure)
        assert refused.reason.startswith("tls: certificate verify failed: ip address mismatch")

    @pytest.mark.parametrize("implicit", [False, True], ids=["starttls", "implicit"])
    def test_it_refuses_a_certificate_of_an_unknown_authority(self, tmp_path: Path, implicit: bool) -> None:
        stranger = Authority.create(tmp_path).server_context("127.0.0.1")
        with SmtpSink(tls=stranger, implicit=implicit, login=("user", "pass")) as sink:
            assert failure(sink.url).reason.startswith("tls: certificate verify failed")
            assert b"AUTH" not in sink.received

    def test_it_says_nothing_in_clear_where_starttls_is_not_offered(self) -> None:
        with SmtpSink(login=("user", "pass")) as sink:
            refused = failure(sink.url.replace("smtp://", "smtp+tls://"))
            assert sink.received.split() == [b"ehlo", b"[127.0.0.1]"]
        assert isinstance(refused, TransientFailure)
        assert refused.reason == "not offered by the server at starttls"

    def test_it_does_not_speak_plainly_to_a_server_without_tls(self) -> None:
        with SmtpSink() as sink:
            assert isinstance(failure(sink.url.replace("smtp://", "smtps://")), TransientFailure)
            assert b"MAIL" not in sink.received.upper()


class TestLogin:
    def test_it_logs_in_with_an_encoded_password(self) -> None:
        with SmtpSink(login=("user@shop", "p+a ss/%")) as sink:
            send(f"smtp://user%40shop:p+a%20ss%2F%25@127.0.0.1:{sink.port}")
            assert len(sink.messages) == 1

    def test_it_calls_a_wrong_password_transient(self) -> None:
        with SmtpSink(login=("user", "right")) as sink:
            refused = failure(sink.url.replace("right", "wrong"))
        assert isinstance(refused, TransientFailure)
        assert refused.reason == "smtp 535 5.7.8 at auth"

    def test_it_calls_a_server_without_log_in_transient(self) -> None:
        with SmtpSink() as sink:
            assert failure(sink.url.replace("://", "://user:pass@")).reason == "not offered by the server at auth"


class TestReplies:
    @pytest.mark.parametrize("key", ["ada@example.com", "data"], ids=["rcpt", "data"])
    @pytest.mark.parametrize(
        ("reply", "expected", "status"),
        [
            ("451 4.7.1 <ada@example.com> greylisted", TransientFailure, "smtp 451 4.7.1"),
            ("421 4.3.0 closing", TransientFailure, "smtp 421 4.3.0"),
            ("550 5.1.1 <ada@example.com> unknown", PermanentFailure, "smtp 550 5.1.1"),
            ("554 code 123456 refused", PermanentFailure, "smtp 554"),
        ],
    )
    def test_it_tells_a_refusal_for_now_from_one_for_good(
        self, key: str, reply: str, expected: type[Exception], status: str
    ) -> None:
        with SmtpSink(replies={key: reply}) as sink:
            refused = failure(sink.url)
        assert type(refused) is expected
        assert refused.reason == f"{status} at {'data' if key == 'data' else 'rcpt'}"

    def test_it_returns_the_reference_without_an_address(self) -> None:
        with SmtpSink(replies={"data": "250 2.6.0 <0b1c@shop.example> [Id=77] Queued for ada@example.com"}) as sink:
            assert send(sink.url) == "2.6.0 [Id=77] Queued for"

    def test_it_calls_a_closed_port_transient(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        refused = failure(f"smtp://127.0.0.1:{port}")
        assert isinstance(refused, TransientFailure)
        assert refused.reason == "connection refused at connect"

    def test_it_calls_an_unknown_host_transient(self) -> None:
        refused = failure("smtp://mail.invalid")
        assert isinstance(refused, TransientFailure)
        assert refused.reason.startswith("dns: ")

    @pytest.mark.parametrize(
        "url", ["", "smtp://", "http://mail.example", "smtp://u:p@mail.example:port", "smtp://u:p@[::1", "mail.example"]
    )
    def test_it_refuses_what_is_not_an_smtp_url_without_quoting_it(self, url: str) -> None:
        refused = failure(url)
        assert isinstance(refused, PermanentFailure)
        assert refused.reason == "smtp url malformed"


class TestConnections:
    def test_it_sends_twenty_mails_over_one(self) -> None:
        with SmtpSink() as sink:
            for _ in range(20):
                send(sink.url)
            assert (len(sink.messages), sink.connections) == (20, 1)

    def test_it_keeps_one_after_a_refusal(self) -> None:
        with SmtpSink(replies={"eve@example.com": "550 no", "bob@example.com": "451 later"}) as sink:
            for recipient in ("eve@example.com", "bob@example.com"):
                failure(sink.url, replace(EMAIL, recipient=recipient))
            send(sink.url)
            assert (len(sink.messages), sink.connections) == (1, 1)

    def test_it_replaces_one_that_the_server_closed(self) -> None:
        with SmtpSink() as sink:
            send(sink.url)
            sink.drop_connections()
            send(sink.url)
            assert (len(sink.messages), sink.connections) == (2, 2)

    def test_it_does_not_share_one_between_guarded_and_unguarded(self, settings: Settings) -> None:
        settings.PRIVATE_PROVIDERS_ALLOWED = True
        with SmtpSink() as sink:
            send(sink.url)
            send(sink.url, guarded=True)
            assert sink.connections == 2

    def test_it_serves_eight_threads_and_keeps_four(self) -> None:
        with SmtpSink(delay=0.3) as sink, ThreadPoolExecutor(8) as threads:
            together = threading.Barrier(8)

            def first() -> None:
                together.wait(5)
                send(sink.url)

            for done in [threads.submit(first) for _ in range(8)]:
                done.result()
            assert (len(sink.messages), sink.connections) == (8, 8)
            for done in [threads.submit(first) for _ in range(8)]:
                done.result()
            assert (len(sink.messages), sink.connections) == (16, 12)


class TestPatience:
    def test_it_gives_a_frozen_server_up(self) -> None:
        with SmtpSink() as sink:
            sink.freeze()
            assert_fails_within(1.5, sink.url, "timed out at greeting")

    def test_it_finds_an_idle_connection_frozen_and_gives_up_in_time(self) -> None:
        with SmtpSink() as sink:
            send(sink.url)
            sink.freeze()
            assert_fails_within(1.8, sink.url, "timed out at greeting")

    def test_it_does_not_send_again_when_the_final_reply_is_late(self) -> None:
        with SmtpSink(delay=0.8) as sink:
            assert_fails_within(1.5, sink.url, "timed out at data")
            sink.wait_for(1)
            assert sink.connections == 1

    def test_it_gives_up_on_a_server_that_drips(self) -> None:
        with dripping(b"2", pause=0.05) as url:
            assert_fails_within(1.5, url, "timed out at greeting")

    def test_it_gives_up_on_a_greeting_without_end(self) -> None:
        with dripping(b"220-hello\r\n" * 1000, pause=0) as url:
            assert_fails_within(1.5, url, "disconnected at greeting")

    def test_its_worst_case_is_the_sum_of_its_parts(self) -> None:
        assert smtp.WORST_CASE_SECONDS == 32.0
