"""A real HTTP server on loopback that keeps what it is asked, for tests."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Message
    body: bytes


Act = Callable[["Handler", threading.Event], None]


@dataclass(kw_only=True, eq=False)
class HttpSink:
    """Listens on a free loopback port from `with` to the end of it; each request is answered in a thread of its own."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    act: Act | None = None
    """Answers in place of the three above, and stops when the event tells that the sink has closed."""

    requests: list[Received] = field(default_factory=list, init=False)
    connections: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        self._closed = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.sink = self
        if self.tls:
            self._server.socket = self.tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return self.url_of("127.0.0.1")

    def url_of(self, host: str) -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    @property
    def request(self) -> Received:
        """The only one there was."""
        (received,) = self.requests
        return received

    def answer(self, handler: Handler) -> None:
        if self.act:
            self.act(handler, self._closed)
            return
        handler.send_response(self.status)
        for name, value in {"Content-Length": str(len(self.body)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(self.body)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def setup(self) -> None:
        super().setup()
        self._sink.connections += 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._sink.requests.append(Received(self.command, self.path, self.headers, body))
        self._sink.answer(self)

    do_PUT = do_POST  # noqa: N815 - the name that http.server looks for.

    def log_message(self, format: str, *args: object) -> None:
        """Tests say what they need to say."""

    @property
    def _sink(self) -> HttpSink:
        assert isinstance(self.server, _Server)
        return self.server.sink


class _Server(ThreadingHTTPServer):
    sink: HttpSink
    block_on_close = False
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""
