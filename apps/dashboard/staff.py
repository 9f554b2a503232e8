"""Django's admin for those who run the service. They come in by the dashboard's door: there is no password here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from apps.dashboard.authentication import signed_in
from apps.dashboard.views.sign_in import SignOut


class StaffSite(admin.AdminSite):
    site_header = "Latchkey staff"
    site_title = "Latchkey staff"
    index_title = "Everything that customers have"
    site_url = "/dashboard/"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if signed_in(request):
            raise PermissionDenied  # Signed in, and no staff: signing in again would not help.
        after = request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index"))
        return HttpResponseRedirect(f"{reverse('dashboard:sign-in')}?{urlencode({'next': after})}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # type: ignore[override]
        response: HttpResponse = SignOut.as_view()(request)  # type: ignore[assignment]
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        raise Http404

    password_change_done = password_change
