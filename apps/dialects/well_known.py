"""Documents for whoever verifies tokens or looks for endpoints: keys (RFC 7517) and metadata (RFC 8414)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpRequest

from apps.dialects.answers import Response
from apps.dialects.base import absolute, endpoint
from apps.dialects.platform import NothingHere, PlatformView
from apps.passwordless.signing import published_keys
from apps.tenants.models import Environment
from apps.tokens.oauth_clients import Grant
from apps.tokens.signing_keys import Profile, issuer

CLIENT_AUTHENTICATION = ["client_secret_basic", "client_secret_post"]


class WellKnownView(PlatformView):
    """Public, and only at an issuer's own address: a document found elsewhere would speak for somebody else.

    An environment has one issuer for each profile of tokens, and each has documents of its own.
    """

    path: ClassVar[str]
    profiles: ClassVar[tuple[Profile, ...]] = tuple(Profile)

    def get(self, request: HttpRequest, **_address: str) -> Response:
        environment = self.environment()
        # RFC 8414 section 3 puts the name between host and path, OpenID Connect Discovery behind both.
        asked = absolute(request).rstrip("/").replace(f"/.well-known/{self.path}", "", 1)
        for profile in self.profiles:
            if issuer(environment, profile) == asked:
                return self.public(self.document(environment, profile))
        raise NothingHere

    def document(self, environment: Environment, profile: Profile) -> dict[str, Any]:
        raise NotImplementedError

    def check_query(self, request: HttpRequest) -> None:
        """The document is the same for everybody, so whatever an address says besides is let pass."""

    def public(self, document: dict[str, Any]) -> Response:
        return Response(document, headers={"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"})


class Jwks(WellKnownView):
    """RFC 7517 section 5: keys to come, in use, and retired while their tokens may live."""

    path = "jwks.json"

    def document(self, environment: Environment, profile: Profile) -> dict[str, Any]:
        return {"keys": published_keys(environment, profile)}


class OpenIDConfiguration(WellKnownView):
    """The same metadata under the name that most clients look for first."""

    path = "openid-configuration"

    def document(self, environment: Environment, profile: Profile) -> dict[str, Any]:
        name = issuer(environment, profile)
        return {"issuer": name, "jwks_uri": f"{name}/.well-known/jwks.json", **OFFERED[profile](name)}


class AuthorizationServer(OpenIDConfiguration):
    """RFC 8414 section 2. Passage's tokens come from no OAuth endpoint, so their issuer has none of these."""

    path = "oauth-authorization-server"
    profiles = (Profile.ACCESS,)


def oauth(name: str) -> dict[str, Any]:
    """There is no authorization endpoint; "none" says so where an empty list is refused (contracts/clients.md)."""
    return {
        "token_endpoint": f"{name}/oauth/v2/token",
        "revocation_endpoint": f"{name}/oauth/v2/revoke",
        "introspection_endpoint": f"{name}/oauth/v2/introspect",
        "userinfo_endpoint": f"{name}/userinfo",
        "grant_types_supported": list(Grant.values),
        "response_types_supported": ["none"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
        "introspection_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION,
    }


# Passage's document has three fields (contracts/passage.md section 2); its endpoint is one that is not offered here.
OFFERED: Mapping[Profile, Callable[[str], dict[str, Any]]] = {
    Profile.ACCESS: oauth,
    Profile.PASSAGE: lambda name: {"authorization_endpoint": f"{name}/social/authorize"},
}


urlpatterns = [
    endpoint(r"\.well-known/jwks\.json", Jwks),
    endpoint(r"\.well-known/openid-configuration", OpenIDConfiguration),
    endpoint(r"\.well-known/oauth-authorization-server", AuthorizationServer),
]
# Between the host and an issuer's path.
PREFIXED = {
    r"\.well-known/openid-configuration": OpenIDConfiguration,
    r"\.well-known/oauth-authorization-server": AuthorizationServer,
}
