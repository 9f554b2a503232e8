"""API keys that people own: minted for a code, made and revoked by their owners, and ended when nobody uses them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.audit.models import Event
from apps.challenges.models import Challenge, Purpose
from apps.core.context import RequestContext
from apps.core.errors import AuthError, CodeExpired, InvalidScope, InvalidToken, UnauthorizedClient
from apps.core.identifiers import Contact
from apps.passwordless.bearer import Principal, require_alive
from apps.passwordless.key_ends import end_key, record
from apps.passwordless.people import lock
from apps.passwordless.proof import prove
from apps.passwordless.start import limit
from apps.tenants.models import Environment
from apps.tokens.api_keys import PLATFORM_SCOPES, ApiKey, Scope
from apps.users.models import Person

# Of one person. Whoever reaches it is a runaway script, or has reinstalled a plug-in fifty times.
MOST_LIVE_KEYS = 50
MOST_SHOWN = 100
NAME_LENGTH = 100
REVOKED_AT_ONCE = 500


class RightCodeExpired(CodeExpired):
    """Told only to who knows the code: for everybody else a code that expired is a wrong one."""


class TooManyKeys(UnauthorizedClient):
    message = f"Nobody may have more than {MOST_LIVE_KEYS} API keys: revoke one first."


class UnknownKey(AuthError):
    message = "There is no such API key."


@dataclass(frozen=True, slots=True)
class Minted:
    """`secret` is here and nowhere after this."""

    key: ApiKey
    secret: str = field(repr=False)


class Owned(TypedDict):
    """What a key of a person has that one of a server has not."""

    user_id: uuid.UUID
    site_url: str
    expires_at: datetime | None


def redeem_for_key(
    environment: Environment, *, to: Contact, code: str, site_url: str, context: RequestContext
) -> Minted:
    """A new API key for the person whose code this is. Raises as `prove` does, and RightCodeExpired."""
    limit(environment, "redeem", context)
    attempt = Challenge.objects.check_code(environment, purpose=Purpose.API_KEY, identifier=to.value, code=code)
    try:
        return prove(environment, attempt, lambda person: _provide(environment, person, site_url, context))
    except CodeExpired:
        # Only once it opens nothing: while its challenge lives, knowing that a guess was right must be worth a key.
        if attempt.is_right and attempt.challenge.expires_at <= timezone.now():
            raise RightCodeExpired from None
        raise


def create_key(person: Principal, *, name: str, scopes: list[str] | None, context: RequestContext) -> Minted:
    """A new key of the same person. Raises InvalidScope for a scope that the caller has not itself: a credential
    hands on what it has, and no more. It hands on its end as well."""
    _require_account(person)
    limit(person.environment, "account", context)
    available = person.scopes - PLATFORM_SCOPES
    granted = available if scopes is None else frozenset(scopes)
    if not granted <= available:
        raise InvalidScope("A key cannot have a scope that its maker has not.")
    if person.live.email is not None and not person.live.email_verified:
        raise UnauthorizedClient("Prove the email address first.")
    with transaction.atomic():
        if not lock(person.environment, person.user_id):
            raise InvalidToken
        require_alive(person)
        mine = ApiKey.objects.of_person(person.environment, person.user_id).usable()
        if mine.count() >= MOST_LIVE_KEYS:
            raise TooManyKeys
        owned: Owned = {"user_id": person.user_id, "site_url": "", "expires_at": _end(person)}
        return _mint(person.environment, owned, name, sorted(granted), context, by="owner")


def keys_of(person: Principal) -> list[ApiKey]:
    """What this person has and had: first what is not revoked, the newest first."""
    _require_account(person)
    keys = ApiKey.objects.of_person(person.environment, person.user_id)
    return list(keys.order_by(F("revoked_at").desc(nulls_first=True), "-created_at")[:MOST_SHOWN])


def key_of(person: Principal, key_id: str) -> ApiKey:
    """Raises UnknownKey, also for a key of somebody else and for what is no id."""
    _require_account(person)
    return _found(ApiKey.objects.of_person(person.environment, person.user_id), key_id)


def revoke_key(person: Principal, key_id: str, context: RequestContext) -> ApiKey:
    """From the next request on the key opens nothing. Revoking twice changes nothing. Raises UnknownKey."""
    _require_account(person)
    with transaction.atomic():
        mine = ApiKey.objects.of_person(person.environment, person.user_id)
        key = _found(mine.select_for_update(), key_id)
        if key.revoked_at is None:
            end_key(person.environment, key, context, reason="owner")
    return key


def _found(keys: QuerySet[ApiKey], key_id: str) -> ApiKey:
    try:
        key = keys.filter(id=uuid.UUID(key_id)).first()
    except ValueError:
        raise UnknownKey from None
    if key is None:
        raise UnknownKey
    return key


def revoke_unused() -> int:
    """Revoke what was not used for longer than its environment allows; returns how many. It may run twice."""
    revoked = 0
    while True:
        with transaction.atomic():
            keys = ApiKey.objects.revoke_unused(REVOKED_AT_ONCE)
            for key in keys:
                record(key.environment, Event.Kind.API_KEY_REVOKED, key, None, {"reason": "unused"})
        revoked += len(keys)
        if len(keys) < REVOKED_AT_ONCE:
            return revoked


def _provide(environment: Environment, person: Person, site_url: str, context: RequestContext) -> Minted | None:
    """Inside the transaction that consumes the code: either both happen or neither."""
    if not lock(environment, person.user_id):
        return None
    _make_room(environment, person.user_id, context)
    name = (urlsplit(site_url).hostname or "Plug-in")[:NAME_LENGTH]
    owned: Owned = {"user_id": person.user_id, "site_url": site_url, "expires_at": None}
    return _mint(environment, owned, name, [Scope.ACCOUNT], context, by="code")


def _make_room(environment: Environment, user_id: uuid.UUID, context: RequestContext) -> None:
    """Whoever comes with a code may have no other way to revoke a key, so the one unused for longest goes."""
    keys = ApiKey.objects.of_person(environment, user_id).usable()
    excess = max(0, keys.count() - MOST_LIVE_KEYS + 1)
    for key in keys.unused_longest()[:excess]:
        end_key(environment, key, context, reason="superseded")


def _mint(
    environment: Environment, owned: Owned, name: str, scopes: list[str], context: RequestContext, *, by: str
) -> Minted:
    minted = Minted(*ApiKey.objects.mint(environment, name=name, scopes=scopes, **owned))
    record(environment, Event.Kind.API_KEY_CREATED, minted.key, context, {"by": by})
    return minted


def _require_account(person: Principal) -> None:
    if Scope.ACCOUNT not in person.scopes:
        raise UnauthorizedClient


def _end(person: Principal) -> datetime | None:
    """When the key ends that the caller came with, or that their session was opened with: a key that is to end shall
    not live on in one that it made."""
    keys = ApiKey.objects.of_person(person.environment, person.user_id).filter(client_id=person.client_id)
    usable = keys.usable().order_by(F("expires_at").desc(nulls_first=True))
    if keys.exists() and not usable.exists():
        raise InvalidToken  # It has ended since it was looked at.
    return usable.values_list("expires_at", flat=True).first()
