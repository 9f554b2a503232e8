"""Text messages: what a gateway and Twilio are sent, and what they can make of it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from apps.delivery.providers import sms
from apps.delivery.providers.base import PermanentFailure, ProviderError, TransientFailure
from tests.delivery.http_sink import HttpSink
from tests.delivery.sms_providers import AUTH_TOKEN, SID, gateway, twilio

PHONE = "+919876543211"
READY = sms.Sms(reference="0b1c", recipient=PHONE, text="123456 is your Shop code")


def send(provider: str, ready: sms.Sms = READY, *, guarded: bool = False) -> str:
    return sms.send(provider, ready, guarded=guarded)


def failure(provider: str, *, guarded: bool = False) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        send(provider, guarded=guarded)
    return caught.value


def form(body: bytes) -> dict[str, list[str]]:
    return parse_qs(body.decode(), strict_parsing=True)


class TestGateway:
    def test_it_is_posted_json(self) -> None:
        with HttpSink(status=202) as sink:
            assert send(gateway(sink)) == "http 202"
            received = sink.request
        assert (received.method, received.path) == ("POST", "/send?key=url-s3cret")
        assert received.headers["Content-Type"] == "application/json"
        assert json.loads(received.body) == {"to": PHONE, "message": READY.text}

    def test_it_is_sent_a_form_by_the_method_it_wants(self) -> None:
        with HttpSink() as sink:
            send(gateway(sink, method="PUT", format="form"))
            received = sink.request
        assert received.method == "PUT"
        assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert form(received.body) == {"to": [PHONE], "message": [READY.text]}

    def test_headers_are_sent_as_they_are_and_may_say_another_content_type(self) -> None:
        headers = {"Authorization": "Bearer {to}", "Content-Type": "application/vnd.sms+json"}
        with HttpSink() as sink:
            send(gateway(sink, headers=headers))
            assert {name: sink.request.headers[name] for name in headers} == headers

    @pytest.mark.parametrize("format_", ["json", "form"])
    @pytest.mark.parametrize(
        "text",
        ['a "quoted" \\ text', "{to} {reference} {text}", "a&to=+1&b=%41", "é 验 😀\n@x.test #1", "{0.__class__}"],
    )
    def test_a_text_goes_through_as_it_is(self, format_: str, text: str) -> None:
        """Above all nothing in it is filled in: a product may be called what it likes."""
        with HttpSink() as sink:
            send(gateway(sink, format=format_), sms.Sms(reference="0b1c", recipient=PHONE, text=text))
            body = sink.request.body
        values = json.loads(body) if format_ == "json" else {name: value[0] for name, value in form(body).items()}
        assert values == {"to": PHONE, "message": text}

    def test_a_template_may_hold_more_than_one_placeholder_and_braces_of_its_own(self) -> None:
        fields = {"xml": '<sms id="{reference}" to="{to}">{text}</sms>', "raw": "{} {unknown} {{to}}", "kind": "otp"}
        with HttpSink() as sink:
            send(gateway(sink, fields=fields))
            values = json.loads(sink.request.body)
        assert values == {
            "xml": f'<sms id="0b1c" to="{PHONE}">{READY.text}</sms>',
            "raw": f"{{}} {{unknown}} {{{PHONE}}}",
            "kind": "otp",
        }


class TestTwilio:
    def test_it_is_sent_a_message_from_a_number(self) -> None:
        with HttpSink(status=201, body=json.dumps({"sid": "SM" + "1" * 32, "to": PHONE}).encode()) as sink:
            assert send(twilio(sink)) == "twilio SM" + "1" * 32
            received = sink.request
        assert (received.method, received.path) == ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json")
        assert form(received.body) == {"To": [PHONE], "From": ["+15005550006"], "Body": [READY.text]}
        credentials = base64.b64encode(f"{SID}:{AUTH_TOKEN}".encode()).decode()
        assert received.headers["Authorization"] == f"Basic {credentials}"

    def test_it_is_sent_a_message_from_a_service(self) -> None:
        with HttpSink(status=201) as sink:
            send(twilio(sink, sender="MG" + "2" * 32))
            assert form(sink.request.body) == {
                "To": [PHONE],
                "MessagingServiceSid": ["MG" + "2" * 32],
                "Body": [READY.text],
            }

    @pytest.mark.parametrize(
        "body",
        [b"", b"no json", b"[]", b'{"sid": 1.5}', b'{"sid": "a\\u0000b"}', b'{"sid": "+919876543211"}', b"[" * 60_000],
    )
    def test_a_yes_without_a_sid_is_a_yes(self, body: bytes) -> None:
        with HttpSink(status=201, body=body) as sink:
            assert send(twilio(sink)) == "twilio accepted"


@pytest.mark.parametrize("provider", [gateway, twilio])
class TestFailures:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (429, TransientFailure),
            (500, TransientFailure),
            (503, TransientFailure),
            (302, PermanentFailure),
            (400, PermanentFailure),
            (401, PermanentFailure),
            (404, PermanentFailure),
        ],
    )
    def test_a_status_decides_and_is_all_that_is_told(self, provider: Any, status: int, kind: type) -> None:
        body = f'{{"message": "{PHONE} {READY.text} {AUTH_TOKEN}"}}'.encode()
        with HttpSink(status=status, body=body, headers={"Location": "http://127.0.0.1:1/"}) as sink:
            failed = failure(provider(sink))
            assert len(sink.requests) == 1
        assert type(failed) is kind
        assert failed.reason == f"http {status}"

    def test_a_customers_provider_may_not_be_on_a_private_address(self, provider: Any) -> None:
        with HttpSink() as sink:
            failed = failure(provider(sink), guarded=True)
            assert (type(failed), failed.reason) == (PermanentFailure, "address is not public")
            assert sink.connections == 0


@pytest.mark.parametrize(
    "facts",
    [
        "",
        "[]",
        "null",
        '"twilio"',
        "{}",
        {"kind": "pigeon"},
        {"kind": ["twilio"]},
        {"kind": "twilio"},
        {"kind": "twilio", "account_sid": 1, "auth_token": "x", "from": "+1"},
        {"kind": "twilio", "account_sid": "AC", "auth_token": "x", "from": None},
        {"kind": "twilio", "account_sid": "\ud800", "auth_token": "x", "from": "+1"},
        {"kind": "gateway"},
        {"kind": "gateway", "url": 1, "fields": {"a": "{text}"}},
        {"kind": "gateway", "url": "http://x", "fields": ["{text}"]},
        {"kind": "gateway", "url": "http://x", "fields": {"a": ["{text}"]}},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}", "b": 1}},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{to}"}},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}"}, "method": "GET"},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}"}, "method": ["POST"]},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}"}, "format": "xml"},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}"}, "headers": {"X": 1}},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}"}, "headers": "X: 1"},
        {"kind": "gateway", "url": "http://x", "fields": {"a": "{text}"}, "more": 1},
    ],
    ids=lambda facts: str(facts)[:60],
)
def test_a_provider_that_is_set_up_wrongly_is_a_dead_letter_and_no_crash(facts: Any) -> None:
    failed = failure(facts if isinstance(facts, str) else json.dumps(facts))
    assert (type(failed), failed.reason) == (PermanentFailure, "the SMS provider is set up wrongly")


def test_neither_a_message_nor_a_provider_shows_what_it_holds() -> None:
    shown = repr(READY) + repr(
        sms.provider(json.dumps({"kind": "gateway", "url": "u-s3cret", "fields": {"a": "{text}"}}))
    )
    facts = {"kind": "twilio", "account_sid": SID, "auth_token": AUTH_TOKEN, "from": "+1"}
    shown += repr(sms.provider(json.dumps(facts)))
    assert not [held for held in (PHONE, "123456", "s3cret", AUTH_TOKEN) if held in shown]
