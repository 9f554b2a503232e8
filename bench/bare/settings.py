"""The least that Django, DRF and Celery run with, on the same server, driver and pool as Latchkey."""

import os

SECRET_KEY = "unused"  # noqa: S105 - nothing is signed with it.
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["rest_framework"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "bench.bare.urls"
USE_TZ = True
APPEND_SLASH = False
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["BENCH_SOCKETS"],
        "PORT": "5432",
        "NAME": "floor",
        "USER": "latchkey",
        "OPTIONS": {
            "server_side_binding": True,
            "prepare_threshold": 2,
            "pool": {"min_size": 1, "max_size": 16, "timeout": 1.0},
        },
    }
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
}
