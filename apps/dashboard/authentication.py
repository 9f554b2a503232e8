"""Who a browser's session belongs to. It is opened by `apps.management.sign_in`, never by a password."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth import login
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from apps.core.context import RequestContext
from apps.management.acting import Acting
from apps.tenants.models import Operator

BACKEND = "apps.dashboard.authentication.OperatorBackend"


class OperatorBackend(BaseBackend):
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Nobody: there are no credentials to be had but a code, and that has a use case of its own."""

    def get_user(self, user_id: uuid.UUID) -> Operator | None:
        """Asked on every request, so a deactivated operator is signed out by the next one."""
        return Operator.objects.filter(id=user_id, is_active=True).first()


def open_session(request: HttpRequest, operator: Operator) -> None:
    """A session under a new key: whoever planted the old one in this browser does not come along."""
    request.session.flush()
    login(request, operator, backend=BACKEND)


def signed_in(request: HttpRequest) -> Operator | None:
    user: object = request.user
    return user if isinstance(user, Operator) else None


def context_of(request: HttpRequest) -> RequestContext:
    meta = request.META
    return RequestContext(ip=meta["REMOTE_ADDR"], user_agent=meta.get("HTTP_USER_AGENT", ""))


def acting(request: HttpRequest) -> Acting:
    return Acting(signed_in(request), context_of(request))
