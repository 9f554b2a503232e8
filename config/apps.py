from importlib import import_module

from django.apps import AppConfig


class LatchkeyConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        # Whoever sends a hint must know our broker; Celery's default application would look for another one.
        import_module("config.celery")
