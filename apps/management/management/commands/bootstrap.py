from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.core.errors import InvalidRequest
from apps.management.environments import NewKey, create_application_key, create_environment
from apps.management.sign_in import Link, make_link
from apps.tenants.models import Environment, Membership, Operator, Project, Tenant


class Command(BaseCommand):
    help = "The first operator of a new installation, with a tenant, a project and its production environment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the operator's address; nobody has a password here")
        parser.add_argument("--tenant", required=True, help="the company's name")
        parser.add_argument("--project", required=True, help="the product's name, shown in messages")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if Operator.objects.exists():
            raise CommandError("There is an operator already; the first one invites the others.")
        try:
            operator = Operator.objects.create_operator(options["email"], is_staff=True)
        except InvalidRequest as error:
            raise CommandError(error.message) from None
        tenant = Tenant.objects.create(name=options["tenant"])
        Membership.objects.create(tenant=tenant, operator=operator, role=Membership.Role.OWNER)
        project = Project.objects.create(tenant=tenant, name=options["project"])
        environment = create_environment(project, name="production", kind=Environment.Kind.PRODUCTION)
        self._tell(environment, create_application_key(environment, name="First application"), make_link(operator))

    def _tell(self, environment: Environment, new: NewKey, link: Link) -> None:
        self.stdout.write(f"Base URL   {environment.issuer}")
        self.stdout.write(f"APP-KEY    {new.secret}")
        self.stdout.write("The key is shown this once. A lost key is replaced, not recovered.")
        self.stdout.write(f"Dashboard  {link.url}")
        self.stdout.write("The link works once, for ten minutes. `manage.py sign_in_link` makes another one.")
