"""Every sign-in endpoint with a request that is right: where requests that are wrong in one thing start from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from apps.management.environments import create_application_key, revoke_application_key, rotate_application_key
from tests.dialects.passage_app import App
from tests.world import World, build, junk_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

ADA, PHONE, MOBILE = "ada@example.com", "+919876543211", "9876543211"


@dataclass(frozen=True)
class Dialect:
    """How refusals look: the fields of a body in their order, and the words that they say by status."""

    shape: tuple[str, str]
    words: dict[int, str]
    code: str
    """The field with the word."""
    allows: frozenset[str] = frozenset({"POST"})


ZEROMAGIC = Dialect(
    shape=("error", "message"),
    words={400: "invalid_request", 401: "invalid_app_key", 405: "method_not_allowed", 413: "invalid_request"},
    code="error",
)
PASSAGE = Dialect(
    shape=("code", "error"),
    words={400: "invalid_request", 401: "invalid_access_token", 405: "invalid_request", 413: "invalid_request"},
    code="code",
    allows=frozenset({"POST", "OPTIONS"}),
)
SMALLPICT = Dialect(
    shape=("code", "message"),
    words={400: "validation_error", 401: "invalid_api_key", 405: "validation_error", 413: "validation_error"},
    code="code",
)
# A second way into an endpoint has a name of its own here, with a question mark.
OF_ZEROMAGIC: dict[str, tuple[str, ...]] = {
    "email-otp-signup": ("email",),
    "email-otp-login": ("email",),
    "email-otp-login?": ("email", "otp_code"),
    "email-otp-verify": ("email", "otp_code"),
    "mobile-otp-signup": ("country_code", "mobile"),
    "mobile-otp-login": ("mobile",),
    "mobile-otp-login?": ("mobile", "otp_code"),
    "mobile-otp-verify": ("mobile", "otp_code"),
    "email-password-signup": ("email", "password"),
    "email-password-login": ("email", "password"),
    "email-password-reset": ("email",),
    "username-password-signup": ("username", "password"),
    "username-password-login": ("username", "password"),
    "oauth": ("connection_name",),
    "token/refresh": ("refresh_token",),
    "token/revoke": ("refresh_token",),
}
OF_PASSAGE: dict[str, tuple[str, ...]] = {
    "register/otp": ("identifier",),
    "login/otp": ("identifier",),
    "otp/activate": ("otp", "otp_id"),
    "tokens": ("refresh_token",),
}
OF_SMALLPICT: dict[str, tuple[str, ...]] = {
    "plugin/auth/request-otp": ("email", "site_url"),
    "plugin/auth/verify-otp": ("email", "code", "site_url"),
}
ENDPOINTS = OF_ZEROMAGIC | OF_PASSAGE | OF_SMALLPICT
FIELDS = [(endpoint, field) for endpoint, fields in ENDPOINTS.items() for field in fields]
# Without the code the request is another one.
OPTIONAL = {("email-otp-login?", "otp_code"), ("mobile-otp-login?", "otp_code")}
NULLABLE = {(endpoint, "site_url") for endpoint in OF_SMALLPICT}
OPTIONAL |= NULLABLE


def path(endpoint: str) -> str:
    return endpoint.removesuffix("?")


def dialect(endpoint: str) -> Dialect:
    if endpoint in OF_SMALLPICT:
        return SMALLPICT
    return PASSAGE if endpoint in OF_PASSAGE else ZEROMAGIC


def allowed(endpoint: str) -> frozenset[str]:
    return dialect(endpoint).allows | ({"DELETE"} if endpoint == "tokens" else set())


def having(*fields: str) -> Iterable[tuple[str, str]]:
    return [(endpoint, field) for endpoint, field in FIELDS if field in fields]


@dataclass(frozen=True)
class Target:
    """An environment in which Ada is signed in by both dialects, and codes are on their way to her mail and phone."""

    world: World
    neighbour: World
    values: dict[str, str]
    mobile_code: str
    passage_token: str
    keys: dict[str, str]

    def body(self, endpoint: str, **changes: Any) -> dict[str, Any]:
        right = {field: self.values[field] for field in ENDPOINTS[endpoint]}
        if endpoint == "tokens":
            right["refresh_token"] = self.passage_token
        if endpoint.startswith("mobile") and "otp_code" in right:
            right["otp_code"] = self.mobile_code
        return {**right, **changes}

    def post(self, endpoint: str, body: Any, **options: Any) -> Answer:
        return self.world.post(path(endpoint), body, **options)


def make_target() -> Target:
    world, neighbour = build(default_region="IN"), build(default_region="IN")
    passage = App(world, world.app_key)
    token, passage_token = world.signed_in(ADA)["refresh_token"], passage.signed_in(ADA)["refresh_token"]
    otp_id = passage.post("login/otp", {"identifier": ADA}).json()["otp_id"]
    world.post("mobile-otp-signup", {"country_code": "+91", "mobile": MOBILE})
    code = world.code(ADA)
    values = {"email": ADA, "otp_code": code, "refresh_token": token, "country_code": "+91", "mobile": MOBILE}
    values |= {"password": "correct horse battery", "username": "ada_lovelace", "connection_name": "google"}
    values |= {"site_url": "https://blog.example.com", "code": key_code(world)}
    values |= {"identifier": ADA, "otp": code, "otp_id": otp_id}
    return Target(world, neighbour, values, world.code(PHONE), passage_token, bad_keys(world, neighbour))


def key_code(world: World) -> str:
    """A code for an API key, of which the mail is the newest."""
    world.post("plugin/auth/request-otp", {"email": ADA})
    return world.code(ADA)


def bad_keys(world: World, neighbour: World) -> dict[str, str]:
    revoked, expired = (create_application_key(world.environment, name=name) for name in ("Revoked", "Expired"))
    revoke_application_key(revoked.key)
    rotate_application_key(expired.key, overlap=timedelta(0))
    right = world.app_key
    return {
        "missing": "",
        "junk": "junk",
        "unknown": junk_key(),
        "a broken checksum": right[:-1] + ("a" if right[-1] != "a" else "b"),
        "revoked": revoked.secret,
        "expired": expired.secret,
        "of another environment": neighbour.app_key,
        "an API key": world.messages_key,
        "in other letters": right.swapcase(),
        "quoted": f'"{right}"',
        "twice": f"{right}, {right}",
        "not ASCII": "ключ" * 10,
        "too long": "x" * 5000,
    }
