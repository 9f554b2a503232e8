"""What somebody of another environment could try at each route. A new route gets its line in CASES."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from apps.core import crypto
from tests.world import World, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

ADA, PHONE = "ada@example.com", "+14155550123"
# As Django writes the two roots, with their named groups.
KEY_ID = "(?P<key_id>[^/]+)"
PARAMETER = re.compile(r"\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True)
class Loot:
    """What somebody holds who belongs to another environment, or claims to hold."""

    project_id: UUID
    name: str
    environment_id: UUID
    app_key: str
    api_key: str
    access_token: str
    refresh_token: str
    passage_token: str
    otp_id: str
    code: str
    confirm_token: str
    reset_token: str
    person: str
    credentials: dict[str, str]
    """Of an OAuth client, whose own token and whose refresh token of Ada's are the next two."""
    client_token: str
    client_refresh_token: str
    owner_key: str
    """Ada's own API key, its id, a refresh token that it was traded for, and a code for another key."""
    key_id: str
    key_refresh_token: str
    key_code: str


@dataclass(frozen=True)
class Door:
    """A root of the environment that is tried, with its own rightful keys and token."""

    world: World
    access_token: str
    template: str
    credentials: dict[str, str]
    client_token: str

    def root(self, place: Loot | None = None) -> str:
        ours = self.world.environment
        project, name, own = (
            (place.project_id, place.name, place.environment_id) if place else (ours.project_id, ours.name, ours.id)
        )
        known = {"project_id": project.hex, "environment": name, "app_id": own.hex}
        path = PARAMETER.sub(lambda parameter: known[parameter[1]], self.template)
        return "/" + path.removeprefix("^").removesuffix("(?:/|$)").replace("\\.", ".") + "/"

    def post(
        self, route: str, body: Any, *, app_key: str | None = None, bearer: str = "", place: Loot | None = None
    ) -> Answer:
        """An empty `app_key` sends none."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else self.key(app_key)
        answer: Answer = client().post(self.root(place) + route, body, content_type="application/json", headers=headers)
        return answer

    def get(
        self, route: str, *, bearer: str = "", app_key: str = "", place: Loot | None = None, **query: str
    ) -> Answer:
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else self.key(app_key)
        answer: Answer = client().get(self.root(place) + route, query, headers=headers)
        return answer

    def delete(self, route: str, *, app_key: str | None = None, place: Loot | None = None, **query: str) -> Answer:
        url, headers = self.root(place) + route, self.key(app_key)
        answer: Answer = client().delete(url, query_params=query, headers=headers)
        return answer

    def put(self, route: str, *, bearer: str, place: Loot | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {bearer}"}
        answer: Answer = client().put(self.root(place) + route, headers=headers)
        return answer

    def key(self, app_key: str | None) -> dict[str, str]:
        sent = self.world.app_key if app_key is None else app_key
        return {"APP-KEY": sent} if sent else {}


Case = Callable[[Door, str, Loot], "Answer"]


def foreign_key(body: Callable[[Loot], dict[str, str]]) -> list[Case]:
    """The other side's APP-KEY at our address, and our APP-KEY at the other side's."""
    return [
        lambda door, route, loot: door.post(route, body(loot), app_key=loot.app_key),
        lambda door, route, loot: door.post(route, body(loot), place=loot),
    ]


def with_email(loot: Loot) -> dict[str, str]:
    return {"email": ADA}


def with_code(loot: Loot) -> dict[str, str]:
    return {"email": ADA, "otp_code": loot.code}


def with_mobile(loot: Loot) -> dict[str, str]:
    return {"country_code": "+1", "mobile": PHONE}


def with_mobile_code(loot: Loot) -> dict[str, str]:
    return {"mobile": PHONE, "otp_code": loot.code}


def with_refresh_token(loot: Loot) -> dict[str, str]:
    return {"refresh_token": loot.refresh_token}


def with_password(loot: Loot) -> dict[str, str]:
    return {"email": ADA, "password": "correct horse battery"}


def with_username(loot: Loot) -> dict[str, str]:
    return {"username": "ada_1", "password": "correct horse battery"}


def with_connection(loot: Loot) -> dict[str, str]:
    return {"connection_name": "google"}


def link_cases(field: str) -> list[Case]:
    """The other side's link at our address."""
    return [
        lambda door, route, loot: door.get(route, token=getattr(loot, field)),
        lambda door, route, loot: door.post(route, {"token": getattr(loot, field)}, app_key=""),
        lambda door, route, loot: door.post(
            route, {"token": getattr(loot, field), "password": "correct horse battery"}, app_key=""
        ),
    ]


def with_identifier(loot: Loot) -> dict[str, str]:
    return {"identifier": ADA}


