"""Every dialect, under both roots that name an environment."""

from django.urls import URLPattern, URLResolver, include, re_path

from apps.dialects import confirm, passage, platform, zeromagic, zeromagic_passwords

DIALECTS = [
    zeromagic.urlpatterns,
    zeromagic_passwords.urlpatterns,
    passage.urlpatterns,
    platform.urlpatterns,
    confirm.urlpatterns,
]
# The slash after a root is optional as well: Passage's app is at the bare root.
ROOTS = [
    r"^auth/(?P<project_id>[^/]+)/(?P<environment>[^/]+)(?:/|$)",
    r"^v1/apps/(?P<app_id>[^/]+)(?:/|$)",
]

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(root, include(dialect)) for root in ROOTS for dialect in DIALECTS
]
