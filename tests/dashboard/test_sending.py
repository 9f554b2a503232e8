"""An environment's own providers, as its operators set them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_django import Settings

from apps.audit.models import Event
from apps.challenges.models import Challenge
from apps.delivery.models import CapturedMessage, Message
from apps.delivery.providers.smtp_server import Security, Server
from apps.management.providers import set_mail_server, set_sms_provider
from apps.management.sign_in import system_environment
from apps.tenants.models import Environment
from tests.dashboard.company import Company, browser, build, operator, text_of, untouched
from tests.dashboard.test_changes import events, post
from tests.dashboard.test_roles import GATEWAY, MAIL_SERVER, TWILIO, address, of_environment, of_production
from tests.smtp_sink import SmtpSink
from tests.world import deliver_due

pytestmark = pytest.mark.usefixtures("database")
SECRETS = ("correct horse", "battery staple")


def there(environment: Environment) -> Environment:
    return Environment.objects.select_related("project").get(id=environment.id)


def sending(company: Company, role: str = "owner") -> str:
    return text_of(browser(company.people[role]).get(address("sending", of_environment(company))))


def changed(environment: Environment) -> list[object]:
    return [event.facts["changed"] for event in events(environment, Event.Kind.POLICY_CHANGED)]


def test_a_mail_server_is_kept_sealed_and_never_shown_again() -> None:
    company = build()
    assert post(company, "mail-server", of_environment(company), MAIL_SERVER, "developer")[0] == 302
    environment = there(company.environment)
    assert environment.mail_url
    server = Server.parse(environment.mail_url, guarded=True)
    assert (server.host, server.port, server.user, server.password) == ("smtp.example.com", 587, "shop", SECRETS[0])
    assert b"horse" not in bytes(environment.mail_url_sealed or b"")
    client = browser(company.people["owner"])
    pages = [text_of(client.get(address(name, of_environment(company)))) for name in ("sending", "mail-server")]
    assert "smtp.example.com:587" in pages[0]
    assert not [page for page in pages if "horse" in page or ">shop<" in page or 'value="shop"' in page]
    event = events(environment, Event.Kind.POLICY_CHANGED)[0]
    assert event.facts["changed"] == "mail server"
    assert event.facts["operator"] == str(company.people["developer"].id)


@pytest.mark.parametrize("text", ["p@ss:w/rd?#%+ &=[]", "ü€", '"\\', "%41", " lead and trail "])
def test_whatever_a_password_is_made_of_the_server_hears_it(text: str) -> None:
    company = build()
    body = {**MAIL_SERVER, "security": "tls", "user": "a@b:c/d", "password": text}
    assert post(company, "mail-server", of_environment(company), body)[0] == 302
    server = Server.parse(str(there(company.environment).mail_url), guarded=True)
    assert (server.security, server.port) == (Security.TLS, 465)
    assert (server.user, server.password) == ("a@b:c/d", text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", "https://smtp.example.com"),
        ("host", "a b"),
        ("host", "evil.example/@smtp.example.com"),
        ("host", "x" * 254),
        ("host", "a\x00b"),
        ("port", "0"),
        ("port", "65536"),
        ("port", "smtp"),
        ("security", "none"),
        ("password", ""),
        ("user", ""),
        ("password", "x" * 501),
    ],
)
def test_a_mail_server_that_could_never_send_is_told_at_its_field(field: str, value: str) -> None:
    company = untouched()
    status, page = post(company, "mail-server", of_environment(company), {**MAIL_SERVER, field: value})
    assert (status, f'id="id_{field}_error"' in page) == (422, True)
    assert not [secret for secret in SECRETS if secret in page]
    assert there(company.environment).mail_url is None


def test_a_server_without_a_password_is_taken() -> None:
    company = build()
    body = {**MAIL_SERVER, "user": "", "password": "", "port": "2525"}
    assert post(company, "mail-server", of_environment(company), body)[0] == 302
    assert there(company.environment).mail_url == "smtp+tls://smtp.example.com:2525"
    assert "Without a password" in sending(company)


def test_an_sms_provider_is_kept_sealed_and_never_shown_again() -> None:
    company = build()
    for name, body in (("twilio", TWILIO), ("sms-gateway", GATEWAY)):
        assert post(company, name, of_environment(company), body, "developer")[0] == 302
        environment = there(company.environment)
        assert "battery staple" in str(environment.sms_provider)
        assert b"staple" not in bytes(environment.sms_provider_sealed or b"")
        client = browser(company.people["owner"])
        for place in ("sending", "twilio", "sms-gateway"):
            assert "staple" not in text_of(client.get(address(place, of_environment(company))))
    assert "sms.example.com" in sending(company)
    assert changed(company.environment) == ["SMS provider", "SMS provider"]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("twilio", "account_sid", "x"),
        ("twilio", "auth_token", ""),
        ("twilio", "sender", "not a sender at all"),
        ("sms-gateway", "url", "http://sms.example.com/"),
        ("sms-gateway", "url", "file:///etc/passwd"),
        ("sms-gateway", "url", "https://"),
        ("sms-gateway", "method", "GET"),
        ("sms-gateway", "format", "xml"),
        ("sms-gateway", "fields_of_body", ""),
        ("sms-gateway", "fields_of_body", "no colon"),
        ("sms-gateway", "fields_of_body", "a: {text}\na: b"),
        ("sms-gateway", "fields_of_body", ": {text}"),
        ("sms-gateway", "fields_of_body", "\n".join(f"{number}: {{text}}" for number in range(21))),
        ("sms-gateway", "headers", "no colon"),
    ],
)
def test_an_sms_provider_that_could_never_send_is_told_at_its_field(name: str, field: str, value: str) -> None:
    company, body = untouched(), TWILIO if name == "twilio" else GATEWAY
    status, page = post(company, name, of_environment(company), {**body, field: value})
    assert (status, f'id="id_{field}_error"' in page) == (422, True)
    assert there(company.environment).sms_provider is None


@pytest.mark.parametrize(
    "header", ["Host: other", "content-length: 0", "Transfer-Encoding: chunked", "Connection: x", "a b: c", "X: ü"]
)
def test_a_gateway_cannot_change_how_requests_are_made(header: str) -> None:
    """Connections to one vendor are shared: by the framing of a request one could read somebody else's answer."""
    company = untouched()
    status, _ = post(company, "sms-gateway", of_environment(company), {**GATEWAY, "headers": header})
    assert (status, there(company.environment).sms_provider) == (422, None)


