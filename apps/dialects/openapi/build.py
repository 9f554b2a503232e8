"""From views, serializers and what a dialect's module here says about them to OpenAPI 3.1, by drf-spectacular.

The dialects know nothing of it: drf-spectacular sees a subclass of each view in the view's place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.extensions import OpenApiViewExtension
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import patched_settings
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, PolymorphicProxySerializer

from apps.core.errors import AuthError, RateLimited, ServiceUnavailable
from apps.dialects.base import DialectView, lookup
from apps.dialects.openapi import fields, passage, platform, satellite, smallpict, smtpd, zeromagic
from apps.dialects.openapi.shapes import HTML, JSON, Document, Operation, named
from apps.dialects.strict_form import FORM

DOCUMENTS: list[Document] = [
    zeromagic.DOCUMENT,
    passage.DOCUMENT,
    satellite.DOCUMENT,
    smtpd.DOCUMENT,
    smallpict.DOCUMENT,
    platform.DOCUMENT,
]
FIELDS = fields.OwnField  # Imported for its registration.
OAS_VERSION = "3.1.1"

BY_ENVIRONMENT: dict[str, Any] = {
    "url": "/auth/{project_id}/{environment}",
    "description": "By project and environment",
    "variables": {
        "project_id": {"default": "00000000000000000000000000000000", "description": "The project's id."},
        "environment": {"default": "development", "description": "The environment's name within the project."},
    },
}
BY_APP: dict[str, Any] = {
    "url": "/v1/apps/{app_id}",
    "description": "By app id, which is the environment's id",
    "variables": {"app_id": {"default": "00000000000000000000000000000000", "description": "The environment's id."}},
}


# The variables of the servers, where an address outside of them has them in its path.
PLACES = {"environment": "by project and environment", "app_id": "by app id"}
PARAMETERS = {
    "key_id": "The API key's id.",
    **{name: one["description"] for server in (BY_ENVIRONMENT, BY_APP) for name, one in server["variables"].items()},
}
AT_ORIGIN = [{"url": "/", "description": "The installation itself"}]
PAGE = {"type": "string", "description": "HTML, for a person."}


class Described(DialectView):
    """What drf-spectacular sees instead of a view."""

    openapi_document: Document
    openapi_operations: Mapping[str, Operation]


class Schema(AutoSchema):
    """Answers drf-spectacular's questions about an operation."""

    @property
    def described(self) -> Described:
        return cast(Described, self.view)

    @property
    def told(self) -> Operation:
        return self.described.openapi_operations[self.method.lower()]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        operation = super().get_operation(*args, **kwargs)
        if operation and "requestBody" in operation:
            operation["requestBody"]["required"] = self.told.is_request_needed
        return operation

    def get_operation_id(self) -> str:
        """A view that is also found under an address that names the environment in its path has one for each."""
        return self.told.name + "".join(f"By{name.title().replace('_', '')}" for name in self.place())

    def place(self) -> list[str]:
        return [name for name in PLACES if f"{{{name}}}" in self.path]

    def get_summary(self) -> str:
        return ", ".join([self.told.summary, *(f"at the host {PLACES[name]}" for name in self.place())])

    def get_description(self) -> str:  # type: ignore[override]
        return self.told.description

    def get_tags(self) -> list[str]:
        return [self.described.openapi_document.name]

    def get_auth(self) -> list[dict[str, Any]]:
        return [{name: []} if name else {} for name in self.told.security]

    def map_parsers(self) -> list[str]:
        """Any content type is taken; these are the two that mean something."""
        return [JSON, FORM] if self.described.takes_forms else [JSON]

    def get_request_serializer(self) -> Any:
        request = self.told.request
        if not isinstance(request, tuple):
            return request
        return PolymorphicProxySerializer(
            f"{type(self.described).__name__}Request", serializers=list(request), resource_type_field_name=None
        )

    def get_response_serializers(self) -> Any:
        successes = {
            (str(status), answer.media_type): OpenApiResponse(answer.body, answer.description)
            for status, answer in self.told.answers.items()
        }
        return {**successes, **self.refusals()}

    def refusals(self) -> dict[Any, OpenApiResponse]:
        """One answer for each status, with the words that it may hold; a page for people has none."""
        if self.described.media_type != JSON:
            statuses = {lookup(self.described.errors, example_of(cls)).status for cls in self.told.errors}
            return {(str(status), HTML): OpenApiResponse(PAGE, "A page that says so.") for status in sorted(statuses)}
        by_status: dict[int, dict[Any, str]] = {}
        for cls in self.told.errors:
            error = example_of(cls)
            wire = lookup(self.described.errors, error)
            body = self.described.error_body(wire.code, error)
            word = body.pop(self.described.openapi_document.word)
            by_status.setdefault(wire.status, {}).setdefault(word, *body.values())
        return {(str(status), JSON): self.refusal(words) for status, words in sorted(by_status.items())}

    def refusal(self, words: dict[Any, str]) -> OpenApiResponse:
        body = {**named("Error"), "properties": {self.described.openapi_document.word: {"enum": list(words)}}}
        return OpenApiResponse(body, "\n\n".join(f"`{word}`: {message}" for word, message in words.items()))

    def get_override_parameters(self) -> list[Any]:
        query = [self.told.query] if self.told.query else []
        named = re.findall(r"\{(\w+)\}", self.path)
        return [*query, *(in_path(name) for name in named), *self.headers()]

    def headers(self) -> Iterator[OpenApiParameter]:
        for status, answer in self.told.answers.items():
            yield from (header(name, status, words) for name, words in answer.headers.items())
        statuses = {lookup(self.described.errors, example_of(cls)).status for cls in self.told.errors}
        for status, one in self.described.openapi_document.error_headers.items():
            if status in statuses:
                yield header(one.header, status, one.words, is_always=one.is_always)
        for status in waits(self.described, self.told.errors):
            yield header("Retry-After", status, "Whole seconds to wait before the same request is worth sending.")


