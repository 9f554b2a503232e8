"""Calls to providers over HTTP: where they go, how long they take, and what they tell of a failure."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from apps.delivery.providers import http
from apps.delivery.providers.base import PermanentFailure, ProviderError, TransientFailure
from tests.delivery.certificates import Authority
from tests.delivery.http_sink import Handler, HttpSink

IMPATIENT = http.Patience(connect=0.3, whole=0.6)
SECRET = "s3cret"
NAME = "sms.example"
Name = Callable[..., None]


def call(url: str, *, guarded: bool = False, patience: http.Patience = http.PATIENCE, **options: Any) -> http.Answer:
    headers = {"Authorization": f"Bearer {SECRET}", **options.pop("headers", {})}
    return http.request(
        "POST", url, headers=headers, content=SECRET.encode(), guarded=guarded, patience=patience, **options
    )


def failure(url: str, **options: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call(url, **options)
    assert SECRET not in caught.value.reason
    assert "127.0.0.1" not in caught.value.reason
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


@pytest.fixture
def _private_allowed(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS_ALLOWED = True


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Name:
    """A name server that knows `sms.example`: each look-up gets the next of the answers, the last one for ever."""
    real = socket.getaddrinfo

    def resolves_to(*answers: list[str]) -> None:
        left = list(answers)

        def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
            if host != NAME:
                return real(host, port, *args, **options)
            addresses = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolves_to


class TestAnswers:
    def test_a_success_is_told_with_its_body(self) -> None:
        with HttpSink(status=201, body=b"yes") as sink:
            assert call(sink.url) == http.Answer(201, b"yes")
            assert sink.request.body == SECRET.encode()

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    def test_these_may_succeed_later(self, status: int) -> None:
        with HttpSink(status=status, body=SECRET.encode()) as sink:
            failed = failure(sink.url)
        assert isinstance(failed, TransientFailure)
        assert failed.reason == f"http {status}"

    @pytest.mark.parametrize("status", [304, 400, 401, 403, 404, 410, 422])
    def test_these_are_refusals_for_good(self, status: int) -> None:
        with HttpSink(status=status, body=b"") as sink:
            failed = failure(sink.url)
        assert isinstance(failed, PermanentFailure)
        assert failed.reason == f"http {status}"

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, status: int) -> None:
        with HttpSink() as elsewhere, HttpSink(status=status, headers={"Location": elsewhere.url}) as sink:
            assert isinstance(failure(sink.url), PermanentFailure)
            assert elsewhere.requests == []

    def test_nothing_listens_there(self) -> None:
        with HttpSink() as sink:
            url = sink.url
        assert isinstance(failure(url), TransientFailure)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "sms.example",
            "ftp://sms.example",
            "http://",
            "http://sms.example:99999",
            "http://\x00",
            "//x",
            "http://ab-.ß-",
        ],
    )
    def test_what_is_no_url_is_refused_for_good(self, url: str) -> None:
        assert isinstance(failure(url), PermanentFailure | TransientFailure)

    @pytest.mark.parametrize("value", ["a\nb", "é", "\ud800"])
    def test_a_header_that_cannot_be_sent_is_refused_for_good(self, value: str) -> None:
        with HttpSink() as sink:
            assert isinstance(failure(sink.url, headers={"X-Key": value}), PermanentFailure)
            assert sink.requests == []

    def test_no_cookie_of_one_customer_reaches_the_next(self) -> None:
        with HttpSink(headers={"Set-Cookie": "session=theirs; Path=/"}) as sink:
            call(sink.url)
            call(sink.url)
            assert [request.headers["Cookie"] for request in sink.requests] == [None, None]
            assert sink.connections == 1

    def test_credentials_in_the_url_become_a_header(self) -> None:
        with HttpSink() as sink:
            http.request("POST", sink.url.replace("://", "://us%40er:pa%3Ass@"), headers={}, content=b"", guarded=False)
            assert sink.request.headers["Authorization"] == "Basic dXNAZXI6cGE6c3M="
            assert "@" not in sink.request.headers["Host"]


@pytest.mark.usefixtures("_private_allowed")
class TestGuarded:
    def test_it_connects_to_the_address_that_was_checked_and_asks_once(self, name: Name) -> None:
        name(["127.0.0.1"], ["127.0.0.66"])
        with HttpSink() as sink:
            call(sink.url_of(NAME) + "/send?a=b%20c", guarded=True)
            assert (sink.request.path, sink.request.headers["Host"]) == ("/send?a=b%20c", f"{NAME}:{sink.port}")

    @pytest.mark.usefixtures("_trusting")
    def test_tls_proves_the_name_and_not_the_address(self, name: Name, authority: Authority) -> None:
        name(["127.0.0.1"])
        with HttpSink(tls=authority.server_context(NAME)) as sink:
            assert call(sink.url_of(NAME), guarded=True).status == 200
        with HttpSink(tls=authority.server_context("other.example")) as other:
            assert failure(other.url_of(NAME), guarded=True).reason == "http: ConnectError"
            assert other.requests == []

    def test_an_unknown_authority_is_not_believed(self, name: Name, authority: Authority) -> None:
        name(["127.0.0.1"])
        with HttpSink(tls=authority.server_context(NAME)) as sink:
            assert failure(sink.url_of(NAME), guarded=True).reason == "http: ConnectError"

    def test_it_tries_the_next_address_when_one_is_away(self, name: Name) -> None:
        name(["127.0.0.66", "127.0.0.1"])
        with HttpSink() as sink:
            assert call(sink.url_of(NAME), guarded=True).status == 200


class TestPrivateAddresses:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"])
    def test_a_customers_url_reaches_none(self, host: str) -> None:
        with HttpSink() as sink:
            failed = failure(sink.url_of(host), guarded=True)
            assert isinstance(failed, PermanentFailure)
            assert failed.reason == "address is not public"
            assert sink.connections == 0

    def test_a_name_that_is_partly_private_is_refused_whole(self, name: Name) -> None:
        name(["1.1.1.1", "127.0.0.1"])
        assert failure(f"http://{NAME}/", guarded=True).reason == "address is not public"

    def test_an_operators_connection_is_never_lent_to_a_customer(self) -> None:
        with HttpSink() as sink:
            call(sink.url)
            assert failure(sink.url, guarded=True).reason == "address is not public"
            assert len(sink.requests) == 1


def silent(handler: Handler, closed: threading.Event) -> None:
    closed.wait(5)


def dripping_head(handler: Handler, closed: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not closed.wait(0.02):
        handler.wfile.write(b"x")


def interim_without_end(handler: Handler, closed: threading.Event) -> None:
    while not closed.wait(0.02):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")


def dripping_body(handler: Handler, closed: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not closed.wait(0.02):
        handler.wfile.write(b"1\r\nx\r\n")


def endless_body(handler: Handler, closed: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not closed.is_set():
        handler.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def endless_head(handler: Handler, closed: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not closed.is_set():
        handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")


class TestBounds:
    @pytest.mark.parametrize("act", [silent, dripping_head, interim_without_end])
    def test_no_server_is_waited_for_longer_than_the_whole(self, act: Any) -> None:
        with HttpSink(act=act) as sink:
            started = time.monotonic()
            failed = failure(sink.url, patience=IMPATIENT)
            assert time.monotonic() - started < 2 * IMPATIENT.whole
        assert isinstance(failed, TransientFailure)
        assert failed.reason == "http: timed out"

    def test_a_yes_counts_though_its_body_never_ends(self) -> None:
        """Sending again because of it would send the person a second message."""
        with HttpSink(act=dripping_body) as sink:
            started = time.monotonic()
            answer = call(sink.url, patience=IMPATIENT)
            assert time.monotonic() - started < 2 * IMPATIENT.whole
        assert (answer.status, set(answer.body)) == (200, {ord("x")})

    def test_no_more_of_a_body_is_kept_than_is_of_use(self) -> None:
        with HttpSink(act=endless_body) as sink:
            assert len(call(sink.url).body) == http.MAX_ANSWER_BYTES

    def test_headers_without_end_are_an_error(self) -> None:
        with HttpSink(act=endless_head) as sink:
            assert isinstance(failure(sink.url), TransientFailure)

    def test_the_next_call_on_the_same_connection_has_a_time_of_its_own(self) -> None:
        with HttpSink() as sink:
            call(sink.url, patience=IMPATIENT)
            assert call(sink.url).status == 200
            assert sink.connections == 1

    def test_a_connection_that_the_server_closed_is_replaced(self) -> None:
        with HttpSink(headers={"Connection": "close"}) as sink:
            assert [call(sink.url).status for _ in range(3)] == [200] * 3
