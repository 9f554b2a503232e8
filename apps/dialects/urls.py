"""Every dialect, under both roots that name an environment."""

from django.urls import URLPattern, URLResolver, include, re_path

from apps.dialects import (
    confirm,
    introspection,
    passage,
    platform,
    satellite,
    smallpict,
    smtpd,
    smtpd_account,
    well_known,
    zeromagic,
    zeromagic_passwords,
)
from apps.dialects.base import endpoint

# In the order that they are compared in: what is asked most stands first.
DIALECTS = [
    zeromagic.urlpatterns,
    platform.urlpatterns,
    zeromagic_passwords.urlpatterns,
    passage.urlpatterns,
    satellite.urlpatterns,
    smtpd.urlpatterns,
    smtpd_account.urlpatterns,
    smallpict.urlpatterns,
    introspection.urlpatterns,
    well_known.urlpatterns,
    confirm.urlpatterns,
]
# The slash after a root is optional as well: Passage's app is at the bare root.
ROOTS = [
    r"auth/(?P<project_id>[^/]+)/(?P<environment>[^/]+)(?:/|$)",
    r"v1/apps/(?P<app_id>[^/]+)(?:/|$)",
]

urlpatterns: list[URLPattern | URLResolver] = [
    # One list below each root: with one for each dialect, the root would be compared anew for each.
    *(re_path(f"^{root}", include([route for dialect in DIALECTS for route in dialect])) for root in ROOTS),
    *(
        re_path(f"^{name}/{root}", include([endpoint("", view)]))
        for root in ROOTS
        for name, view in well_known.PREFIXED.items()
    ),
]
