"""How callers show who they are, in OpenAPI's words."""

from __future__ import annotations

from apps.dialects.openapi.shapes import Shape

NOTHING = ""
APP_KEY = "applicationKey"
ACCESS_TOKEN = "accessToken"  # noqa: S105 - the name of a scheme.
API_KEY = "apiKey"
API_KEY_AS_USER = "apiKeyAsUser"
CLIENT = "client"
PERSON = "person"


def schemes(*names: str) -> dict[str, Shape]:
    return {name: SCHEMES[name] for name in names}


SCHEMES: dict[str, Shape] = {
    APP_KEY: {
        "type": "apiKey",
        "in": "header",
        "name": "APP-KEY",
        "description": "The key of a client application of the environment (`pk_…`). "
        "An environment may also serve clients that send none.",
    },
    ACCESS_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token that this environment has issued.",
    },
    API_KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key of the environment (`sp_…`), with the scope that the operation needs.",
    },
    CLIENT: {
        "type": "http",
        "scheme": "basic",
        "description": "An OAuth client's id and secret. Or both in the body, as `client_id` and `client_secret`; "
        "a request that does both is refused.",
    },
    API_KEY_AS_USER: {
        "type": "http",
        "scheme": "basic",
        "description": "The same API key as the user name of Basic, with an empty password.",
    },
    PERSON: {
        "type": "http",
        "scheme": "basic",
        "description": "A person's user name, and their password or a live code.",
    },
}
