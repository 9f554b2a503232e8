"""The API pays for nothing that only pages need, and pages pass all of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.module_loading import import_string

from config import pages
from config.static_files import StaticFiles
from tests.dashboard.company import browser, operator
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def world() -> World:
    return build()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the pages' middleware that requests go through from now on, in their order."""
    names: list[str] = []
    for path in settings.PAGES_MIDDLEWARE:
        monkeypatch.setattr(import_string(path), "__call__", _noting(names, path))
    static = "static files"
    monkeypatch.setattr(StaticFiles, "__call__", _noting(names, static, StaticFiles.__call__))
    return names


def _noting(names: list[str], path: str, real: Any = None) -> Any:
    call = real or import_string(path).__call__

    def noting(self: Any, request: Any) -> Any:
        names.append(path)
        return call(self, request)

    return noting


def test_a_page_passes_all_of_it_and_the_api_none(world: World, ran: list[str]) -> None:
    browser().get("/dashboard/sign-in/")
    assert ran == settings.PAGES_MIDDLEWARE
    ran.clear()
    browser().get("/admin/")
    assert ran == settings.PAGES_MIDDLEWARE
    ran.clear()
    world.sign_up("ada@example.com")
    world.get(".well-known/jwks.json")
    browser().get("/healthz")
    browser().get("/nowhere")
    assert ran == []
    browser().get("/static/dashboard/dashboard.css").close()
    assert ran == ["static files"]


def test_an_operators_cookie_costs_the_api_no_statement(world: World) -> None:
    client = browser(operator(is_staff=True))
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"{world.root}/.well-known/jwks.json")
    asked = " ".join(query["sql"] for query in captured.captured_queries)
    assert answer.status_code == 200
    assert "tenants_environment" in asked
    assert "django_session" not in asked
    assert "tenants_operator" not in asked


def test_the_api_answers_without_cookies_and_without_the_pages_headers(world: World) -> None:
    before = Session.objects.count()
    answer = world.sign_up("ada@example.com")
    assert answer.status_code == 201
    assert not answer.cookies
    assert "Content-Security-Policy" not in answer.headers
    assert Session.objects.count() == before


@pytest.mark.parametrize(
    ("path", "is_page"),
    [
        ("/dashboard", True),
        ("/dashboard/x", True),
        ("/admin/", True),
        ("/dashboards", False),
        ("/administrator/", False),
        ("/auth/dashboard/", False),
        ("/", False),
        ("//dashboard/", False),
    ],
)
def test_only_what_is_below_them_is_a_page(path: str, is_page: bool) -> None:
    assert pages.is_page(path) is is_page
