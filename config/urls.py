"""All addresses: the two for whoever runs the service, the dialects, then the pages."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    # Before the pages, because addresses are compared one after the other and these are asked much more often.
    path("", include("apps.dialects.urls")),
    path("dashboard", RedirectView.as_view(pattern_name="dashboard:home")),
    path("dashboard/", include("apps.dashboard.urls")),
    path("admin/", admin.site.urls),
    path("", include("apps.dialects.reference")),
]

handler400 = "config.fallbacks.bad_request"
handler403 = "config.fallbacks.forbidden"
handler404 = "config.fallbacks.not_found"
handler500 = "config.fallbacks.server_error"
