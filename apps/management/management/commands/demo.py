import json
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.management import demo
from apps.management.sign_in import make_link
from apps.tenants.models import Environment, Operator

SWITCHES = ("concealment", "sign_up_open", "allows_keyless_clients")
NUMBERS = ("resend_after", "code_ttl", "code_length", "max_tries")
POLICY = (*SWITCHES, *NUMBERS, "requests_per_minute", "default_region")


class Command(BaseCommand):
    help = "Make the demo tenant, or what is missing of it, and tell its addresses and keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="everything there is, for scripts")
        parser.add_argument("--project", default="Demo")
        parser.add_argument("--environment", default="development", help="its name; made when it is missing")
        parser.add_argument("--kind", choices=Environment.Kind.values, default=Environment.Kind.DEVELOPMENT)
        parser.add_argument("--email-url", help="the environment's own SMTP server; empty: the platform's, or capture")
        parser.add_argument(
            "--sms-provider", help="how it sends text messages, as JSON (apps/delivery/providers/sms.py)"
        )
        parser.add_argument("--default-region", help="the country of phone numbers without a country code")
        parser.add_argument("--requests-per-minute", help="per address and step, or 'off'")
        for name in SWITCHES:
            parser.add_argument(f"--{name.replace('_', '-')}", action=BooleanOptionalAction, default=None)
        for name in NUMBERS:
            parser.add_argument(f"--{name.replace('_', '-')}", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        world = demo.World(
            project=options["project"],
            environment=options["environment"],
            kind=Environment.Kind(options["kind"]),
            mail_url=options["email_url"],
            sms_provider=options["sms_provider"],
            policy=_policy(options),
        )
        try:
            facts = demo.ensure(world)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        self.stdout.write(json.dumps(facts, indent=2) if options["json"] else f"{_text(facts)}\n\n{_way_in(facts)}")


def _policy(options: dict[str, Any]) -> dict[str, Any]:
    policy = {name: options[name] for name in POLICY if options[name] is not None}
    if policy.get("requests_per_minute") == "off":
        policy["requests_per_minute"] = None
    return policy


def _way_in(facts: dict[str, Any]) -> str:
    """Made for people who read the text, and not for JSON, which scripts keep."""
    operator = Operator.objects.filter(email=facts["operator"], is_active=True).first()
    if operator is None:
        return f"Dashboard  {facts['dashboard_url']}"
    return f"Dashboard  {make_link(operator).url}  (works once, for ten minutes)"


def _text(facts: dict[str, Any]) -> str:
    environment = facts["projects"][0]["environments"][0]
    lines = [
        f"Base URL   {environment['base_url']}",
        f"APP-KEY    {environment['app_key']}",
        "",
        "Sign somebody up:",
        f"  curl -X POST {environment['base_url']}/email-otp-signup \\",
        f"    -H 'APP-KEY: {environment['app_key']}' -H 'Content-Type: application/json' \\",
        """    -d '{"email": "ada@example.com"}'""",
    ]
    if environment["messages_url"]:
        lines += [
            "",
            "Read the captured mail:",
            f"  curl '{environment['messages_url']}?recipient=ada@example.com' \\",
            f"    -H 'Authorization: Bearer {environment['messages_key']}'",
        ]
    return "\n".join(lines)
