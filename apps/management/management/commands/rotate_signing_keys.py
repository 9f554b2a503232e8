from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.management.environments import add_signing_key
from apps.tenants.models import Environment


class Command(BaseCommand):
    help = "Publish the next signing key of every environment, or of one; it signs after a day of overlap."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--environment", type=UUID, help="the id of one environment")
        parser.add_argument("--now", action="store_true", help="sign with it at once: for a key that was stolen")

    def handle(self, *args: Any, **options: Any) -> None:
        environments = Environment.objects.select_related("project")
        if options["environment"]:
            environments = environments.filter(id=options["environment"])
            if not environments.exists():
                raise CommandError("There is no such environment.")
        for environment in environments.iterator():
            key = add_signing_key(environment, at_once=options["now"])
            self.stdout.write(f"{environment.id.hex}  {key.kid}  signs from {key.activates_at:%Y-%m-%dT%H:%M:%SZ}")
