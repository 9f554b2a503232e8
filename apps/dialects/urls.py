"""Every dialect, under both roots that name an environment."""

from django.urls import URLPattern, URLResolver, include, path

from apps.dialects import platform, zeromagic

DIALECTS = [
    zeromagic.urlpatterns,
    platform.urlpatterns,
]
ROOTS = [
    "auth/<str:project_id>/<str:environment>/",
    "v1/apps/<str:app_id>/",
]

urlpatterns: list[URLPattern | URLResolver] = [path(root, include(dialect)) for root in ROOTS for dialect in DIALECTS]
