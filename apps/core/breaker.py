"""Remember that something is away, so that only one request in a while pays for finding out again."""

import threading
import time


class Breaker:
    """Closed, it lets every call try; after a failure it is open for `cool_down` seconds and nobody tries.

    When the time is over one caller tries again while the others still go without: a frozen server costs one caller
    one time-out, not every thread of the process.
    """

    def __init__(self, cool_down: float = 5.0) -> None:
        self.cool_down = cool_down
        self._open_until = 0.0
        self._lock = threading.Lock()

    def allows(self) -> bool:
        if not self._open_until:
            return True
        with self._lock:
            if time.monotonic() < self._open_until:
                return False
            self._open_until = time.monotonic() + self.cool_down
            return True

    def failed(self) -> None:
        self._open_until = time.monotonic() + self.cool_down

    def succeeded(self) -> None:
        self._open_until = 0.0
