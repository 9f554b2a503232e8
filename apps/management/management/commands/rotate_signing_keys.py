from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.management.environments import add_signing_keys, replace_stolen_keys
from apps.tenants.models import Environment


class Command(BaseCommand):
    help = "Publish the next signing keys of every environment, or of one; it signs after a day of overlap."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--environment", type=UUID, help="the id of one environment")
        parser.add_argument(
            "--stolen", action="store_true", help="sign with new keys now, and believe nothing the old ones signed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        environments = Environment.objects.select_related("project")
        if options["environment"]:
            environments = environments.filter(id=options["environment"])
            if not environments.exists():
                raise CommandError("There is no such environment.")
        rotate = replace_stolen_keys if options["stolen"] else add_signing_keys
        for environment in environments.iterator():
            for key in rotate(environment):
                begins = f"{key.activates_at:%Y-%m-%dT%H:%M:%SZ}"
                self.stdout.write(f"{environment.id.hex}  {key.profile:8}  {key.kid}  signs from {begins}")
