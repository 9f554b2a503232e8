from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

from apps.core.prepared import PreparingConnection


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self) -> None:
        import_module("apps.core.checks")
        # Not in the settings, because beat reads them too, which has no use for a database.
        settings.DATABASES["default"]["OPTIONS"]["pool"]["connection_class"] = PreparingConnection
