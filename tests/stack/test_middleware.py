import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from pytest_django.fixtures import Settings

from config.middleware import RequestMiddleware


def _seen(settings: Settings, peer: str, headers: dict[str, str]) -> HttpRequest:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "::1"]
    settings.ALLOWED_HOSTS = ["auth.example.com", "[::1]"]
    seen: list[HttpRequest] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse()

    request = RequestFactory().get("/x", REMOTE_ADDR=peer, headers={"Host": "auth.example.com", **headers})
    RequestMiddleware(view)(request)
    return seen[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("::1", "[2001:db8::7]:443", "2001:db8::7"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_it_believes_only_what_a_trusted_proxy_wrote(
    settings: Settings, peer: str, forwarded: str, client: str
) -> None:
    assert _seen(settings, peer, {"X-Forwarded-For": forwarded}).META["REMOTE_ADDR"] == client


@pytest.mark.parametrize(("peer", "is_secure"), [("10.0.0.1", True), ("203.0.113.9", False)])
def test_it_believes_a_trusted_proxy_about_https(settings: Settings, peer: str, is_secure: bool) -> None:
    assert _seen(settings, peer, {"X-Forwarded-Proto": "https"}).is_secure() is is_secure


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("auth.example.com", 200),
        ("AUTH.example.com:8443", 200),
        ("[::1]:8000", 200),
        ("evil.example", 421),
        ("auth.example.com.evil.example", 421),
        ("auth.example.com@evil", 421),
        ("", 421),
    ],
)
def test_a_host_that_is_not_ours_is_misdirected(settings: Settings, host: str, status: int) -> None:
    settings.ALLOWED_HOSTS = ["auth.example.com", "[::1]"]
    answer = RequestMiddleware(lambda _request: HttpResponse())(RequestFactory().get("/x", HTTP_HOST=host))
    assert answer.status_code == status
