from django.apps import AppConfig


class PasswordlessConfig(AppConfig):
    name = "apps.passwordless"
