"""The one middleware of the API: who asks, for which host, and one line in the log for each answer."""

import re
import time
import uuid
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import split_domain_port, validate_host

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Load balancers and container engines ask these by address; neither page tells anything about a customer.
_ANY_HOST = ("/healthz", "/readyz")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}

log = structlog.get_logger("latchkey.request")


class RequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.proxies = [ip_network(entry, strict=False) for entry in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = _request_id(request)
        # Threads of the server live on, and so would what the last request bound.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        self._believe_proxies(request)
        response = self.get_response(request) if _is_for_us(request) else _misdirected()
        response["X-Request-Id"] = request_id
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        _log(request, response, started)
        return response

    def _believe_proxies(self, request: HttpRequest) -> None:
        """Put the client's address into REMOTE_ADDR, and https where a proxy of ours ended TLS."""
        if not self.proxies:
            return
        peer = _address(request.META.get("REMOTE_ADDR", ""))
        if peer is None or not self._is_trusted(peer):
            return
        request.META["REMOTE_ADDR"] = str(self._client(request, peer))
        scheme = request.META.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if scheme in ("http", "https"):
            request.META["wsgi.url_scheme"] = scheme

    def _client(self, request: HttpRequest, peer: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
        """The right-most address that is no proxy of ours: what stands left of it was written by the client."""
        for entry in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = _address(entry)
            if address is None:
                break
            peer = address
            if not self._is_trusted(address):
                break
        return peer

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self.proxies)


def _request_id(request: HttpRequest) -> str:
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if given and _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: with or without a port, IPv6 with or without brackets, IPv4 in IPv6 clothes."""
    bare = re.sub(r"^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$", r"\1\2", text.strip())
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_for_us(request: HttpRequest) -> bool:
    hosts = tuple(settings.ALLOWED_HOSTS)
    return _is_one_of(hosts, request.META.get("HTTP_HOST", "")) or request.path in _ANY_HOST


@lru_cache
def _is_one_of(hosts: tuple[str, ...], host: str) -> bool:
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, hosts)


def _misdirected() -> JsonResponse:
    return JsonResponse(
        {"error": "misdirected_request", "error_description": "This host is not served here."}, status=421
    )


def _log(request: HttpRequest, response: HttpResponse, started: float) -> None:
    # Only the path: a query string can hold a credential, even one that is refused.
    log.info(
        "request",
        method=request.method,
        path=request.path,
        status=response.status_code,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
