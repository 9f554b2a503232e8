"""Who stands behind a credential that is presented as Bearer: a person, by token or API key, or a client itself."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from apps.core.errors import InvalidToken
from apps.tenants.models import Address, Environment
from apps.tokens import jwt
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.oauth_clients import OAuthClient
from apps.tokens.sessions import Client, Live, Session
from apps.tokens.signing_keys import Profile
from apps.tokens.verified import Claims


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, and what the credential that came for them may do."""

    environment: Environment
    user_id: uuid.UUID
    client_id: uuid.UUID
    """Of a token, its session's; of an API key, its own."""
    scopes: frozenset[str]
    live: Live
    """Their address, which came along with the check."""
    session_id: uuid.UUID | None = None
    """None for an API key."""


def is_key(credential: str) -> bool:
    """Whether this can only be an API key: a JWT has dots (RFC 7519 section 3.1), and a key has none."""
    return "." not in credential


def principal(address: Address, credential: str, ip: str = "") -> Principal:
    """Who acts with this access token or API key: the one place that decides it. Raises InvalidToken, in one way for
    all that can be wrong, and for what belongs to no person. Junk keys cost no query, and a right one costs one."""
    if is_key(credential):
        key = ApiKey.objects.presented(credential, address, Scope.ACCOUNT, ip)
        if key.user_id is None:
            raise InvalidToken
        owner = Live(key.owner_email, key.owner_email_verified)
        return Principal(key.environment, key.user_id, key.client_id, frozenset(key.scopes), owner)
    person = Environment.objects.look(address, lambda environment: _person(environment, credential))
    if person is None:
        raise InvalidToken
    return person


def _person(environment: Environment, token: str) -> Principal | None:
    try:
        claims = jwt.read(environment, Profile.ACCESS, token)
        live = _live(environment, Profile.ACCESS, claims)
    except InvalidToken:
        return None
    if live is None:
        return None
    scopes = frozenset(claims.scope.split())
    if not scopes and not live.is_oauth_client:
        # A sign-in where scopes are unknown is the person's own: it may do all that they may.
        scopes = frozenset([Scope.ACCOUNT.value])
    return Principal(environment, claims.subject, claims.client_id, scopes, live, claims.session_id)


def require_alive(person: Principal) -> None:
    """Raises InvalidToken if what came for them has ended since it was looked at. Lock the person before: whoever shuts
    them out does so too, and may have been faster."""
    if person.session_id is not None:
        sessions = Session.objects.for_environment(person.environment)
        lives = sessions.filter(id=person.session_id, secret__isnull=False).exists()
    else:
        keys = ApiKey.objects.of_person(person.environment, person.user_id).usable()
        lives = keys.filter(client_id=person.client_id).exists()
    if not lives:
        raise InvalidToken


def client_environment(address: Address, access_token: str) -> Environment:
    """The environment at this address, for a client with a token of its own. Raises InvalidToken, also for a person's
    token and where there is nothing at this address."""
    environment = _environment(address)
    if check(environment, Profile.ACCESS, access_token).session_id is not None:
        raise InvalidToken
    return environment


def check(environment: Environment, profile: Profile, token: str) -> Claims:
    """A genuine access token of this environment and profile whose session, user and client are alive.

    Costs one statement; junk costs none. Raises InvalidToken, in one way for all that can be wrong.
    """
    claims = jwt.read(environment, profile, token)
    _live(environment, profile, claims)
    return claims


def check_session(environment: Environment, client: Client, session_id: uuid.UUID, user_id: uuid.UUID) -> Live:
    """Raises InvalidToken unless session, person and client are alive and belong together."""
    live = Session.objects.live(
        environment,
        client,
        session_id=session_id,
        user_id=user_id,
        client_is_known=_needs_no_key(environment, client.id),
        trades_keys=environment.password_grant,
    )
    if live is None:
        raise InvalidToken
    return live


def dialect_client(environment: Environment, dialect: str) -> uuid.UUID:
    """The client of a dialect whose callers are known by their person alone; no random id is ever the same."""
    return uuid.uuid5(environment.id, dialect)


def _environment(address: Address) -> Environment:
    """A token that is not valid here gets the same answer whether there is anything here or not."""
    environment = Environment.objects.at(address)
    if environment is None:
        raise InvalidToken
    return environment


def _live(environment: Environment, profile: Profile, claims: Claims) -> Live | None:
    """None for a live client's own token. Raises InvalidToken."""
    if claims.session_id is not None:
        return check_session(environment, Client(claims.client_id, profile), claims.session_id, claims.subject)
    clients = OAuthClient.objects.for_environment(environment).usable()
    if claims.subject != claims.client_id or not clients.filter(id=claims.client_id).exists():
        raise InvalidToken
    return None


def _needs_no_key(environment: Environment, client_id: uuid.UUID) -> bool:
    """Whether the environment serves this client without a key: nobody's in particular, or a dialect's own."""
    if client_id == environment.id:
        return environment.allows_keyless_clients
    return environment.password_grant and client_id == dialect_client(environment, "smtpd")
