"""Every error × every dialect: what the wire cannot be made to say on demand, looked up in the tables themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver

from apps.core.errors import (
    AuthError,
    ChallengeLocked,
    CodeExpired,
    CodeMismatch,
    InvalidGrant,
    InvalidRequest,
    RateLimited,
    ServiceUnavailable,
)
from apps.dialects.base import DialectView
from apps.dialects.urls import urlpatterns

# A dialect's module, and the fields of its errors in their order. A new dialect fails here until it has its line.
SHAPES = {
    "apps.dialects.zeromagic": ["error", "message"],
    "apps.dialects.zeromagic_passwords": ["error", "message"],
    "apps.dialects.passage": ["code", "error"],
    "apps.dialects.smallpict": ["code", "message"],
    "apps.dialects.smtpd": ["code", "message"],
    "apps.dialects.smtpd_account": ["code", "message"],
    "apps.dialects.satellite": ["error", "error_description"],
    "apps.dialects.introspection": ["error", "error_description"],
    "apps.dialects.well_known": ["error", "error_description"],
    "apps.dialects.platform": ["error", "error_description"],
    # Pages for people: what their template says.
    "apps.dialects.confirm": ["title", "message"],
}
# Passage's clients ask for a new code when they hear 401 (contracts/clients.md, trap 10).
TELLS: dict[str, set[type[AuthError]]] = {"apps.dialects.passage": {ChallengeLocked}}
# Its SDKs' models are closed lists: another word makes them raise an error of their own (passage.md section 5).
PASSAGE_CODES = {
    "app_not_found",
    "exceeded_attempts",
    "identifier_not_verified",
    "internal_server_error",
    "invalid_access_token",
    "invalid_refresh_token",
    "invalid_request",
    "operation_not_allowed",
    "user_not_active",
    "user_not_found",
}


def views(patterns: list[URLPattern | URLResolver]) -> Iterator[type[DialectView]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            yield vars(pattern.callback)["view_class"]


def subclasses(cls: type[AuthError]) -> Iterator[type[AuthError]]:
    yield cls
    for child in cls.__subclasses__():
        yield from subclasses(child)


VIEWS = sorted(set(views(urlpatterns)), key=str)
ERRORS = sorted(set(subclasses(AuthError)), key=str)


def raised(cls: type[AuthError]) -> AuthError:
    return cls(1.5) if issubclass(cls, RateLimited) else cls()


@dataclass(frozen=True)
class Answered:
    response: HttpResponse
    told: dict[str, Any]
    """What the body was made of, JSON or a page."""

    @property
    def status_code(self) -> int:
        return self.response.status_code


def answer(view: type[DialectView], error: AuthError) -> Answered:
    told: dict[str, Any] = {}

    def overhear(self: DialectView, body: dict[str, Any], status: int) -> HttpResponse:
        told.update(body)
        return view.respond(self, body, status)

    listening = type(view.__name__, (view,), {"respond": overhear})
    return Answered(listening().refused(error), told)


@pytest.mark.parametrize("error", ERRORS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("view", VIEWS, ids=lambda cls: cls.__name__)
def test_every_error_has_a_status_below_500_and_the_dialects_shape(
    view: type[DialectView], error: type[AuthError]
) -> None:
    answered = answer(view, raised(error))
    limits = (503, 503) if issubclass(error, ServiceUnavailable) else (400, 499)
    assert limits[0] <= answered.status_code <= limits[1]
    assert list(answered.told) == SHAPES[view.__module__]
    # SMTPD's codes are numbers.
    assert all(isinstance(value, str | int) and value for value in answered.told.values())


@pytest.mark.parametrize("view", VIEWS, ids=lambda cls: cls.__name__)
def test_who_has_to_wait_is_told_how_many_whole_seconds(view: type[DialectView]) -> None:
    assert answer(view, RateLimited(0)).response["Retry-After"] == "1"
    assert answer(view, RateLimited(1.5)).response["Retry-After"] == "2"
    assert int(answer(view, ServiceUnavailable()).response["Retry-After"]) >= 1
    assert "Retry-After" not in answer(view, InvalidRequest()).response


@pytest.mark.parametrize("parent", ERRORS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("view", VIEWS, ids=lambda cls: cls.__name__)
def test_a_subclass_that_no_table_names_answers_like_its_parent(
    view: type[DialectView], parent: type[AuthError]
) -> None:
    newcomer: Any = type("Newcomer", (parent,), {})
    like_the_parent = answer(view, raised(parent))
    answered = answer(view, raised(newcomer))
    assert (answered.status_code, answered.told) == (like_the_parent.status_code, like_the_parent.told)


@pytest.mark.parametrize("view", VIEWS, ids=lambda cls: cls.__name__)
def test_what_is_wrong_with_a_code_is_not_told(view: type[DialectView]) -> None:
    """A contract that does tell names the subclass in its table, and is then to be excepted here, with the reason."""
    silent = {InvalidGrant, CodeMismatch, CodeExpired, ChallengeLocked} - TELLS.get(view.__module__, set())
    answers = [answer(view, error()) for error in silent]
    assert len({(told.status_code, str(told.told)) for told in answers}) == 1


@pytest.mark.parametrize("error", ERRORS, ids=lambda cls: cls.__name__)
def test_passages_words_are_those_that_its_clients_know(error: type[AuthError]) -> None:
    view = next(view for view in VIEWS if view.__module__ == "apps.dialects.passage")
    assert answer(view, raised(error)).told["code"] in PASSAGE_CODES
