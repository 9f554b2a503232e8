from typing import Any

from django.core.management.base import BaseCommand

from apps.core import crypto
from apps.tenants.models import Project


class Command(BaseCommand):
    help = "Seal every project's data key under the newest of ENCRYPTION_KEYS; what the data keys seal stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for project in Project.objects.iterator():
            wrapped = crypto.wrap_data_key(project.data_key, project.id)
            # Compared, so that a project changed meanwhile by another run is not set back.
            same = Project.objects.filter(id=project.id, data_key_sealed=project.data_key_sealed)
            count += same.update(data_key_sealed=wrapped)
        self.stdout.write(f"{count} data keys are sealed under version {crypto.current_key_version()}.")
