"""What SMTP servers receive, and what is made of their replies."""

import socket
import time
from dataclasses import replace

import pytest

from apps.delivery.providers.base import PermanentFailure, TransientFailure
from tests.delivery.sending import EMAIL, failure, send
from tests.smtp_sink import ACCEPTED, SmtpSink


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

    @pytest.mark.parametrize(
        "subject",
        [
            "123456 is your Shop code",
            "123456 is your =?utf-8?b?RXZl?= code",
            "123456 " + "long " * 60 + "end",
            "123456 " + "x" * 300,
            "你的验证码是 123456 " * 12,
            "👩‍👩‍👧 ü" * 30,
        ],
    )
    def test_a_subject_arrives_as_it_is_in_lines_that_every_relay_takes(self, subject: str) -> None:
        with SmtpSink() as sink:
            send(sink.url, replace(EMAIL, subject=subject))
            assert sink.messages[0]["Subject"] == subject
            head = bytes(sink.received).split(b"DATA\r\n" if b"DATA\r\n" in sink.received else b"data\r\n")[1]
        assert max(len(line) for line in head.split(b"\r\n")) <= 76

    @pytest.mark.parametrize(
        "text",
        ["x" * 2000 + "\n", ".\n..\n.dot\n", "trailing \t \n", "From me\n--=_latchkey--\n", "ü=3D=\n", "a\r\nb\n"],
    )
    def test_a_body_arrives_as_it_is(self, text: str) -> None:
        with SmtpSink() as sink:
            send(sink.url, replace(EMAIL, text=text, html=text))
            (message,) = sink.messages
            assert (message.text, message.html) == (text.replace("\r\n", "\n"),) * 2
            assert max(len(line) for line in bytes(sink.received).split(b"\r\n")) <= 78

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


class TestReplies:
    @pytest.mark.parametrize("pipelining", [True, False])
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
        self, key: str, reply: str, expected: type[Exception], status: str, pipelining: bool
    ) -> None:
        with SmtpSink(replies={key: reply}, pipelining=pipelining) as sink:
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
