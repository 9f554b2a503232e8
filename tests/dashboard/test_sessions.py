"""Operators' sessions: where they are, when they end, and the cookies that name them."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.dashboard.tasks import forget_sessions
from tests.dashboard.company import answer_code, browser, code_for, is_signed_in, operator, start

pytestmark = pytest.mark.usefixtures("database")


def test_the_session_begins_under_a_new_key() -> None:
    person, client = operator(), browser()
    start(client, person.email)
    before = client.cookies["latchkey_session"].value
    answer_code(client, code_for(person.email))
    assert client.cookies["latchkey_session"].value != before
    assert not Session.objects.filter(session_key=before).exists()


def test_signing_out_ends_the_session_in_the_database() -> None:
    client = browser(operator())
    key = client.cookies["latchkey_session"].value
    assert client.get("/dashboard/sign-out/").status_code == 405
    client.post("/dashboard/sign-out/")
    assert not Session.objects.filter(session_key=key).exists()
    assert not is_signed_in(client)


def test_a_deactivated_operator_is_out_with_the_next_request() -> None:
    person = operator()
    client = browser(person)
    assert is_signed_in(client)
    person.is_active = False
    person.save()
    assert not is_signed_in(client)
    start(client, person.email)
    assert answer_code(client, code_for(person.email)).status_code == 422


def test_a_session_ends_after_twelve_idle_hours() -> None:
    client = browser(operator())
    session = Session.objects.get(session_key=client.cookies["latchkey_session"].value)
    client.get("/dashboard/")
    session.refresh_from_db()
    assert timedelta(hours=11, minutes=59) < session.expire_date - timezone.now() <= timedelta(hours=12)
    Session.objects.filter(pk=session.pk).update(expire_date=timezone.now())
    assert not is_signed_in(client)


def test_ended_sessions_are_forgotten() -> None:
    kept, ended = (browser(operator()).cookies["latchkey_session"].value for _ in range(2))
    Session.objects.filter(session_key=ended).update(expire_date=timezone.now())
    forget_sessions()
    assert [Session.objects.filter(session_key=key).exists() for key in (kept, ended)] == [True, False]


@pytest.mark.parametrize("cookie", ["x", "y" * 32, '"' + "a\\000" * 16 + '"', "ü" * 32])
def test_a_made_up_session_cookie_opens_nothing(cookie: str) -> None:
    client = browser()
    client.cookies["latchkey_session"] = cookie
    raw = client.get("/dashboard/", headers={"Cookie": f"latchkey_session={cookie}"})
    assert raw.status_code == 302


def test_cookies_are_kept_from_scripts_and_from_other_sites() -> None:
    person, client = operator(), browser()
    client.get("/dashboard/sign-in/")
    start(client, person.email)
    answer_code(client, code_for(person.email))
    for name in ("latchkey_session", "latchkey_csrf"):
        cookie = client.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert client.cookies["latchkey_session"]["max-age"] == 12 * 3600


def test_cookies_are_secure_where_the_public_url_is(settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = browser()
    client.get("/dashboard/sign-in/")
    assert client.cookies["latchkey_csrf"]["secure"] is True
