"""All addresses: the dialects, which are asked most and so compared first, the two for whoever runs it, the pages."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import health

urlpatterns = [
    path("", include("apps.dialects.urls")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("dashboard", RedirectView.as_view(pattern_name="dashboard:home")),
    path("dashboard/", include("apps.dashboard.urls")),
    path("admin/", admin.site.urls),
    path("", include("apps.dialects.reference")),
]

handler400 = "config.fallbacks.bad_request"
handler403 = "config.fallbacks.forbidden"
handler404 = "config.fallbacks.not_found"
handler500 = "config.fallbacks.server_error"
