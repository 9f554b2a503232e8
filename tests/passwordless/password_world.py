"""A world in the words of ZeroMagic's password endpoints, and its mailed links as a reader's browser has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from apps.users.models import EndUser, Identifier
from tests.world import World, build, client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

ADA = "ada@example.com"
P, Q, R = "correct horse battery", "purple monkey dishwasher", "yellow submarine 1966"
FORM = "application/x-www-form-urlencoded"


class PasswordWorld(World):
    def sign_up_with(self, password: str = P, email: str = ADA, **more: object) -> Answer:
        return self.post("email-password-signup", {"email": email, "password": password, **more})

    def log_in_with(self, password: str = P, email: str = ADA) -> Answer:
        return self.post("email-password-login", {"email": email, "password": password})

    def ask_for_reset(self, email: str = ADA) -> Answer:
        return self.post("email-password-reset", {"email": email})

    def link(self, email: str = ADA) -> str:
        """The newest one."""
        return str(self.mailbox(email)[0]["link"])

    def has_password(self, password: str, email: str = ADA) -> bool:
        return self.log_in_with(password, email).status_code == 200

    def confirmed(self, email: str = ADA, password: str = P) -> None:
        """Somebody with a password and a proved address."""
        self.sign_up_with(password, email, is_verification=True)
        assert follow(self.link(email)).status_code == 200

    def person(self, email: str = ADA) -> EndUser:
        return EndUser.objects.for_environment(self.environment).get(identifiers__value=email)

    def identifier(self, value: str = ADA) -> Identifier | None:
        return Identifier.objects.for_environment(self.environment).filter(value=value).first()

    def change(self, **policy: object) -> None:
        for name, value in policy.items():
            setattr(self.environment, name, value)
        self.environment.save()


def password_world(**policy: Any) -> PasswordWorld:
    world = build(**policy)
    return PasswordWorld(world.environment, world.app_key, world.messages_key)


def look(link: str, **headers: str) -> Answer:
    url = urlsplit(link)
    answer: Answer = client().get(f"{url.path}?{url.query}", headers=headers)
    return answer


def follow(link: str, **fields: str) -> Answer:
    """Press a button of the page: what its form sends."""
    body = urlencode({"token": token(link), **fields})
    answer: Answer = client().post(urlsplit(link).path, body, content_type=FORM)
    return answer


def token(link: str) -> str:
    return parse_qs(urlsplit(link).query)["token"][0]
