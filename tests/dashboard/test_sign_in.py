"""The way in: a code, a link, and nothing else."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from apps.audit.models import Event
from apps.challenges.models import Challenge
from apps.management.sign_in import make_link, system_environment
from tests.dashboard.company import answer_code, browser, code_for, is_signed_in, operator, start, text_of

pytestmark = pytest.mark.usefixtures("database")


def wrong(code: str) -> str:
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


def test_a_code_opens_the_dashboard() -> None:
    person, client = operator(), browser()
    assert start(client, f" {person.email.upper()} ").headers["Location"] == "/dashboard/sign-in/code/"
    code = code_for(person.email)
    answer = answer_code(client, f"{code[:3]} {code[3:]}")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard/")
    assert is_signed_in(client)
    event = Event.objects.for_environment(system_environment()).filter(user_id=person.id).get()
    assert event.kind == Event.Kind.OPERATOR_SIGNED_IN


def test_the_code_field_is_one_that_phones_fill_in() -> None:
    client = browser()
    start(client, operator().email)
    page = text_of(client.get("/dashboard/sign-in/code/"))
    field = next(tag for tag in re.findall(r"<input[^>]*>", page) if 'name="code"' in tag)
    assert 'inputmode="numeric"' in field
    assert 'autocomplete="one-time-code"' in field


def test_strangers_and_operators_get_the_same_answer() -> None:
    known = operator().email
    stranger = known[:-12] + "@example.org"
    pages = []
    for email in (known, stranger):
        client = browser()
        start(client, email)
        page = text_of(client.get("/dashboard/sign-in/code/"))
        pages.append(re.sub(r'value="\w{64}"', "", page).replace(email, "…"))
    assert pages[0] == pages[1]


def test_the_right_code_for_somebody_who_is_no_operator_is_a_wrong_code() -> None:
    client, email = browser(), f"{operator().id.hex[:8]}@stranger.example"
    start(client, email)
    answer = answer_code(client, code_for(email))
    assert (answer.status_code, "wrong or has expired" in text_of(answer)) == (422, True)
    assert not is_signed_in(client)


def test_a_wrong_code_is_told_at_its_field_and_five_end_it() -> None:
    person, client = operator(), browser()
    start(client, person.email)
    code = code_for(person.email)
    for _ in range(5):
        answer = answer_code(client, wrong(code))
        assert (answer.status_code, "wrong or has expired" in text_of(answer)) == (422, True)
    page = text_of(answer_code(client, code))
    assert "wrong or has expired" in page, "the tries are spent, and a right code reads like a wrong one"
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="id_code_helptext id_code_error"' in page
    assert 'id="id_code_error"' in page
    assert not is_signed_in(client)


def test_what_is_no_code_spends_no_try() -> None:
    person, client = operator(), browser()
    start(client, person.email)
    for junk in ("", "abcdef", "12", "１２３４５６", "1" * 30, "123\x00456"):
        assert answer_code(client, junk).status_code == 422
    answer_code(client, code_for(person.email))
    assert is_signed_in(client)


def test_a_code_opens_only_the_browser_that_asked() -> None:
    """The handle is in the session of the browser that started; a code without it is worth nothing."""
    person, theirs, ours = operator(), browser(), browser()
    start(theirs, person.email)
    start(ours, operator().email)
    code = code_for(person.email)
    assert answer_code(browser(), code).headers["Location"] == "/dashboard/sign-in/"
    assert answer_code(ours, code).status_code == 422
    assert not is_signed_in(ours)
    answer_code(theirs, code)
    assert is_signed_in(theirs)


def test_a_code_works_once() -> None:
    person, client = operator(), browser()
    start(client, person.email)
    code = code_for(person.email)
    answer_code(client, code)
    client.post("/dashboard/sign-out/")
    assert answer_code(client, code).headers["Location"] == "/dashboard/sign-in/"
    assert not is_signed_in(client)


def test_a_resend_too_soon_is_told_how_long_to_wait() -> None:
    person, client = operator(), browser()
    start(client, person.email)
    answer = client.post("/dashboard/sign-in/resend/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert "wait 30 seconds" in text_of(answer)


def test_a_stranger_who_asks_first_does_not_keep_the_operator_out() -> None:
    person, client = operator(), browser()
    start(browser(), person.email)
    assert start(client, person.email).status_code == 302
    answer_code(client, code_for(person.email))
    assert is_signed_in(client)


def test_a_resend_carries_the_same_code() -> None:
    person, client = operator(), browser()
    start(client, person.email)
    code = code_for(person.email)
    Challenge.objects.filter(identifier=person.email).update(last_sent_at=timezone.now() - timedelta(minutes=1))
    assert "on its way" in text_of(client.post("/dashboard/sign-in/resend/"))
    answer_code(client, code)
    assert is_signed_in(client)


@pytest.mark.parametrize(
    "email", ["", "ada", "ada@", "a b@example.com", "a\x00@example.com", "x" * 300 + "@example.com"]
)
def test_what_is_no_address_is_told_at_its_field(email: str) -> None:
    answer = start(browser(), email)
    assert answer.status_code == 422
    assert 'id="id_email_error"' in text_of(answer)


def test_too_many_attempts_from_one_address_have_to_wait() -> None:
    client = browser()
    statuses = [start(client, operator().email).status_code for _ in range(40)]
    assert statuses[:30] == [302] * 30
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    ("after", "place"),
    [
        ("/dashboard/companies/", "/dashboard/companies/"),
        ("/admin/", "/admin/"),
        ("", "/dashboard/"),
        ("https://evil.example/", "/dashboard/"),
        ("//evil.example/dashboard/", "/dashboard/"),
        ("/\\evil.example", "/dashboard/"),
        ("javascript:alert(1)", "/dashboard/"),
        ("/auth/x", "/dashboard/"),
        ("/dashboard/\r\nX: y", "/dashboard/%0D%0AX:%20y"),
    ],
)
def test_it_leads_only_to_pages_of_ours(after: str, place: str) -> None:
    person, client = operator(), browser()
    start(client, person.email, next=after)
    assert answer_code(client, code_for(person.email)).headers["Location"] == place
    assert client.get("/dashboard/sign-in/", {"next": after}).headers["Location"] == place


def test_somebody_who_is_not_signed_in_comes_back_to_where_they_wanted() -> None:
    answer = browser().get("/dashboard/?a=b")
    assert answer.headers["Location"] == "/dashboard/sign-in/?next=%2Fdashboard%2F%3Fa%3Db"
    htmx = browser().get("/dashboard/", headers={"HX-Request": "true"})
    assert htmx.headers["HX-Redirect"].startswith("/dashboard/sign-in/")


def test_a_link_works_once_and_only_by_its_button() -> None:
    link = make_link(operator())
    token = {"token": link.token}
    assert link.url.endswith(f"/dashboard/sign-in/link?token={link.token}")
    for _ in range(3):
        assert browser().get("/dashboard/sign-in/link", token).status_code == 200, "a scanner only looks"
    client = browser()
    assert client.post("/dashboard/sign-in/link", token).headers["Location"] == "/dashboard/"
    assert is_signed_in(client)
    again = browser()
    answer = again.post("/dashboard/sign-in/link", token)
    assert (answer.status_code, "link has ended" in text_of(answer)) == (422, True)
    assert not is_signed_in(again)


@pytest.mark.parametrize("token", ["", "x", "x.123456", "\x00.\x00", "ü" * 100, "." * 500])
def test_a_link_that_is_none_has_ended(token: str) -> None:
    assert browser().post("/dashboard/sign-in/link", {"token": token}).status_code == 422


def test_a_link_ends_when_its_time_is_over() -> None:
    person = operator()
    link = make_link(person)
    Challenge.objects.filter(identifier=person.email).update(expires_at=timezone.now())
    assert browser().post("/dashboard/sign-in/link", {"token": link.token}).status_code == 422


@pytest.mark.parametrize("has_mail", [True, False])
def test_an_installation_without_mail_tells_how_to_get_in(settings: Settings, has_mail: bool) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:25" if has_mail else ""
    assert ("manage.py sign_in_link" in text_of(browser().get("/dashboard/sign-in/"))) is not has_mail
