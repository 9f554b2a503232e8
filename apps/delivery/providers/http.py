"""HTTP calls to providers: bounded in time and size, to checked addresses, without redirects and without cookies."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from apps.delivery.providers import egress
from apps.delivery.providers.base import PermanentFailure, TransientFailure
from apps.delivery.providers.smtp_conversation import tls_context

# A yes is a few hundred bytes; a server that sends without end must not fill our memory.
MAX_ANSWER_BYTES = 64 * 1024
# These may be answered otherwise in a moment: time-out, too early, too many, and whatever is the server's own fault.
TRANSIENT = {408, 425, 429, *range(500, 600)}
# Compressed answers would be measured before they grow.
_HEADERS = {"User-Agent": "latchkey", "Accept-Encoding": "identity"}
# httpx's time-outs are for one read, so a server that drips bytes is waited for without end: this is for a whole call.
_ends: ContextVar[float] = ContextVar("ends")
# One for guarded calls and one for others, so that a connection to a private address is never lent to a guarded call.
_clients: dict[bool, httpx.Client] = {}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds. Nothing that a server does makes a call take longer than `whole`."""

    connect: float = 5.0
    whole: float = 20.0


PATIENCE = Patience()
WORST_CASE_SECONDS = PATIENCE.whole


@dataclass(frozen=True, slots=True)
class Answer:
    """Of a success; `body` is what of it arrived in time, up to MAX_ANSWER_BYTES."""

    status: int
    body: bytes = field(repr=False)


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes,
    guarded: bool,
    auth: tuple[str, str] | None = None,
    patience: Patience = PATIENCE,
) -> Answer:
    """One call. Raises TransientFailure or PermanentFailure, whose reasons quote nothing of the request.

    `guarded` connects only to public addresses, for URLs that a customer chose.
    """
    _ends.set(time.monotonic() + patience.whole)
    try:
        with _client(guarded=guarded).stream(
            method,
            url,
            headers={**_HEADERS, **headers},
            content=content,
            auth=auth or httpx.USE_CLIENT_DEFAULT,
            timeout=httpx.Timeout(patience.whole, connect=patience.connect),
        ) as response:
            return _decided(response)
    except httpx.TimeoutException:
        raise TransientFailure("http: timed out") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, ValueError):
        raise PermanentFailure("http: not a request that can be made") from None
    except httpx.HTTPError as error:
        # Without `from None` a traceback would print the URL, which may hold a credential.
        raise TransientFailure(f"http: {type(error).__name__}") from None


def hang_up() -> None:
    """Close the idle connections of this process."""
    while _clients:
        _clients.popitem()[1].close()


def _decided(response: httpx.Response) -> Answer:
    if response.status_code in TRANSIENT:
        raise TransientFailure(f"http {response.status_code}")
    if not response.is_success:
        raise PermanentFailure(f"http {response.status_code}")
    return Answer(response.status_code, _body(response))


def _body(response: httpx.Response) -> bytes:
    """The status has decided by now: a body that breaks off or does not end is no reason to send a second message."""
    body = bytearray()
    with suppress(httpx.TransportError):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= MAX_ANSWER_BYTES:
                break
    return bytes(body[:MAX_ANSWER_BYTES])


def _client(*, guarded: bool) -> httpx.Client:
    if guarded not in _clients:
        _clients[guarded] = _new_client(guarded=guarded)
    return _clients[guarded]


def _new_client(*, guarded: bool) -> httpx.Client:
    """Redirects stay off, because a redirect could lead from a checked address to an unchecked one; and no cookie is
    kept, because customers who use the same provider share this client.
    """
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    transport = _Transport(_Network(guarded=guarded))
    return httpx.Client(transport=transport, cookies=no_cookies, follow_redirects=False, trust_env=False)


class _Transport(httpx.HTTPTransport):
    """httpx's own over connections of ours, for which it has no option: TLS, SNI and Host keep the URL's own name."""

    def __init__(self, network: httpcore.NetworkBackend) -> None:
        super().__init__(verify=tls_context(), trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=tls_context(), keepalive_expiry=30, network_backend=network)


class _Network(httpcore.SyncBackend):
    """Looks names up itself and connects to exactly the addresses that were checked, one after the other."""

    def __init__(self, *, guarded: bool) -> None:
        self._resolve = egress.resolve_public if guarded else egress.resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError()
        for address in self._resolve(host, port, seconds=_left(egress.RESOLVE_SECONDS)):
            try:
                return _Timed(super().connect_tcp(address, port, _left(timeout), local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class _Timed(httpcore.NetworkStream):
    """Each step gets what is left of the whole call, also on a connection that an earlier call has opened."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(seconds: float | None) -> float:
    left = _ends.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if seconds is None else min(seconds, left)
