import json
from argparse import ArgumentParser, BooleanOptionalAction
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.management import demo
from apps.tenants.models import Environment

POLICY = ("concealment", "sign_up_open", "requests_per_minute", "resend_after", "code_ttl", "code_length", "max_tries")


class Command(BaseCommand):
    help = "Make the demo tenant, or what is missing of it, and tell its addresses and keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="everything there is, for scripts")
        parser.add_argument("--project", default="Demo")
        parser.add_argument("--environment", default="development", help="its name; made when it is missing")
        parser.add_argument("--kind", choices=Environment.Kind.values, default=Environment.Kind.DEVELOPMENT)
        parser.add_argument("--email-url", help="the environment's own SMTP server; empty: the platform's, or capture")
        parser.add_argument("--concealment", action=BooleanOptionalAction, default=None)
        parser.add_argument("--sign-up-open", action=BooleanOptionalAction, default=None)
        parser.add_argument("--requests-per-minute", help="per address and step, or 'off'")
        for name in POLICY[3:]:
            parser.add_argument(f"--{name.replace('_', '-')}", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        world = demo.World(
            project=options["project"],
            environment=options["environment"],
            kind=Environment.Kind(options["kind"]),
            mail_url=options["email_url"],
            policy=_policy(options),
        )
        try:
            facts = demo.ensure(world)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        self.stdout.write(json.dumps(facts, indent=2) if options["json"] else _text(facts))


def _policy(options: dict[str, Any]) -> dict[str, Any]:
    policy = {name: options[name] for name in POLICY if options[name] is not None}
    if policy.get("requests_per_minute") == "off":
        policy["requests_per_minute"] = None
    return policy


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