def with_otp_id(loot: Loot) -> dict[str, str]:
    return {"otp": loot.code, "otp_id": loot.otp_id}


def with_passage_token(loot: Loot) -> dict[str, str]:
    return {"refresh_token": loot.passage_token}


def at_our_address_with(body: Callable[[Loot], dict[str, str]]) -> list[Case]:
    """With our own key, and without one where that is enough."""
    return [
        lambda door, route, loot: door.post(route, body(loot)),
        lambda door, route, loot: door.post(route, body(loot), app_key=""),
    ]


def by_client(body: Callable[[Loot], dict[str, str]]) -> list[Case]:
    """The other side's client at our address, ours at the other side's, and ours with what is the other side's."""
    return [
        lambda door, route, loot: door.post(route, {**body(loot), **loot.credentials}),
        lambda door, route, loot: door.post(route, {**body(loot), **door.credentials}, place=loot),
        lambda door, route, loot: door.post(route, {**body(loot), **door.credentials}),
    ]


def with_code_as_password(loot: Loot) -> dict[str, str]:
    return {"grant_type": "password", "username": ADA, "password": loot.code}


def with_client_refresh_token(loot: Loot) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": loot.client_refresh_token}


def own_grant(_loot: Loot) -> dict[str, str]:
    return {"grant_type": "client_credentials"}


def each_token() -> list[Case]:
    """The other side's tokens of every kind, presented by a client of ours and by its own."""
    names: tuple[str, ...] = ("access_token", "refresh_token", "client_token", "client_refresh_token", "api_key")
    names += ("owner_key", "key_refresh_token")
    return [case for name in names for case in by_client(lambda loot, name=name: {"token": getattr(loot, name)})]  # type: ignore[misc]


def by_key() -> list[Case]:
    return [
        lambda door, route, loot: door.post(route, {"token": loot.access_token}, bearer=loot.api_key),
        lambda door, route, loot: door.post(route, {"token": loot.access_token}, bearer=door.world.messages_key),
        lambda door, route, loot: door.post(route, {"token": "x"}, bearer=door.world.messages_key, place=loot),
    ]


def with_key_code(loot: Loot) -> dict[str, str]:
    return {"email": ADA, "code": loot.key_code}


def with_key_refresh_token(loot: Loot) -> dict[str, str]:
    return {"refresh_token": loot.key_refresh_token}


def with_name_and_code(loot: Loot) -> dict[str, str]:
    return {"username": ADA, "password": loot.code}


def with_owner_key(loot: Loot) -> dict[str, str]:
    return {"username": loot.owner_key, "password": ""}


def granting(grant: str, cases: list[Case]) -> list[Case]:
    return [lambda door, route, loot, case=case: case(door, f"{route}?grant_type={grant}", loot) for case in cases]  # type: ignore[misc]


def as_a_person(ask: Callable[[Door, str, str, Loot | None], Answer]) -> list[Case]:
    """With the other side's credentials at our address, and with ours at the other side's."""
    return [
        lambda door, route, loot: ask(door, route, loot.access_token, None),
        lambda door, route, loot: ask(door, route, loot.owner_key, None),
        lambda door, route, loot: ask(door, route, door.access_token, loot),
    ]


def one_key(ask: Callable[[Door, str, str, Loot | None], Answer]) -> list[Case]:
    """The other side's key by its id: with the credentials of all sides, ours at our own address among them."""

    def named(case: Case) -> Case:
        return lambda door, route, loot: case(door, route.replace(KEY_ID, loot.key_id), loot)

    ours: Case = lambda door, route, loot: ask(door, route, door.access_token, None)  # noqa: E731
    return [named(case) for case in (*as_a_person(ask), ours)]


def looked_at(door: Door, route: str, bearer: str, place: Loot | None) -> Answer:
    return door.get(route, bearer=bearer, place=place)


def put(door: Door, route: str, bearer: str, place: Loot | None) -> Answer:
    return door.put(route, bearer=bearer, place=place)


def made(door: Door, route: str, bearer: str, place: Loot | None) -> Answer:
    return door.post(route, {"name": "Key"}, bearer=bearer, place=place)


def at_their_address(door: Door, route: str, loot: Loot) -> Answer:
    """A public document, which is at one address only: parts of two addresses name nothing."""
    if "app_id" in door.template:
        return door.get(route, place=replace(loot, environment_id=loot.project_id))
    return door.get(route, place=replace(loot, project_id=crypto.new_id()))


