"""What an environment had to say: captured where nothing is sent, and how the delivery of the rest goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse

from apps.core.identifiers import masked
from apps.dashboard.forms import SearchForm
from apps.dashboard.pages import UNPROCESSABLE, EnvironmentPage
from apps.dashboard.permissions import Action
from apps.delivery.models import CapturedMessage, Message
from apps.tenants.models import Environment

NEWEST = 50


@dataclass(frozen=True, slots=True)
class Captured:
    id: UUID
    recipient: str
    sent_at: datetime
    subject: str
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Delivery:
    message: Message
    recipient: str
    """Masked: this page is for finding out why a message did not arrive, not for reading who the people are."""


class CapturedPage(EnvironmentPage):
    section = "captured"
    read = Action.READ_MESSAGES

    def enter(self, **ids: UUID) -> None:
        super().enter(**ids)
        if self.environment.is_production:
            raise Http404


class CapturedList(CapturedPage):
    template = "dashboard/captured.html"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        form = SearchForm(request.GET)
        rows = CapturedMessage.objects.for_environment(self.environment).fresh().order_by("-created_at")
        if not form.is_valid():
            return self.show(status=UNPROCESSABLE, form=form, captured=[], newest=NEWEST)
        wanted = form.cleaned_data["recipient"].strip()
        if wanted:
            rows = rows.filter(recipient__icontains=wanted)
        found = [_opened(self.environment, row) for row in rows[:NEWEST]]
        return self.show(form=form, captured=found, wanted=wanted, newest=NEWEST)


class CapturedDetail(CapturedPage):
    template = "dashboard/captured_message.html"

    def get(self, request: HttpRequest, environment_id: UUID, message_id: UUID) -> HttpResponse:
        row = CapturedMessage.objects.for_environment(self.environment).fresh().filter(id=message_id).first()
        if row is None:
            raise Http404
        return self.show(captured=_opened(self.environment, row))


class Deliveries(EnvironmentPage):
    template = "dashboard/deliveries.html"
    section = "deliveries"

    def get(self, request: HttpRequest, environment_id: UUID) -> HttpResponse:
        rows = Message.objects.for_environment(self.environment).order_by("-created_at")[:NEWEST]
        deliveries = [Delivery(row, masked(row.recipient)) for row in rows]
        return self.show(deliveries=deliveries, newest=NEWEST)


def _opened(environment: Environment, row: CapturedMessage) -> Captured:
    row.environment = environment
    body = json.loads(row.unseal())
    return Captured(
        row.id,
        row.recipient,
        row.created_at,
        subject=body.get("subject") or "Text message",
        text=body.get("text", ""),
        code=body.get("code", ""),
    )
