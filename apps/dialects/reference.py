"""The reference for people: the committed documents as plain pages, and the documents themselves for programs.

Public, the same for everybody, and made of files alone: neither a database nor a session is asked.
"""

from __future__ import annotations

from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.cache import get_conditional_response, set_response_etag
from django.views.decorators.http import require_safe

from apps.dialects.openapi.committed import NAMES, text
from apps.dialects.openapi.reading import page

CACHED = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_index())


@require_safe
def dialect(request: HttpRequest, name: str) -> HttpResponse:
    if name not in NAMES:
        raise Http404
    return HttpResponse(_dialect(name, request.build_absolute_uri("/").rstrip("/")))


@require_safe
def document(request: HttpRequest, name: str) -> HttpResponseBase:
    if name not in NAMES:
        raise Http404
    response = HttpResponse(text(name), content_type="application/json", headers=CACHED)
    set_response_etag(response)
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


@lru_cache(maxsize=1)
def _index() -> str:
    return render_to_string("reference/index.html", {"pages": [page(name) for name in NAMES]})


@lru_cache(maxsize=32)
def _dialect(name: str, origin: str) -> str:
    """An installation may be known by several hosts; the calls to try name the one that was asked."""
    facts = {"page": page(name), "pages": [page(other) for other in NAMES], "origin": origin}
    return render_to_string("reference/dialect.html", facts)


urlpatterns: list[URLPattern] = [
    path("docs/", index, name="reference"),
    path("docs", index),
    path("docs/<slug:name>/", dialect, name="reference-dialect"),
    path("docs/<slug:name>", dialect),
    path("openapi/<slug:name>.json", document, name="openapi"),
]
