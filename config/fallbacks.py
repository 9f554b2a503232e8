"""Answers where no dialect is in charge: an unknown address, a request that Django refuses, our own fault."""

from django.http import HttpRequest, JsonResponse


def bad_request(_request: HttpRequest, exception: Exception) -> JsonResponse:
    return _answer(400, "invalid_request", "The request is malformed.")


def forbidden(_request: HttpRequest, exception: Exception) -> JsonResponse:
    return _answer(403, "access_denied", "This is not allowed.")


def not_found(_request: HttpRequest, exception: Exception) -> JsonResponse:
    return _answer(404, "not_found", "There is nothing at this address.")


def server_error(_request: HttpRequest) -> JsonResponse:
    return _answer(500, "server_error", "Something went wrong on our side; the X-Request-Id names this request.")


def _answer(status: int, error: str, description: str) -> JsonResponse:
    return JsonResponse({"error": error, "error_description": description}, status=status)
