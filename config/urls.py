"""All addresses: the two for whoever runs the service, then the dialects."""

from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("apps.dialects.urls")),
]

handler400 = "config.fallbacks.bad_request"
handler403 = "config.fallbacks.forbidden"
handler404 = "config.fallbacks.not_found"
handler500 = "config.fallbacks.server_error"