def header(name: str, status: int, description: str, *, is_always: bool = True) -> OpenApiParameter:
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, required=is_always, description=description, response=[status]
    )


def in_path(name: str) -> OpenApiParameter:
    """Raises KeyError for one that nobody has described."""
    return OpenApiParameter(name, str, OpenApiParameter.PATH, required=True, description=PARAMETERS[name])


def waits(view: DialectView, errors: tuple[type[AuthError], ...]) -> set[int]:
    return {
        lookup(view.errors, example_of(cls)).status
        for cls in errors
        if issubclass(cls, RateLimited | ServiceUnavailable)
    }


def example_of(cls: type[AuthError]) -> AuthError:
    return cls(1) if issubclass(cls, RateLimited) else cls()


class Endpoints(EndpointEnumerator):
    def get_path_from_regex(self, path_regex: str) -> str:
        """The slash at the end is optional everywhere; the documents show none."""
        bare = path_regex.replace("(?:/|$)^", "/")
        path: str = super().get_path_from_regex(bare)  # type: ignore[no-untyped-call]
        return path.rstrip("/") or "/"


def build(document: Document) -> dict[str, Any]:
    """Raises RuntimeError where drf-spectacular had to guess."""
    for view, operations in document.operations.items():
        replace(view, document, operations)
    with patched_settings(settings_of(document)):
        generator = SchemaGenerator(patterns=document.urlpatterns)
        generator.endpoint_inspector_cls = Endpoints
        built: dict[str, Any] = generator.get_schema(public=True)
        if GENERATOR_STATS:
            raise RuntimeError(f"drf-spectacular complains about {document.name}: see above")
    for path, item in built["paths"].items():
        if any(f"{{{name}}}" in path for name in PLACES):
            item["servers"] = AT_ORIGIN
    return built


def replace(view: type[DialectView], document: Document, operations: Mapping[str, Operation]) -> None:
    """Registers a subclass of the view for drf-spectacular to see in its place."""
    facts = {"schema": Schema(), "openapi_document": document, "openapi_operations": operations}
    described = type(view.__name__, (view,), facts)
    type(
        f"{view.__name__}Extension",
        (OpenApiViewExtension,),
        {"target_class": view, "view_replacement": lambda _self: described},
    )


def settings_of(document: Document) -> dict[str, Any]:
    return {
        "OAS_VERSION": OAS_VERSION,
        "TITLE": document.title,
        "DESCRIPTION": document.description,
        "VERSION": "1",
        "SERVERS": [BY_APP, BY_ENVIRONMENT] if document.by_app else [BY_ENVIRONMENT, BY_APP],
        "TAGS": [{"name": document.name, "description": document.title}],
        "APPEND_COMPONENTS": {
            "schemas": {"Error": document.error, **document.schemas},
            "securitySchemes": dict(document.security),
        },
        "POSTPROCESSING_HOOKS": [],  # The usual one moves every enumeration into a component of its own.
        "SORT_OPERATIONS": False,
        "SCHEMA_PATH_PREFIX": "",
        "COMPONENT_SPLIT_REQUEST": False,
    }


def written(document: Document) -> str:
    return json.dumps(build(document), indent=2, ensure_ascii=False) + "\n"


__all__ = ["DOCUMENTS", "build", "written"]
