"""An environment in which people of four kinds are, or are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.challenges.models import Challenge
from apps.users.models import EndUser, Identifier
from tests.passwordless.ways import SIGN_IN, SIGN_UP, Way
from tests.world import World, build, forget_captured

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer


class Populated(World):
    """An environment with one person of each kind. Only unconcealed does a sign-up leave somebody unverified."""

    def __init__(self, way: Way, *, concealment: bool, **policy: object) -> None:
        world = build(concealment=False, allows_keyless_clients=True, default_region="IN")
        super().__init__(world.environment, world.app_key, world.messages_key)
        self.way = way
        self.unknown, self.known, self.unverified, self.disabled = self.people = way.people
        for person in (self.known, self.disabled):
            self.start(SIGN_UP, person)
            self.redeem(person, self.code(person))
        self.disable(self.disabled)
        self.start(SIGN_UP, self.unverified)
        self.end_codes()
        forget_captured(self)
        self.change(concealment=concealment, **policy)

    def change(self, **policy: object) -> None:
        for name, value in policy.items():
            setattr(self.environment, name, value)
        self.environment.save()

    def start(self, step: str, person: str) -> Answer:
        return self.way.start(self, step, person)

    def redeem(self, person: str, code: str) -> Answer:
        return self.way.redeem(self, person, code)

    def told_at_start(self, step: str, person: str) -> str:
        return repr(self.way.told(self.start(step, person), person))

    def told(self, answer: Answer) -> str:
        return repr(self.way.told(answer))

    def identifier(self, person: str) -> Identifier | None:
        return Identifier.objects.for_environment(self.environment).filter(value=person).first()

    def user_id(self, person: str) -> str | None:
        found = self.identifier(person)
        return str(found.user_id) if found else None

    def is_verified(self, person: str) -> bool:
        found = self.identifier(person)
        return found is not None and found.verified_at is not None

    def disable(self, person: str, *, now: bool = True) -> None:
        people = EndUser.objects.for_environment(self.environment).filter(identifiers__value=person)
        people.update(disabled_at=timezone.now() if now else None)

    def end_codes(self) -> None:
        self.mailbox(self.known)  # Nothing is left in the outbox, so that what follows sends nothing but its own.
        Challenge.objects.for_environment(self.environment).update(nonce=None, code_digest=None)

    def live_code(self, person: str) -> str:
        """The code of a live challenge, also of one that no message went out for."""
        live = Challenge.objects.for_environment(self.environment).filter(nonce__isnull=False)
        return live.get(identifier=person).code()

    def wrong(self, person: str) -> str:
        right = self.live_code(person)
        return str((int(right) + 1) % 10 ** len(right)).zfill(len(right))

    def used(self, person: str) -> Answer:
        self.start(SIGN_IN if self.identifier(person) else SIGN_UP, person)
        code = self.live_code(person)
        assert self.redeem(person, code).status_code == 200
        return self.redeem(person, code)

    def expired(self, person: str) -> Answer:
        self.start(SIGN_IN, person)
        code = self.live_code(person)
        Challenge.objects.for_environment(self.environment).update(expires_at=timezone.now())
        return self.redeem(person, code)

    def statements(self, step: str, person: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            self.start(step, person)
        return len(captured)
