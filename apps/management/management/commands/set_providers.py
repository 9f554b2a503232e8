import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.management.providers import set_mail_server, set_sms_provider
from apps.tenants.models import Environment


class Command(BaseCommand):
    help = "Give an environment its own mail server or SMS provider, read from standard input: they hold credentials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("environment", type=UUID, help="the environment's id")
        parser.add_argument("channel", choices=["email", "sms"])
        parser.add_argument("--remove", action="store_true", help="go back to the platform's")

    def handle(self, *args: Any, **options: Any) -> None:
        environment = Environment.objects.select_related("project").filter(id=options["environment"]).first()
        if environment is None:
            raise CommandError("There is no such environment.")
        provider = None if options["remove"] else sys.stdin.read().strip()
        change = set_mail_server if options["channel"] == "email" else set_sms_provider
        try:
            change(environment, provider)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from None
        self.stdout.write(f"{environment} sends by {'the platform' if provider is None else 'its own provider'}.")
