"""What only web pages need: sessions, CSRF, security headers, static files. The API passes all of it by."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string

from apps.dashboard import errors
from config.static_files import StaticFiles

Handler = Callable[[HttpRequest], HttpResponseBase]

# Pages that are the same for everybody get the headers and nothing else: no session, no cookie.
PUBLIC_PAGES = ("/docs",)
PAGES = ("/dashboard", "/admin", *PUBLIC_PAGES)
HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ]
    ),
    "X-Frame-Options": "DENY",
    # With "no-referrer", as the API has it, browsers post `Origin: null`, which no check can tell from a stranger's.
    # This one tells the origin and never a path, so the token of a sign-in link stays out of it.
    "Referrer-Policy": "strict-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
    **({"Strict-Transport-Security": "max-age=31536000"} if settings.IS_HTTPS else {}),
}


def is_page(path: str, pages: tuple[str, ...] = PAGES) -> bool:
    return path.startswith(tuple(f"{page}/" for page in pages)) or path in pages


class PagesMiddleware:
    """Sends pages through PAGES_MIDDLEWARE and /static/ to the files; everything else goes straight on."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.pages: Any = get_response  # Django's type also allows for what is asynchronous.
        for name in reversed(settings.PAGES_MIDDLEWARE):
            self.pages = convert_exception_to_response(import_string(name)(self.pages))
        self.public_pages: Any = convert_exception_to_response(PageHeaders(get_response))
        self.first_steps = (*PAGES, settings.STATIC_URL)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(self.first_steps):
            return self.get_response(request)
        if _is_too_large(request):
            response: HttpResponseBase = errors.page(request, 413)
        elif is_page(request.path, PUBLIC_PAGES):
            response = self.public_pages(request)
        elif is_page(request.path):
            response = self.pages(request)
        else:
            response = self.static_files(request)
        return response

    @cached_property
    def static_files(self) -> StaticFiles:
        return StaticFiles(self.get_response)


def _is_too_large(request: HttpRequest) -> bool:
    """Asked before the CSRF check, which reads the body to find its token."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return not length.isdecimal() or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class PageHeaders:
    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response[name] = value
        return response


def _any_view(_request: HttpRequest) -> HttpResponseBase:
    """What `process_view` looks at for an exemption, and finds none."""
    raise NotImplementedError


class CsrfMiddleware(CsrfViewMiddleware):
    """Django's, asked before a view is chosen: inside a chain of our own nobody calls `process_view`, and this way no
    view below the pages can be exempt by oversight."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]
        super().process_request(request)
        refusal: HttpResponse | None = self.process_view(request, _any_view, (), {})
        return refusal
