"""Answers where no dialect is in charge: an unknown address, a request that Django refuses, our own fault.

People get a page below the pages' addresses, programs get JSON everywhere else.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.dashboard import errors
from config.pages import is_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400, "invalid_request", "The request is malformed.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "access_denied", "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(
        request, 500, "server_error", "Something went wrong on our side; the X-Request-Id names this request."
    )


def _answer(request: HttpRequest, status: int, error: str, description: str) -> HttpResponse:
    if is_page(request.path):
        return errors.page(request, status)
    return JsonResponse({"error": error, "error_description": description}, status=status)
