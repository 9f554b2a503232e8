"""Sessions that a person's API key was traded for: they live no longer than the key, however it ends."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from apps.core.context import RequestContext
from apps.core.errors import InvalidGrant, InvalidRefreshToken
from apps.passwordless.bearer import Principal, dialect_client, require_alive
from apps.passwordless.people import lock
from apps.passwordless.redeem import open_session
from apps.passwordless.sessions import ClaimsOf, Client, Tokens, no_claims, sign
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens import jwt
from apps.tokens.api_keys import ApiKey, Scope
from apps.tokens.sessions import Named, Opened, Session
from apps.users.models import Person

LONGEST_SESSION = timedelta(days=30)


def person_client(environment: Environment) -> Client:
    """The client of whoever comes with a name and a password or code."""
    return Client(dialect_client(environment, "smtpd"), longest_session=LONGEST_SESSION)


def key_grant(key: Principal, *, context: RequestContext, claims_of: ClaimsOf = no_claims) -> Tokens:
    """Tokens for the owner of an API key; their earlier sessions of this kind end. Raises InvalidGrant.

    The session belongs to the key as its client, so nothing need be done about it when the key is revoked. Its scope
    is the least that acts for a person, whatever else the key may do.
    """
    limit(key.environment, "redeem", context)
    client = Client(key.client_id, longest_session=LONGEST_SESSION)
    backend = jwt.signer(key.environment, client.profile)
    with transaction.atomic():
        session = _open(key, client, context)
    if session is None:
        raise InvalidGrant
    return sign(key.environment, backend, session, session.refresh_token(), claims_of)


def _open(key: Principal, client: Client, context: RequestContext) -> Opened | None:
    # Locked, because two grants at once would each end what they see, and leave two sessions.
    if not lock(key.environment, key.user_id):
        return None
    require_alive(key)
    Session.objects.end_others(key.environment, person_client(key.environment), key.user_id)
    owner = Person(key.user_id, is_verified=True, is_disabled=False)
    return open_session(key.environment, client, owner, context, Scope.ACCOUNT)


def presented(environment: Environment, refresh_token: str) -> tuple[Client, Named]:
    """The client that a refresh token was given to, if it is one of this kind and may go on, and what the token names.
    Raises InvalidRefreshToken; junk costs no query."""
    named = Session.objects.named(environment, refresh_token)
    session, _token = named
    client = person_client(environment)
    if session.client_id == client.id:
        return client, named
    keys = ApiKey.objects.of_person(environment, session.user_id).usable()
    if keys.filter(client_id=session.client_id).exists():
        return Client(session.client_id, longest_session=LONGEST_SESSION), named
    raise InvalidRefreshToken
