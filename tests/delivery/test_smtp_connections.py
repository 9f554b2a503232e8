"""TLS, log-in, connections that are used again and servers that make us wait."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.delivery.providers import smtp, smtp_conversation
from apps.delivery.providers.base import PermanentFailure, TransientFailure
from tests.delivery.certificates import Authority
from tests.delivery.sending import EMAIL, assert_fails_within, failure, send
from tests.smtp_sink import SmtpSink


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

    def test_it_calls_a_password_that_smtp_cannot_carry_transient(self) -> None:
        with SmtpSink(login=("user", "right")) as sink:
            refused = failure(sink.url.replace("right", "pässword"))
        assert isinstance(refused, TransientFailure)
        assert refused.reason == "not ascii at auth"

    def test_it_calls_a_wrong_password_transient(self) -> None:
        with SmtpSink(login=("user", "right")) as sink:
            refused = failure(sink.url.replace("right", "wrong"))
        assert isinstance(refused, TransientFailure)
        assert refused.reason == "smtp 535 5.7.8 at auth"

    def test_it_calls_a_server_without_log_in_transient(self) -> None:
        with SmtpSink() as sink:
            assert failure(sink.url.replace("://", "://user:pass@")).reason == "no common way to log in at auth"


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


@pytest.mark.parametrize("pipelining", [True, False])
class TestConnections:
    def test_it_sends_twenty_mails_over_one(self, pipelining: bool) -> None:
        with SmtpSink(pipelining=pipelining) as sink:
            for _ in range(20):
                send(sink.url)
            assert (len(sink.messages), sink.connections) == (20, 1)

    def test_it_keeps_one_after_a_refusal(self, pipelining: bool) -> None:
        replies = {"eve@example.com": "550 no", "bob@example.com": "451 later"}
        with SmtpSink(replies=replies, pipelining=pipelining) as sink:
            for recipient in ("eve@example.com", "bob@example.com"):
                failure(sink.url, replace(EMAIL, recipient=recipient))
            send(sink.url)
            assert (len(sink.messages), sink.connections) == (1, 1)

    def test_it_replaces_one_that_the_server_closed(self, pipelining: bool) -> None:
        with SmtpSink(pipelining=pipelining) as sink:
            send(sink.url)
            sink.drop_connections()
            send(sink.url)
            assert (len(sink.messages), sink.connections) == (2, 2)


class TestPool:
    def test_it_does_not_share_one_between_guarded_and_unguarded(self, settings: Settings) -> None:
        settings.PRIVATE_PROVIDERS_ALLOWED = True
        with SmtpSink() as sink:
            send(sink.url)
            send(sink.url, guarded=True)
            assert sink.connections == 2

    def test_it_serves_twelve_threads_and_keeps_eight(self) -> None:
        with SmtpSink(delay=0.3) as sink, ThreadPoolExecutor(12) as threads:
            together = threading.Barrier(12)

            def first() -> None:
                together.wait(5)
                send(sink.url)

            for done in [threads.submit(first) for _ in range(12)]:
                done.result()
            assert (len(sink.messages), sink.connections) == (12, 12)
            for done in [threads.submit(first) for _ in range(12)]:
                done.result()
            assert (len(sink.messages), sink.connections) == (24, 16)


Script = list[tuple[bytes, bytes]]


@contextmanager
def answering(*scripts: Script) -> Iterator[str]:
    """A server with PIPELINING: for each connection what it waits for and says, turn by turn, before it hangs up."""

    def serve(server: socket.socket) -> None:
        for script in scripts:
            client, _ = server.accept()
            with client:
                client.settimeout(5)
                for awaited, said in script:
                    heard = b""
                    while not heard.endswith(awaited):
                        heard += client.recv(65536) or awaited
                    client.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield f"smtp://127.0.0.1:{server.getsockname()[1]}"
        smtp.hang_up()
        thread.join(5)


OK = b"250 ok\r\n"
GREETED: Script = [(b"", b"220 hi\r\n"), (b"\r\n", b"250-hi\r\n250 PIPELINING\r\n")]
GO_ON = b"354 go on\r\n"
DATA, END = b"\r\nDATA\r\n", b"\r\n.\r\n"


class TestPipelining:
    """These servers say nothing before they have heard DATA: a client that waits for each reply fails here."""

    def test_it_says_all_up_to_data_at_once(self) -> None:
        mail = [(DATA, OK + OK + GO_ON), (END, b"250 kept\r\n")]
        with answering([*GREETED, *mail, (DATA, OK + OK + OK + GO_ON), (END, b"250 again\r\n")]) as url:
            assert (send(url), send(url)) == ("kept", "again")

    def test_it_asks_a_connection_that_was_idle_for_long_before_it_says_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(smtp_conversation, "BELIEVED_SECONDS", 0)
        mail = [(DATA, OK + OK + GO_ON), (END, b"250 kept\r\n")]
        with answering([*GREETED, *mail, (b"RSET\r\n", OK), *mail]) as url:
            assert (send(url), send(url)) == ("kept", "kept")

    @pytest.mark.parametrize(
        ("replies", "reason"),
        [
            (b"550 5.7.1 no\r\n503 no\r\n503 no\r\n", "smtp 550 5.7.1 at mail"),
            (OK + b"550 5.1.1 no\r\n554 5.5.1 nobody\r\n", "smtp 550 5.1.1 at rcpt"),
            (OK + b"451 4.7.1 later\r\n503 no\r\n", "smtp 451 4.7.1 at rcpt"),
            (OK + OK + b"452 4.3.1 full\r\n", "smtp 452 4.3.1 at data"),
        ],
    )
    def test_it_tells_which_command_was_refused_and_goes_on_with_the_next_mail(
        self, replies: bytes, reason: str
    ) -> None:
        after = [(DATA, OK + OK + OK + GO_ON), (END, b"250 kept\r\n")]
        with answering([*GREETED, (DATA, replies), *after]) as url:
            assert failure(url).reason == reason
            assert send(url) == "kept"

    def test_it_gives_no_mail_to_a_server_that_refused_its_reader_and_waits_for_it_all_the_same(self) -> None:
        kept = [(DATA, OK + OK + GO_ON), (END, b"250 kept\r\n")]
        with answering([*GREETED, (DATA, OK + b"550 no\r\n" + GO_ON)], [*GREETED, *kept]) as url:
            assert failure(url).reason == "smtp 550 at rcpt"
            assert send(url) == "kept"

    def test_a_refusal_counts_although_the_server_hangs_up_before_it_has_answered_all(self) -> None:
        with answering([*GREETED, (DATA, OK + b"550 5.1.1 no\r\n")]) as url:
            refused = failure(url)
        assert isinstance(refused, PermanentFailure)
        assert refused.reason == "smtp 550 5.1.1 at rcpt"

    def test_it_replaces_a_connection_on_which_the_server_takes_its_leave(self) -> None:
        kept = [(DATA, OK + OK + GO_ON), (END, b"250 kept\r\n")]
        with answering([*GREETED, *kept, (DATA, b"421 bye\r\n")], [*GREETED, *kept]) as url:
            assert (send(url), send(url)) == ("kept", "kept")


class TestPatience:
    def test_it_gives_a_frozen_server_up(self) -> None:
        with SmtpSink() as sink:
            sink.freeze()
            assert_fails_within(1.5, sink.url, "timed out at greeting")

    def test_it_gives_a_frozen_tls_handshake_up(self) -> None:
        with SmtpSink() as sink:
            sink.freeze()
            assert_fails_within(1.5, sink.url.replace("smtp", "smtps"), "timed out at connect")

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
        assert smtp.WORST_CASE_SECONDS == 35.0
