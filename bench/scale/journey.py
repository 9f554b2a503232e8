"""One person's way through everything that is hot, in this process: for counting pages, not for measuring time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bench.scale.explain import Explained, explaining
from tests.world import World, deliver_due

Steps = Mapping[str, list[Explained]]


def walk(world: World, label: str) -> Steps:
    """The statements of each step, explained. The world captures its messages, and its people may sign up."""
    return Journey(world, f"{label}@example.com").walk()


class Journey:
    def __init__(self, world: World, email: str) -> None:
        self._world = world
        self._email = email
        self._tokens: dict[str, Any] = {}
        self._steps: dict[str, list[Explained]] = {}

    def walk(self) -> Steps:
        world, email = self._world, self._email
        self._step("sign-up", lambda: world.sign_up(email), 201)
        self._step("delivery", deliver_due)
        self._step("captured messages", self._read_code)
        self._step("wrong code", lambda: world.verify(email, self._other(self._code)), 400)
        self._step("verify, new", self._verify)
        self._step("refresh", lambda: world.refresh(self._tokens["refresh_token"]), 200)
        self._step("userinfo", lambda: world.get("userinfo", bearer=self._tokens["access_token"]), 200)
        self._step("revoke", lambda: world.revoke(self._tokens["refresh_token"]), 200)
        self._step("log-in", lambda: world.log_in(email), 200)
        deliver_due()
        self._read_code()
        self._step("verify, known", self._verify)
        return self._steps

    def _step(self, name: str, act: Callable[[], Any], status: int | None = None) -> None:
        with explaining() as self._steps[name]:
            answer = act()
        assert status is None or answer.status_code == status, (name, answer.status_code, answer.content)

    def _read_code(self) -> None:
        messages = self._world.get("dev/messages", bearer=self._world.messages_key, recipient=self._email)
        self._code = str(messages.json()["messages"][0]["code"])

    def _verify(self) -> None:
        answer = self._world.verify(self._email, self._code)
        assert answer.status_code == 200, answer.content
        self._tokens = answer.json()

    @staticmethod
    def _other(code: str) -> str:
        return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
