"""What the platform's document says of keys and metadata for whoever verifies tokens."""

from __future__ import annotations

from apps.core.errors import InvalidRequest, ServiceUnavailable
from apps.dialects import urls, well_known
from apps.dialects.base import DialectView
from apps.dialects.openapi import security
from apps.dialects.openapi.shapes import Answer, Operation, Shape, always, closed, listed, named, text, without_need_of
from apps.dialects.platform import NothingHere

PUBLIC = (NothingHere, InvalidRequest, ServiceUnavailable)
CACHED = {"Cache-Control": "Five minutes.", "Access-Control-Allow-Origin": "Any."}
EXAMPLE = "https://id.example.com/auth/2f8a/production"
ISSUER = text("Who signs the tokens.", EXAMPLE)
# Where clients look for metadata whose issuer has a path.
AT_ORIGIN = [
    pattern
    for pattern in urls.urlpatterns
    if any(str(pattern.pattern).startswith(f"^{name}/") for name in well_known.PREFIXED)
]

KEY = closed(
    kty=text("The kind of key.", "EC", enum=["EC", "RSA"]),
    kid=text("The name by which tokens call it.", "k1"),
    use=always("sig", "It signs."),
    alg=text("The one algorithm that it is used with.", "ES256", enum=["ES256", "RS256"]),
    crv=always("P-256", "Of an EC key: its curve."),
    x=text("Of an EC key.", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
    y=text("Of an EC key.", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    n=text("Of an RSA key: its modulus.", "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4"),
    e=text("Of an RSA key: its exponent.", "AQAB"),
)
ALL_METADATA = closed(
    issuer=ISSUER,
    jwks_uri=text("Where the keys are.", f"{EXAMPLE}/.well-known/jwks.json"),
    token_endpoint=text("Satellite's.", f"{EXAMPLE}/oauth/v2/token"),
    revocation_endpoint=text("RFC 7009.", f"{EXAMPLE}/oauth/v2/revoke"),
    introspection_endpoint=text("RFC 7662.", f"{EXAMPLE}/oauth/v2/introspect"),
    userinfo_endpoint=text("Who a token's person is.", f"{EXAMPLE}/userinfo"),
    grant_types_supported=listed(text("A grant.", "client_credentials"), "Which of them a client may use is its own."),
    response_types_supported=listed(text("`none`: there is no authorization endpoint.", "none"), "RFC 8414."),
    subject_types_supported=listed(text("Ids are the same for all clients.", "public"), "OpenID Connect."),
    **{
        f"{endpoint}_endpoint_auth_methods_supported": listed(text("A method.", "client_secret_basic"), "For clients.")
        for endpoint in ("token", "revocation", "introspection")
    },
    authorization_endpoint=text("Of Passage's issuer: named, and not offered.", f"{EXAMPLE}/social/authorize"),
)
SCHEMAS: dict[str, Shape] = {
    "Metadata": without_need_of(ALL_METADATA["properties"].keys() - {"issuer", "jwks_uri"}, ALL_METADATA),
    "Key": without_need_of({"crv", "x", "y", "n", "e"}, KEY),
}
DESCRIBED: dict[type[DialectView], dict[str, Operation]] = {
    well_known.Jwks: {
        "get": Operation(
            name="jwks",
            summary="Keys for verifying tokens",
            description="A JWK Set (RFC 7517): keys to come, in use, and retired while their tokens may live.",
            answers={200: Answer("The keys.", closed(keys=listed(named("Key"), "Newest first.")), CACHED)},
            errors=PUBLIC,
            security=(security.NOTHING,),
        )
    },
    well_known.OpenIDConfiguration: {
        "get": Operation(
            name="openidConfiguration",
            summary="Metadata, by OpenID Connect's name",
            description="Found only at an issuer's own address. Passage's issuer has three members.",
            answers={200: Answer("What the issuer offers.", named("Metadata"), CACHED)},
            errors=PUBLIC,
            security=(security.NOTHING,),
        )
    },
    well_known.AuthorizationServer: {
        "get": Operation(
            name="authorizationServer",
            summary="Metadata, by OAuth's name",
            description="RFC 8414. Found only at an issuer's own address, and not for Passage's tokens.",
            answers={200: Answer("What the issuer offers.", named("Metadata"), CACHED)},
            errors=PUBLIC,
            security=(security.NOTHING,),
        )
    },
}
