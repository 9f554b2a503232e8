"""The vendor's hosts, as the operator of an installation brings them back: a proxy that ends TLS before Latchkey.

`auth.passage.id` is the public root. `api.passage.id` is bound to the same one, the only root there is so far; of it
the SDK of 2.x needs the app.
"""

from __future__ import annotations

import http.client
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.stack.running import Web

PUBLIC_URL = "https://auth.passage.id"
HOSTS = ("auth.passage.id", "api.passage.id")
# A product's own site, an empty page: from loopback as well, because Chromium asks the person before it lets a page of
# the Internet reach a private address.
SHOP, PAGE = "shop.example.com", b"<!doctype html><title>Shop</title>"
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Asked:
    host: str
    method: str
    path: str
    headers: dict[str, str]
    status: int


@dataclass
class Vendor:
    """A running proxy. `asked` is what came through it, in order."""

    web: Web
    tls: ssl.SSLContext
    asked: list[Asked] = field(default_factory=list)

    def start(self) -> None:
        self._server = _Proxy(("127.0.0.1", 0), _Handler)
        self._server.vendor = self
        self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def methods(self, path: str) -> list[tuple[str, int]]:
        return [(asked.method, asked.status) for asked in self.asked if asked.path.partition("?")[0].endswith(path)]


class _Proxy(ThreadingHTTPServer):
    vendor: Vendor
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser opens connections that it then does not need."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        assert isinstance(self.server, _Proxy)
        vendor = self.server.vendor
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        host = self.headers["Host"]
        if host == SHOP:
            self._answer(200, [("Content-Type", "text/html")], PAGE)
            return
        status, headers, answer = _ask(vendor.web.port, self.command, self.path, self._headers(), body)
        vendor.asked.append(Asked(host, self.command, self.path, dict(self.headers), status))
        self._answer(status, headers, answer)

    def _answer(self, status: int, headers: list[tuple[str, str]], answer: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in _OF_ONE_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _forward  # noqa: N815 - the names that http.server looks for.

    def _headers(self) -> dict[str, str]:
        assert self.headers["Host"] in HOSTS
        kept = {name: value for name, value in self.headers.items() if name.lower() not in _OF_ONE_HOP}
        return {**kept, "Host": HOSTS[0], "X-Forwarded-Proto": "https", "X-Forwarded-For": self.client_address[0]}

    def log_message(self, format: str, *args: object) -> None:
        """`asked` has it all."""


def _ask(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()
