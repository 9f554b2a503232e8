"""The only settings module. Everything that differs between two installations is an environment variable; what
differs between two customers is a column of Environment.

`config.stack` supplies the variables that name the database, the broker and the secrets when the environment does not;
this module reads them and never asks where they came from.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

import environ

from config import logging, stack

BASE_DIR = Path(__file__).resolve().parent.parent

stack.supply(os.environ)
env = environ.FileAwareEnv()

SECRET_KEY = env.str("SECRET_KEY").strip()
# Master keys, newest first, "<version>:<base64 of 32 bytes>": they wrap data keys and derive codes and refresh tokens.
ENCRYPTION_KEYS = [key.strip() for key in env.list("ENCRYPTION_KEYS")]
DEBUG = env.bool("DEBUG", default=False)

PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
_public_host = urlsplit(PUBLIC_URL).hostname or ""
ALLOWED_HOSTS = [host.strip() for host in env.list("ALLOWED_HOSTS", default=[])] or [
    f"[{_public_host}]" if ":" in _public_host else _public_host
]
# Addresses or networks of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
TRUSTED_PROXIES = [network.strip() for network in env.list("TRUSTED_PROXIES", default=[])]

INSTALLED_APPS = [
    "apps.dashboard.apps.StaffAdminConfig",
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "config",
    "apps.core",
    "apps.tenants",
    "apps.audit",
    "apps.users",
    "apps.delivery",
    "apps.challenges",
    "apps.tokens",
    "apps.passwordless",
    "apps.management",
    "apps.dialects",
    "apps.dashboard.apps.DashboardConfig",
]
AUTH_USER_MODEL = "tenants.Operator"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
# The API carries no cookie, so nothing here reads a session or a CSRF token: only pages pass PAGES_MIDDLEWARE.
MIDDLEWARE = ["config.middleware.RequestMiddleware", "config.pages.PagesMiddleware"]
# Without a middleware for languages: the pages are in English only, and half of a page in another language is no help.
PAGES_MIDDLEWARE = [
    "config.pages.PageHeaders",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.pages.CsrfMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
# The admin looks for its middleware in MIDDLEWARE, where it must not be; tests/dashboard prove that it runs.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]
APPEND_SLASH = False  # A redirected POST loses its body (contracts/clients.md, trap 5): routes take an optional slash.

_database = env.db_url("DATABASE_URL")
DATABASES = {
    "default": {
        **_database,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),  # Such as ?sslmode=verify-full.
            # Django prepares statements only when parameters are bound by the server.
            "server_side_binding": True,
            "prepare_threshold": 2,
            # With the pool's own defaults a request hangs for 30 s while PostgreSQL is away.
            "pool": {
                "min_size": 1,
                "max_size": env.int("DATABASE_POOL", default=16),
                "timeout": 1.0,
                "reconnect_timeout": 2.0,
            },
            "connect_timeout": 2,
            # No wait is without an end: for a statement, for a lock, for a client that went away inside a transaction,
            # and for a server that stopped answering. `migrate` lifts the first two for itself.
            "options": " ".join(
                f"-c {setting}"
                for setting in (
                    "statement_timeout=10s",
                    "lock_timeout=5s",
                    "idle_in_transaction_session_timeout=20s",
                    # Statements look things up by keys, so the plan for any values is the plan for these.
                    "plan_cache_mode=force_generic_plan",
                    # Such a plan may be made while a table is small, and must still do when it is not.
                    "enable_seqscan=off",
                )
            ),
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 8000,
            "fallback_application_name": "latchkey",  # PGAPPNAME can say which process of it.
        },
    }
}
# The role that owns the schema. Only `migrate` uses it; everything else runs as DATABASE_URL's role.
DATABASE_OWNER_URL = env.str("DATABASE_OWNER_URL").strip()
REDIS_URL = env.str("REDIS_URL").strip()

# The platform's mail server: smtp://, smtp+tls:// (STARTTLS) or smtps:// (TLS from the start), with user:password@.
EMAIL_URL = env.str("EMAIL_URL", default="").strip()
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Latchkey <no-reply@localhost>")
# The platform's way to send text messages, one JSON object as apps/delivery/providers/sms.py reads it.
SMS_PROVIDER = env.str("SMS_PROVIDER", default="").strip()
# For self-hosters whose customers' own mail servers are on a private network; EMAIL_URL may always be private.
PRIVATE_PROVIDERS_ALLOWED = env.bool("PRIVATE_PROVIDERS_ALLOWED", default=False)

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            # They run only where a template is rendered with a request, so messages that are mailed know none of it.
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {"staticfiles": {"BACKEND": "config.static_files.VersionedStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Operators' sessions live in the database, because a signed cookie could not be revoked.
IS_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_ENGINE = "apps.dashboard.sessions"
# A browser takes a cookie with this prefix only from the host itself and over TLS (RFC 6265bis section 4.1.3).
SESSION_COOKIE_NAME = "__Host-latchkey_session" if IS_HTTPS else "latchkey_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_SAVE_EVERY_REQUEST = True  # Twelve hours count from the last request.
SESSION_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "__Host-latchkey_csrf" if IS_HTTPS else "latchkey_csrf"
CSRF_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
# Behind a proxy that ends TLS without being named in TRUSTED_PROXIES the request looks like http.
CSRF_TRUSTED_ORIGINS = ["/".join(PUBLIC_URL.split("/")[:3])]
CSRF_FAILURE_VIEW = "apps.dashboard.errors.csrf_failure"
AUTHENTICATION_BACKENDS = ["apps.dashboard.authentication.OperatorBackend"]
LOGIN_URL = "dashboard:sign-in"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

LANGUAGE_CODE = "en"
LANGUAGES = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("it", "Italiano"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("zh-hans", "简体中文"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# The strictest body limit of any endpoint is a dialect's own; this one only bounds memory.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
FILE_UPLOAD_HANDLERS: list[str] = []  # No page takes a file; Django's own handlers would spool any size to the disk.

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}

LOG_FORMAT = env.str("LOG_FORMAT", default="text")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = None
logging.configure(LOG_FORMAT, LOG_LEVEL)
