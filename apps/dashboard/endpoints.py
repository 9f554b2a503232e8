"""Where an environment answers: what developers copy into their clients and servers."""

from __future__ import annotations

from dataclasses import dataclass

from apps.tenants.models import Environment


@dataclass(frozen=True, slots=True)
class Endpoint:
    method: str
    path: str
    url: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Group:
    """The endpoints that one kind of clients asks, without Passage's: its clients are told the base URL and no more."""

    title: str
    endpoints: tuple[Endpoint, ...]


PATHS = {
    "Your servers": (
        ("GET", "/.well-known/jwks.json", "The public keys that access tokens are verified with"),
        ("GET", "/.well-known/openid-configuration", "Everything a JWT or OAuth library wants to know"),
        ("POST", "/oauth/v2/introspect", "Whether a token or an API key is good right now"),
        ("GET", "/userinfo", "Whose access token it is"),
    ),
    "ZeroMagic": (
        ("POST", "/email-otp-signup", "Signs somebody up by email"),
        ("POST", "/email-otp-login", "Signs somebody in by email"),
        ("POST", "/email-otp-verify", "Takes the code and answers with tokens"),
    ),
    "Satellite": (
        ("POST", "/oauth/v2/token", "Tokens for a registered OAuth client"),
        ("POST", "/otp/send", "Sends a code, where the policy allows it"),
    ),
    "SMTPD": (
        ("POST", "/oauth/token", "Tokens for a person’s password or code, where the policy allows it"),
        ("POST", "/oauth/revoke", "Ends a session"),
        ("GET", "/oauth/me", "Whose access token it is"),
    ),
    "SmallPict": (
        ("POST", "/plugin/auth/request-otp", "Sends a code"),
        ("POST", "/plugin/auth/verify-otp", "Takes the code and answers with an API key of the person’s own"),
    ),
}


def groups_of(environment: Environment) -> list[Group]:
    base = environment.issuer
    return [
        Group(title, tuple(Endpoint(method, path, f"{base}{path}", purpose) for method, path, purpose in paths))
        for title, paths in PATHS.items()
    ]
