"""The parent's hand on the generator, which is a process of its own (bench/traffic)."""

from __future__ import annotations

import json
import sys
from typing import Any, Self

from bench import children
from bench.targets import Order, Round
from config.stack_places import BASE_DIR


class Generator:
    """Runs from `with` to the end of it."""

    def __enter__(self) -> Self:
        self._process = children.converse([sys.executable, "-m", "bench.traffic"], cwd=BASE_DIR)
        ports = self._hear()
        self.mail_url = f"smtp://127.0.0.1:{ports['mail']}"
        self.lines_port: int = ports["lines"]
        return self

    def __exit__(self, *_: object) -> None:
        children.end(self._process)

    def run(self, order: Order) -> Round:
        """Returns when the last person has gone the whole way, or has failed."""
        self._say(order.as_json())
        return Round(**self._hear())

    def _say(self, told: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("The generator has ended by itself.")
        told: dict[str, Any] = json.loads(line)
        return told
