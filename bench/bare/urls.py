"""The floor's three views with one statement each, and views that do nothing."""

import json
import time
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.bare import statements

ISSUER = "https://example.com"


def step(statement: str, *, is_signed: bool = False) -> Callable[[HttpRequest], JsonResponse]:
    def view(request: HttpRequest) -> JsonResponse:
        asked: dict[str, Any] = json.loads(request.body)
        with connection.cursor() as cursor:
            cursor.execute(statement, {**asked, "key": request.headers["APP-KEY"]})
            row = cursor.fetchone()
            names = [column.name for column in cursor.description or ()]
        if row is None:
            return JsonResponse({}, status=400)
        facts = dict(zip(names, row, strict=True))
        return JsonResponse(facts | ({"access_token": access_token(facts)} if is_signed else {}))

    return view


def access_token(facts: dict[str, Any]) -> str:
    """With the claims, the algorithm and the library of Latchkey's."""
    import jwt  # noqa: PLC0415 - an empty application, whose memory is measured before, has none.

    now = int(time.time())
    claims = {"sub": facts["user_id"], "sid": facts["session_id"], "iss": ISSUER, "aud": [ISSUER], "iat": now}
    more = {"nbf": now, "exp": now + 900, "jti": uuid.uuid4().hex, "client_id": facts["user_id"], "scope": ""}
    return jwt.encode({**claims, **more}, signing_key(), "ES256", {"kid": "floor", "typ": "at+jwt"})


@cache
def signing_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - see above.

    return ec.generate_private_key(ec.SECP256R1())


def empty(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def connected(_request: HttpRequest) -> JsonResponse:
    """What an empty application with a database has in memory once it was asked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


class EmptyInDrf(APIView):
    def get(self, _request: Request) -> Response:
        return Response({"status": "ok"})


urlpatterns = [
    path("start", step(statements.START)),
    path("verify", step(statements.VERIFY, is_signed=True)),
    path("refresh", step(statements.REFRESH, is_signed=True)),
    path("empty", empty),
    path("connected", connected),
    path("empty-in-drf", EmptyInDrf.as_view()),
]
