"""Three views with one statement each, one that does nothing, and one that does nothing in DRF."""

import json
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.bare import statements


def step(statement: str) -> Callable[[HttpRequest], JsonResponse]:
    def view(request: HttpRequest) -> JsonResponse:
        asked: dict[str, Any] = json.loads(request.body)
        with connection.cursor() as cursor:
            cursor.execute(statement, {**asked, "key": request.headers["APP-KEY"]})
            row = cursor.fetchone()
            names = [column.name for column in cursor.description or ()]
        return JsonResponse(dict(zip(names, row, strict=True))) if row else JsonResponse({}, status=400)

    return view


def empty(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


class EmptyInDrf(APIView):
    def get(self, _request: Request) -> Response:
        return Response({"status": "ok"})


urlpatterns = [
    path("start", step(statements.START)),
    path("verify", step(statements.VERIFY)),
    path("refresh", step(statements.REFRESH)),
    path("empty", empty),
    path("empty-in-drf", EmptyInDrf.as_view()),
]
