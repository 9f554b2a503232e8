"""The way in: an emailed code, or a link from somebody with a shell.

Nothing here tells whether an address is an operator's.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from apps.core.errors import InvalidGrant, RateLimited
from apps.dashboard.authentication import context_of, open_session, signed_in
from apps.dashboard.forms import CodeForm, EmailForm, PageForm
from apps.dashboard.pages import UNPROCESSABLE
from apps.management import sign_in
from apps.tenants.models import Operator

# In the browser's session while it has no operator yet: the handle of the code, the address typed, where to go.
PENDING = "sign_in"
TOO_MANY = 429


class SignIn(View):
    """The address comes in, a code goes out to it if it is an operator's."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if signed_in(request):
            return HttpResponseRedirect(_destination(request.GET.get("next")))
        return _show(request, "sign_in", EmailForm(), next=request.GET.get("next", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        form, after = EmailForm(request.POST), request.POST.get("next", "")
        if not form.is_valid():
            return _show(request, "sign_in", form, status=UNPROCESSABLE, next=after)
        try:
            _send(request, form.cleaned_data["email"], after)
        except RateLimited as refusal:
            return _wait(request, "sign_in", form, refusal, next=after)
        return redirect("dashboard:code")


class Code(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(request, CodeForm()) if PENDING in request.session else redirect("dashboard:sign-in")

    def post(self, request: HttpRequest) -> HttpResponse:
        if PENDING not in request.session:
            return redirect("dashboard:sign-in")
        form, pending = CodeForm(request.POST), request.session[PENDING]
        if not form.is_valid():
            return self._show(request, form, UNPROCESSABLE)
        try:
            operator = sign_in.sign_in(pending["handle"], form.cleaned_data["code"], context_of(request))
        except InvalidGrant:
            form.add_error("code", "This code is wrong or has expired. Check the newest message, or send a new code.")
            return self._show(request, form, UNPROCESSABLE)
        except RateLimited as refusal:
            return _wait(request, "code", form, refusal, **_facts(request))
        return _enter(request, operator, pending["next"])

    def _show(self, request: HttpRequest, form: PageForm, status: int = 200) -> HttpResponse:
        return _show(request, "code", form, status=status, **_facts(request))


class Resend(View):
    """The same code once more, to the address of before. Who comes too early is told how long to wait."""

    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        if PENDING not in request.session:
            return redirect("dashboard:sign-in")
        pending = request.session[PENDING]
        try:
            issued = sign_in.start(pending["email"], context_of(request))
            if not issued.is_due:
                raise RateLimited(issued.wait)
        except RateLimited as refusal:
            return _wait(request, "code", CodeForm(), refusal, **_facts(request))
        request.session[PENDING] = {**pending, "handle": issued.handle}
        return _show(request, "code", CodeForm(), **_facts(request), notice="A new message is on its way.")


class FollowLink(View):
    """Opening the link uses nothing up, because scanners of mail and chat open links too; the button does."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return _show(request, "link", PageForm(), token=request.GET.get("token", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            operator = sign_in.follow_link(request.POST.get("token", ""), context_of(request))
        except InvalidGrant:
            return _show(request, "link_ended", PageForm(), status=UNPROCESSABLE)
        except RateLimited as refusal:
            return _wait(request, "link", PageForm(), refusal, token=request.POST.get("token", ""))
        return _enter(request, operator, "")


class SignOut(View):
    http_method_names = ("post",)

    def post(self, request: HttpRequest) -> HttpResponse:
        logout(request)
        return redirect("dashboard:sign-in")


def _send(request: HttpRequest, email: str, after: str) -> None:
    """Too soon for a message is no refusal here: the code of the last one will do."""
    issued = sign_in.start(email, context_of(request))
    request.session[PENDING] = {"handle": issued.handle, "email": email, "next": after}


def _enter(request: HttpRequest, operator: Operator, after: str) -> HttpResponse:
    open_session(request, operator)
    return HttpResponseRedirect(_destination(after))


def _destination(address: str | None) -> str:
    """Where they wanted to go, if that is a page of ours; a link must not lead from our sign-in to somebody else's."""
    pages = (reverse("dashboard:home"), reverse("admin:index"))
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts=None) and str(address).startswith(pages)
    return str(address) if is_ours else pages[0]


def _facts(request: HttpRequest) -> dict[str, Any]:
    return {"email": request.session[PENDING]["email"]}


def _wait(request: HttpRequest, page: str, form: PageForm, refusal: RateLimited, **context: Any) -> HttpResponse:
    response = _show(request, page, form, status=TOO_MANY, **context, wait=refusal.retry_after)
    response["Retry-After"] = str(refusal.retry_after)
    return response


def _show(request: HttpRequest, page: str, form: PageForm, *, status: int = 200, **context: Any) -> HttpResponse:
    facts = {"form": form, "has_mail": bool(settings.EMAIL_URL), **context}
    return render(request, f"dashboard/{page}.html", facts, status=status)
