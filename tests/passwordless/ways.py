"""The ways in which a person signs in, each in the words of its contract, and four kinds of people who try."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt

from tests.dialects.passage_app import App
from tests.world import World

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

EMAILS = ("una@x.test", "kim@x.test", "pia@x.test", "dan@x.test")
PHONES = ("+919876500001", "+919876500002", "+919876500003", "+919876500004")
SIGN_UP, SIGN_IN = STEPS = ("sign up", "sign in")
Told = tuple[int, str]


@dataclass
class Way:
    """Of one length each, so that answers that hold an identifier can be compared in their length as well."""

    name: str
    people: tuple[str, str, str, str] = EMAILS
    stranger: str = "warm@x.test"
    # What is told about a known, a disabled and an unknown person where nobody is concealed, and of a closed sign-up.
    exists: Told = (409, "user_exists")
    disabled: Told = (403, "user_disabled")
    unknown: Told = (404, "user_not_found")
    closed: Told = (403, "sign_up_closed")
    # Guess after guess at one start, of which five are allowed.
    wrong: tuple[Told, ...] = ((400, "invalid_otp"),) * 6

    def start(self, world: World, step: str, person: str) -> Answer:
        path = "email-otp-signup" if step == SIGN_UP else "email-otp-login"
        return world.post(path, {"email": person})

    def redeem(self, world: World, person: str, code: str) -> Answer:
        return world.post("email-otp-verify", {"email": person, "otp_code": code})

    def started(self, person: str, user_id: str | None) -> dict[str, Any] | None:
        """What a start answers about somebody whose id is no secret; None where it says nothing of them."""
        return {"user_id": user_id, "email": person}

    def user_id(self, answer: Answer) -> str:
        return str(answer.json()["user_id"])

    def error(self, answer: Answer) -> Told:
        return answer.status_code, str(answer.json()["error"])

    def told(self, answer: Answer, person: str = "") -> tuple[int, dict[str, str], bytes]:
        """All of an answer, less what differs for everybody: the request's id, the identifier, and what is random."""
        headers = {name: value for name, value in answer.headers.items() if name not in {"X-Request-Id", "Date"}}
        body = answer.content
        for value in (person, self.submitted(person), *map(str, random_values(answer.json()))):
            body = body.replace(value.encode(), b"<>") if value else body
        return answer.status_code, headers, body

    def submitted(self, person: str) -> str:
        return person


def random_values(body: dict[str, Any]) -> list[str]:
    return [body[name] for name in ("user_id", "otp_id") if name in body]


class ByMobile(Way):
    def start(self, world: World, step: str, person: str) -> Answer:
        mobile = self.submitted(person)
        if step == SIGN_UP:
            return world.post("mobile-otp-signup", {"country_code": "+91", "mobile": mobile})
        return world.post("mobile-otp-login", {"mobile": mobile})

    def redeem(self, world: World, person: str, code: str) -> Answer:
        return world.post("mobile-otp-verify", {"mobile": self.submitted(person), "otp_code": code})

    def started(self, person: str, user_id: str | None) -> dict[str, Any]:
        return {"user_id": user_id, "mobile": self.submitted(person)}

    def submitted(self, person: str) -> str:
        return person.removeprefix("+91")


@dataclass
class ByPassage(Way):
    """Whoever tries a code names the start that it was sent for: here always the last one of that person."""

    handles: dict[tuple[str, str], str] = field(default_factory=dict)

    def start(self, world: World, step: str, person: str) -> Answer:
        answer = App(world).post("register/otp" if step == SIGN_UP else "login/otp", {"identifier": person})
        if "otp_id" in answer.json():
            self.handles[str(world.environment.id), person] = answer.json()["otp_id"]
        return answer

    def redeem(self, world: World, person: str, code: str) -> Answer:
        return App(world).activate(self.handles.get((str(world.environment.id), person), "never-given"), code)

    def started(self, person: str, user_id: str | None) -> None:
        return None

    def user_id(self, answer: Answer) -> str:
        token = answer.json()["auth_result"]["auth_token"]
        return str(jwt.decode(token, options={"verify_signature": False})["sub"])

    def error(self, answer: Answer) -> Told:
        body = answer.json()
        is_text = body["error"] == "user: already exists."
        return answer.status_code, body["error"] if is_text else body["code"]


def passage(name: str, people: tuple[str, str, str, str], stranger: str) -> ByPassage:
    return ByPassage(
        name,
        people,
        stranger,
        exists=(400, "user: already exists."),
        disabled=(403, "user_not_active"),
        closed=(403, "operation_not_allowed"),
        wrong=(*((400, "invalid_request"),) * 5, (401, "exceeded_attempts")),
    )


WAYS = [
    Way("ZeroMagic by email"),
    ByMobile("ZeroMagic by mobile", PHONES, "+919876500000"),
    passage("Passage by email", EMAILS, "warm@x.test"),
    passage("Passage by phone", PHONES, "+919876500000"),
]
