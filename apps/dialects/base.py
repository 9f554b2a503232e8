"""What all dialects share: who is calling, how a body becomes values, how a refusal becomes that dialect's answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.utils.functional import cached_property
from rest_framework import serializers
from rest_framework.views import APIView

from apps.core.context import RequestContext
from apps.core.database import is_lost, replace_dead_connections
from apps.core.errors import (
    AuthError,
    BodyTooLarge,
    InvalidClient,
    InvalidRequest,
    InvalidToken,
    RateLimited,
    ServiceUnavailable,
    UnknownEnvironment,
)
from apps.dialects import fields, strict_form, strict_json
from apps.dialects.answers import JSON, Response
from apps.passwordless.sessions import Client
from apps.tenants.models import Address, ApplicationKey, Environment
from apps.tenants.snapshots import Snapshot
from apps.tokens.signing_keys import Profile

log = structlog.get_logger()

# As tenants.Environment has it; a NUL, for one, must not reach PostgreSQL.
ENVIRONMENT_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

S = TypeVar("S", bound=serializers.Serializer[Any])


@dataclass(frozen=True, slots=True)
class Wire:
    """How one class of errors looks in a dialect: the status and the dialect's own word for it."""

    status: int
    code: str


ErrorTable = Mapping[type[AuthError], Wire]


@dataclass(frozen=True, slots=True)
class Caller:
    """The application that a request comes from, and the environment it is of."""

    environment: Environment
    client: Client


class MethodNotAllowed(InvalidRequest):
    message = "This method is not allowed here."


