from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.core.errors import InvalidRequest
from apps.core.identifiers import canonical_email
from apps.management.sign_in import make_link
from apps.tenants.models import Operator


class Command(BaseCommand):
    help = "A link that signs an operator in to the dashboard: once, within ten minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            operator = Operator.objects.get(email=canonical_email(options["email"]), is_active=True)
        except (InvalidRequest, Operator.DoesNotExist):
            raise CommandError("There is no active operator with this address.") from None
        self.stdout.write(make_link(operator).url)