CASES: dict[str, list[Case]] = {
    "email-otp-signup": foreign_key(with_email),
    "email-otp-login": [*foreign_key(with_email), *foreign_key(with_code), *at_our_address_with(with_code)],
    "email-otp-verify": [*foreign_key(with_code), *at_our_address_with(with_code)],
    "mobile-otp-signup": foreign_key(with_mobile),
    "mobile-otp-login": [
        *foreign_key(with_mobile),
        *foreign_key(with_mobile_code),
        *at_our_address_with(with_mobile_code),
    ],
    "mobile-otp-verify": [*foreign_key(with_mobile_code), *at_our_address_with(with_mobile_code)],
    "token/refresh": [*foreign_key(with_refresh_token), *at_our_address_with(with_refresh_token)],
    "token/revoke": [*foreign_key(with_refresh_token), *at_our_address_with(with_refresh_token)],
    "email-password-signup": foreign_key(with_password),
    "email-password-login": [*foreign_key(with_password), *at_our_address_with(with_password)],
    "email-password-reset": foreign_key(with_email),
    "username-password-signup": foreign_key(with_username),
    "username-password-login": [*foreign_key(with_username), *at_our_address_with(with_username)],
    "oauth": foreign_key(with_connection),
    "confirm-email": link_cases("confirm_token"),
    "reset-password": link_cases("reset_token"),
    "login/otp": foreign_key(with_identifier),
    "register/otp": foreign_key(with_identifier),
    "otp/activate": [*foreign_key(with_otp_id), *at_our_address_with(with_otp_id)],
    "tokens": [
        *foreign_key(with_passage_token),
        *at_our_address_with(with_passage_token),
        lambda door, route, loot: door.delete(route, refresh_token=loot.passage_token),
        lambda door, route, loot: door.delete(route, refresh_token=loot.passage_token, app_key=""),
        lambda door, route, loot: door.delete(route, refresh_token=loot.passage_token, app_key=loot.app_key),
        lambda door, route, loot: door.delete(route, refresh_token=loot.passage_token, place=loot),
    ],
    "": [
        lambda door, route, loot: door.get(route, app_key=loot.app_key),
        lambda door, route, loot: door.get(route, app_key=door.world.app_key, place=loot),
    ],
    "userinfo": [
        lambda door, route, loot: door.get(route, bearer=loot.access_token),
        lambda door, route, loot: door.get(route, bearer=loot.owner_key),
        lambda door, route, loot: door.get(route, bearer=door.access_token, place=loot),
    ],
    "dev/messages": [
        lambda door, route, loot: door.get(route, bearer=loot.api_key),
        lambda door, route, loot: door.get(route, bearer=door.world.messages_key, place=loot),
        lambda door, route, loot: door.get(route, bearer=door.world.messages_key, recipient=loot.person),
    ],
    # Our own client with its own grant is let in at our address: only the first two cross.
    "oauth/v2/token": [
        *by_client(with_code_as_password),
        *by_client(with_client_refresh_token),
        *by_client(own_grant)[:2],
    ],
    "oauth/v2/introspect": [*each_token(), *by_key()],
    "oauth/v2/revoke": [*each_token(), *by_key()],
    "otp/send": [
        *foreign_key(with_email),
        lambda door, route, loot: door.post(route, with_email(loot), bearer=loot.client_token),
        lambda door, route, loot: door.post(route, with_email(loot), bearer=loot.access_token),
        lambda door, route, loot: door.post(route, with_email(loot), bearer=door.client_token, place=loot),
    ],
    "plugin/auth/request-otp": foreign_key(with_email),
    "plugin/auth/verify-otp": [*foreign_key(with_key_code), *at_our_address_with(with_key_code)],
    "oauth/token": [
        *granting("password", [*foreign_key(with_name_and_code), *at_our_address_with(with_name_and_code)]),
        # At its own address a person's API key needs no APP-KEY, and none that comes with it is looked at.
        *granting("password", [foreign_key(with_owner_key)[0], *at_our_address_with(with_owner_key)]),
        *granting("refresh_token", foreign_key(with_key_refresh_token)),
        *granting("refresh_token", at_our_address_with(with_key_refresh_token)),
        *granting("refresh_token", at_our_address_with(with_refresh_token)),
    ],
    "oauth/revoke": [*foreign_key(with_key_refresh_token), *at_our_address_with(with_key_refresh_token)],
    "oauth/me": as_a_person(looked_at),
    "api/v1/account/api_key": [*as_a_person(looked_at), *as_a_person(made)],
    f"api/v1/account/api_key/{KEY_ID}": one_key(looked_at),
    f"api/v1/account/api_key/{KEY_ID}/revoke": one_key(put),
    ".well-known/jwks.json": [at_their_address],
    ".well-known/oauth-authorization-server": [at_their_address],
    ".well-known/openid-configuration": [at_their_address],
}