class DialectView(APIView):
    """A view of one dialect. Subclasses set the error table and the shape of an error's body.

    DRF's view is what describes it to the documents. Its dispatch is shorter: nothing is negotiated, and who is calling
    is found out by the steps. DRF's request and response around Django's own took
    a third of the time that a request spends outside of its step.
    """

    media_type = JSON
    takes_forms = False
    """Beside JSON."""
    # Without "options": DRF's own answer to it describes the view in the words of its docstring.
    http_method_names: tuple[str, ...] = ("get", "head", "post", "put", "patch", "delete")
    errors: ClassVar[ErrorTable]
    profile: ClassVar[Profile] = Profile.ACCESS
    in_query: ClassVar[Mapping[str, Container[str]]] = {}
    """By method, what a contract puts into the query. All else there is refused, and not just left unread: an address
    ends up in logs, and whoever sent a credential in one has to hear of it."""
    # For steps that succeed only by a statement that asks whether the environment and its key are as they were
    # remembered (Environment.unchanged). A refusal may be decided without, so it is asked before anybody hears of one.
    asks_later = False
    unasked: Environment | None = None
    is_repeated = False

    def error_body(self, code: str, error: AuthError) -> dict[str, Any]:
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            self.initial(request, *args, **kwargs)
            method = str(request.method).lower()
            handler = getattr(self, method, None) if method in self.http_method_names else None
            if handler is None:
                raise MethodNotAllowed
            response = handler(request, *args, **kwargs)
        except Exception as exc:
            # What is no refusal is raised again there.
            response = self.refused(exc)
        return self.finished(response)

    def finished(self, response: HttpResponse) -> HttpResponse:
        """The last look at every answer of this dialect."""
        return response

    def respond(self, body: dict[str, Any], status: int) -> HttpResponse:
        return Response(body, status)

    @cached_property
    def data(self) -> Any:
        """The body of the request, read once; {} for none. Raises InvalidRequest."""
        if len(self._body) > strict_json.MAX_BODY_BYTES:
            raise BodyTooLarge
        if not self._body:
            return {}
        if self.takes_forms:
            return strict_form.read(self._body, self.request.META.get("CONTENT_TYPE"))
        return strict_json.loads(self._body)

    @cached_property
    def _body(self) -> bytes:
        """As far as it is of interest. Kept, because a step that is done again must not read on where it stopped."""
        try:
            return self.request.read(strict_json.MAX_BODY_BYTES + 1)
        except OSError:
            raise InvalidRequest("The body could not be read.") from None

    @cached_property
    def address(self) -> Address:
        return address(self.kwargs)

    @property
    def context(self) -> RequestContext:
        meta = self.request.META
        return RequestContext(
            ip=meta["REMOTE_ADDR"],
            user_agent=meta.get("HTTP_USER_AGENT", ""),
            language=meta.get("HTTP_ACCEPT_LANGUAGE"),
            is_repeated=self.is_repeated,
        )

    def caller(self) -> Caller:
        """The calling application by its APP-KEY. Raises InvalidClient, in one way for all that can be wrong.

        Without a key, the environment itself is the application, where it allows that.
        """
        secret = self.request.META.get("HTTP_APP_KEY")
        if secret is None:
            return self._keyless()
        key, environment = self._key(secret)
        key.touch()
        return Caller(environment, Client(key.client_id, self.profile))

    def _key(self, secret: str) -> tuple[ApplicationKey, Environment]:
        if self.asks_later and (recalled := ApplicationKey.objects.recalled(secret, self.address)):
            self.unasked = recalled[1]
            return recalled
        key = ApplicationKey.objects.presented(secret, self.address)
        if key is None:
            raise InvalidClient
        return key, key.environment

    def _keyless(self) -> Caller:
        environment = Environment.objects.at(self.address)
        if environment is None:
            raise UnknownEnvironment
        if not environment.allows_keyless_clients:
            raise InvalidClient
        return Caller(environment, Client(environment.id, self.profile))

    def _ask_first(self) -> HttpResponse:
        self.asks_later, self.is_repeated = False, True
        handler = getattr(self, str(self.request.method).lower())
        response: HttpResponse = handler(self.request, *self.args, **self.kwargs)
        return response

    def initial(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        if "HTTP_TRANSFER_ENCODING" in request.META:
            # Django reads no body without a length, and would take this one for empty.
            raise InvalidRequest("A body needs a Content-Length.")
        self.check_query(request)

    def check_query(self, request: HttpRequest) -> None:
        """Raises InvalidRequest for a parameter that does not belong there, or comes twice."""
        method = str(request.method)
        # A browser's preflight has the query of the request that it asks for.
        if not request.META["QUERY_STRING"] or method == "OPTIONS" or method not in self.allowed_methods:
            return
        taken = self.in_query.get("GET" if method == "HEAD" else method, ())
        if any(name not in taken or len(values) > 1 for name, values in request.GET.lists()):
            raise InvalidRequest("Parameters belong in the body, and never in the address.")

    def parse(self, serializer: type[S]) -> dict[str, Any]:
        """The values of the body. Raises InvalidRequest, which names the field."""
        if not isinstance(self.data, dict):
            raise InvalidRequest("The body must be a JSON object.")
        return fields.read(serializer, self.data)

    def refused(self, exc: Exception) -> HttpResponse:
        unasked, self.unasked = self.unasked, None
        if unasked is not None and unasked.snapshot is not None:
            try:
                if _may_be_outdated(unasked.snapshot, exc):
                    return self._ask_first()
            except Exception as second:
                exc = second
        error = refusal(exc)
        if error is None:
            raise exc
        wire = lookup(self.errors, error)
        response = self.respond(self.error_body(wire.code, error), wire.status)
        if isinstance(error, RateLimited | ServiceUnavailable):
            response["Retry-After"] = str(error.retry_after)
        if isinstance(error, MethodNotAllowed):
            response["Allow"] = ", ".join(self.allowed_methods)
        if isinstance(error, InvalidToken):
            response["WWW-Authenticate"] = 'Bearer error="invalid_token"'  # RFC 6750 section 3.
        return response


def _may_be_outdated(unasked: Snapshot, exc: Exception) -> bool:
    """Whether the step has to be done again with what PostgreSQL says now."""
    if isinstance(exc, OperationalError | InterfaceError):
        # The request's first statement met a dead connection, as in `first_query`. If that was lost in the one moment
        # between a COMMIT and its answer, the step finds what it did itself, as the client's own next try would.
        if is_lost(exc):
            replace_dead_connections()
        return is_lost(exc)
    return refusal(exc) is not None and not unasked.is_current()


def address(kwargs: Mapping[str, str]) -> Address:
    """Either root that names an environment. What is no id or no name names nothing, and finds nothing."""
    if "app_id" in kwargs:
        return Address(environment_id=_id(kwargs["app_id"]))
    name = kwargs["environment"]
    return Address(project_id=_id(kwargs["project_id"]), name=name if ENVIRONMENT_NAME.fullmatch(name) else "")


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def lookup(table: ErrorTable, error: AuthError) -> Wire:
    """The entry of the nearest class: a subclass that the dialect does not name answers like its parent."""
    for cls in type(error).__mro__:
        if cls in table:
            return table[cls]
    raise LookupError(f"{type(error).__name__} is missing from a dialect's error table")


def refusal(exc: Exception) -> AuthError | None:
    """The same thing in our own vocabulary; None for what is our own fault."""
    if isinstance(exc, AuthError):
        return exc
    if isinstance(exc, serializers.ValidationError):
        return _first_field(exc)
    if isinstance(exc, OperationalError | InterfaceError):
        log.warning("database_away", reason=type(exc.__cause__ or exc).__name__)
        connection.close()
        return ServiceUnavailable()
    return None


def _first_field(exc: serializers.ValidationError) -> InvalidRequest:
    detail: Any = exc.detail
    field, problems = next(iter(detail.items()))
    return InvalidRequest(f"{field}: {problems[0]}", field=field)


def endpoint(route: str, view: type[APIView]) -> URLPattern:
    """A route that takes an optional trailing slash and never redirects, because a redirected POST loses its body."""
    return re_path(rf"^{route}/?$", view.as_view())


def absolute(request: HttpRequest) -> str:
    """The URL that was asked, without its query."""
    return request.build_absolute_uri(request.path)
