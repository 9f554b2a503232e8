"""Refusals as pages. They ask the database nothing: it may be the reason for them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

TEXTS = {
    400: ("That request was malformed", "Your browser sent something that cannot be read. Go back and try again."),
    403: ("You may not do that", "Your role here does not allow it. An owner of the company can change your role."),
    404: (
        "There is nothing here",
        "The address is wrong, the thing was removed, or it belongs to a company that you are no member of.",
    ),
    413: ("That is too much at once", "Your browser sent more than any form here takes. Go back and try again."),
    500: ("Something went wrong on our side", "Try again in a moment. If it stays, tell whoever runs this service."),
}
STALE = (
    "This page had become too old",
    "You signed in or out in another window since it was opened, or your browser refuses cookies. Go back, reload the "
    "page and try again.",
)


def page(request: HttpRequest, status: int) -> HttpResponse:
    return _render(request, status, *TEXTS[status])


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return _render(request, 403, *STALE)


def _render(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    body = render_to_string("dashboard/error.html", {"title": title, "text": text, "status": status})
    return HttpResponse(body, status=status)