def test_a_gateway_without_the_text_is_refused() -> None:
    status, page = post(untouched(), "sms-gateway", of_environment(untouched()), {**GATEWAY, "fields_of_body": "a: b"})
    assert (status, "must hold {text}" in page) == (422, True)


def test_a_gateways_fields_arrive_as_they_were_written() -> None:
    company = build()
    body = {**GATEWAY, "fields_of_body": " to : {to}\r\n\r\nmessage: a: {text}\r\nempty:", "headers": ""}
    assert post(company, "sms-gateway", of_environment(company), body)[0] == 302
    facts = json.loads(str(there(company.environment).sms_provider))
    assert facts["fields"] == {"to": "{to}", "message": "a: {text}", "empty": ""}
    assert facts["headers"] == {}


def test_a_provider_is_removed_and_then_there_is_nothing_to_tell() -> None:
    company = build()
    set_mail_server(company.environment, "smtps://shop:secret@smtp.example.com")
    set_sms_provider(company.environment, json.dumps({"kind": "twilio", **_twilio()}))
    for name in ("remove-mail-server", "remove-sms-provider"):
        page = text_of(browser(company.people["owner"]).get(address(name, of_environment(company))))
        assert "captured for you to read" in page
        for _ in range(2):
            assert post(company, name, of_environment(company), {})[0] == 302
    environment = there(company.environment)
    assert (environment.mail_url_sealed, environment.sms_provider_sealed) == (None, None)
    assert sorted(map(str, changed(environment))) == ["SMS provider"] * 2 + ["mail server"] * 2


def _twilio() -> dict[str, str]:
    return {"account_sid": "AC1", "auth_token": "secret", "from": "+15005550006"}


def test_a_test_message_goes_to_the_operator_and_to_nobody_else() -> None:
    company = build()
    person = company.people["developer"]
    body: dict[str, Any] = {"email": "victim@example.com", "recipient": "victim@example.com"}
    assert post(company, "test-message", of_environment(company), body, "developer")[0] == 302
    deliver_due()
    captured = CapturedMessage.objects.for_environment(company.environment).exclude(recipient="ada@example.com")
    assert [row.recipient for row in captured] == [person.email]
    assert not Message.objects.filter(recipient="victim@example.com").exists()


def test_its_code_opens_nothing() -> None:
    company = build()
    person = company.people["developer"]
    post(company, "test-message", of_environment(company), {}, "developer")
    challenge = Challenge.objects.get(identifier=person.email)
    assert challenge.environment_id == company.environment.id
    client = browser()
    client.post("/dashboard/sign-in/", {"email": person.email})
    real = Challenge.objects.get(identifier=person.email, environment=system_environment())
    code = challenge.code()
    if code != real.code():
        assert client.post("/dashboard/sign-in/code/", {"code": code}).status_code == 422


def test_test_messages_are_few() -> None:
    company = build()
    client, place = browser(company.people["owner"]), address("test-message", of_environment(company))
    pages = [text_of(client.post(place, follow=True)) for _ in range(4)]
    assert ["a little fast" in page for page in pages] == [False, False, False, True]
    assert Message.objects.filter(recipient=company.people["owner"].email).count() == 3


def test_a_test_message_shows_what_the_mail_server_says(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS_ALLOWED = True
    company = build()
    with SmtpSink() as sink:
        set_mail_server(company.environment, sink.url)
        post(company, "test-message", of_environment(company), {})
        deliver_due()
        (mail,) = sink.messages
    assert mail.recipients == [company.people["owner"].email]
    page = text_of(browser(company.people["owner"]).get(address("deliveries", of_environment(company))))
    assert "queued as 4F2A" in page


def test_a_private_address_is_found_out_by_the_test_message() -> None:
    company = build()
    set_mail_server(company.environment, "smtp://127.0.0.1:25")
    post(company, "test-message", of_environment(company), {})
    deliver_due()
    page = text_of(browser(company.people["owner"]).get(address("deliveries", of_environment(company))))
    assert "address is not public" in page


def test_in_production_without_a_server_the_page_says_that_nothing_can_be_sent(settings: Settings) -> None:
    settings.EMAIL_URL = settings.SMS_PROVIDER = ""
    page = text_of(browser(untouched().people["viewer"]).get(address("sending", of_production(untouched()))))
    assert page.count("Cannot be sent") == 2
    page = text_of(browser(untouched().people["admin"]).get(address("remove-mail-server", of_production(untouched()))))
    assert "no mails will arrive" in page


def test_staff_who_are_no_members_read_where_it_goes_and_change_nothing() -> None:
    company, client = untouched(), browser(operator(is_staff=True))
    page = text_of(client.get(address("sending", of_environment(company))))
    assert "Send a test message" not in page
    assert client.post(address("test-message", of_environment(company))).status_code == 403
    assert client.post(address("mail-server", of_environment(company)), MAIL_SERVER).status_code == 403
