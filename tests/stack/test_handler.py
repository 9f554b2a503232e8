"""The way that granian's requests take, which is not that of the test client."""

import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest
from django.urls import Resolver404

from config import handler

LIVE = "/healthz"


def request(path: str) -> HttpRequest:
    asked = HttpRequest()
    asked.path = asked.path_info = path
    return asked


@pytest.fixture
def served() -> handler.Handler:
    handler.remembered.cache_clear()
    return handler.Handler()


def test_an_address_that_leads_somewhere_is_looked_up_once(served: handler.Handler) -> None:
    first, second = request(LIVE), request(LIVE)
    assert served.resolve_request(first) is served.resolve_request(second)
    assert first.resolver_match is second.resolver_match
    assert handler.remembered.cache_info().currsize == 1


def test_nothing_is_remembered_of_strangers_inventions(served: handler.Handler) -> None:
    with pytest.raises(Resolver404):
        served.resolve_request(request("/nowhere"))
    long = request(f"/v1/apps/{'a' * handler.LONGEST_REMEMBERED}/userinfo")
    assert served.resolve_request(long).kwargs["app_id"].startswith("aaa")
    assert handler.remembered.cache_info().currsize == 0


def test_two_environments_at_one_step_are_two(served: handler.Handler) -> None:
    one, other = (served.resolve_request(request(f"/v1/apps/{name}/userinfo")) for name in ("one", "other"))
    assert (one.kwargs["app_id"], other.kwargs["app_id"]) == ("one", "other")


def test_it_answers_as_django_s_does(served: handler.Handler) -> None:
    heard: list[Any] = []

    def hear(status: str, headers: list[tuple[str, str]], _error: Any = None, /) -> Callable[[bytes], object]:
        heard.append((status, headers))
        return heard.append

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": LIVE,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        "REMOTE_ADDR": "127.0.0.1",
    }
    answer = served(environ, hear)
    assert b"".join(answer) == b'{"status": "ok"}'
    assert [status for status, _ in heard] == ["200 OK"]


# In a process of its own, because what is served is without some of Django's signals from then on.
SERVED = """
import io
from config.wsgi import application
from django.db import connection

environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/readyz", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80"}
answer = application({**environ, "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1"},
                     lambda status, headers: print(status))
print("kept" if connection.connection else "none")
answer.close()
print("kept" if connection.connection else "given back")
"""


def test_a_request_gives_its_connection_back_at_its_end() -> None:
    done = subprocess.run([sys.executable, "-c", SERVED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-2:] == ["kept", "given back"]
