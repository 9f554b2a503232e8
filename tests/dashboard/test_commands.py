"""The commands that let the first people in."""

import json
import re
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.tenants.models import Operator
from tests.dashboard.company import browser, is_signed_in, operator
from tests.stack.checkout import made

pytestmark = pytest.mark.usefixtures("database")


def said(*command: str, **options: Any) -> str:
    out = StringIO()
    call_command(*command, stdout=out, **options)
    return out.getvalue()


def follow(text: str) -> bool:
    (link,) = re.findall(r"http\S+/sign-in/link\?token=\S+", text)
    client = browser()
    client.post("/dashboard/sign-in/link", {"token": parse_qs(urlsplit(link).query)["token"][0]})
    return is_signed_in(client)


def test_the_demo_ends_with_a_way_in() -> None:
    text = said("demo")
    assert re.search(r"\nDashboard  http\S+  \(works once, for ten minutes\)\n$", text)
    assert follow(text)
    person = Operator.objects.get(email="demo@example.com")
    assert person.is_staff
    assert [(member.tenant.name, member.role) for member in person.memberships.all()] == [("Latchkey demo", "owner")]
    assert follow(said("demo")), "a second run makes another link and no second operator"


def test_the_demos_json_has_no_link() -> None:
    facts = json.loads(said("demo", json=True))
    assert facts["dashboard_url"] == f"{settings.PUBLIC_URL}/dashboard/"
    assert facts["operator"] == "demo@example.com"
    assert "token" not in json.dumps(facts)


def test_a_deactivated_demo_operator_stays_out() -> None:
    said("demo")
    Operator.objects.filter(email="demo@example.com").update(is_active=False)
    text = said("demo")
    Operator.objects.filter(email="demo@example.com").update(is_active=True)
    assert "token" not in text


def test_the_first_operator_of_an_installation_is_told_the_way_in() -> None:
    """In a checkout of its own, because here there are operators already."""
    command = ("manage.py", "bootstrap", "Ada@Example.com", "--tenant", "Ada & Co", "--project", "Shop")
    with made() as checkout, checkout.held():
        checkout.output("manage.py", "migrate", "--verbosity", "0")
        text = checkout.output(*command)
    assert re.search(r"\nDashboard  http\S+/dashboard/sign-in/link\?token=\S+\n", text)
    assert re.search(r"\nAPP-KEY    pk_live_\w{38}\n", text)


def test_a_link_is_made_for_active_operators_only() -> None:
    assert follow(said("sign_in_link", operator().email.upper()))
    for email in (operator(is_active=False).email, "nobody@example.com", "nonsense"):
        with pytest.raises(CommandError):
            said("sign_in_link", email)
