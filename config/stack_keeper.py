"""`python -m config.stack_keeper NAME` keeps one of the checkout's own servers until its last user is gone.

A user is a process with a shared lock on var/NAME.users (config/stack.py). The keeper is one process per server, with
an exclusive lock on var/NAME.keeper for its life. It restarts a server that dies, adopts one whose keeper was killed,
and stops it cleanly at the end.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from config import stack_servers
from config.stack_places import VAR, StackError, make_home, open_lock

_PULSE = 0.2
# Two commands in a row (`manage.py migrate && manage.py run`) should not stop and start the servers in between.
_LINGER = 0.7
_PATIENCE = 15.0
_ATTEMPTS = 4


class Keeper:
    def __init__(self, name: str, lock: IO[str]) -> None:
        self.server = stack_servers.SERVERS[name]()
        self.lock = lock
        self.users = open_lock(f"{name}.users")
        self.failure = VAR / f"{name}.failure"
        self.process: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None

    def run(self) -> None:
        try:
            while not self._is_deserted():
                if not self._is_running():
                    self._start()
                time.sleep(_PULSE)
        except (StackError, OSError) as error:
            self.failure.write_text(f"{self.server.name}: {error} Its log is {self.server.log}.")
        finally:
            self._stop()

    def _is_deserted(self) -> bool:
        """True with the lock held, so that a newcomer waits until the server is down and then starts a new keeper."""
        if not _is_same_file(self.lock, VAR / f"{self.server.name}.keeper"):
            return True  # Somebody deleted var/: whoever comes next has another keeper.
        if not self._try_alone():
            return False
        fcntl.flock(self.users, fcntl.LOCK_UN)
        time.sleep(_LINGER)
        return self._try_alone()

    def _try_alone(self) -> bool:
        try:
            fcntl.flock(self.users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _is_running(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return self.pid is not None and _is_ours(self.pid, self.server.mark)

    def _start(self) -> None:
        for attempt in range(_ATTEMPTS):
            # A second start can meet the dying children of a killed server, which still own its shared memory.
            time.sleep(0.3 * attempt)
            if self._adopt() or self._launch():
                self.server.arrange()
                return
        raise StackError("The server does not start.")

    def _adopt(self) -> bool:
        """Take over a server that lost its keeper, without a pause for its clients; end one that does not answer."""
        pid = _recorded_pid(self.server.pid_file)
        if pid is None or not _is_ours(pid, self.server.mark):
            return False
        self.process, self.pid = None, pid
        if self.server.accepts():
            return True
        self._stop()
        return False

    def _launch(self) -> bool:
        command = self.server.prepare()
        with self.server.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - a program out of our own virtualenv.
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **stack_servers.identity()
            )
        self.pid = self.process.pid
        deadline = time.monotonic() + _PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.server.accepts():
                return True
            time.sleep(0.02)
        self._stop()
        return False

    def _stop(self) -> None:
        for number in self.server.stop_signals:
            if self.pid is None or not self._is_running():
                break
            os.kill(self.pid, number)
            self._wait(_PATIENCE)
        self.process, self.pid = None, None

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self._is_running() and time.monotonic() < deadline:
            time.sleep(0.02)


def _is_same_file(file: IO[str], path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _recorded_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_ours(pid: int, mark: str) -> bool:
    """Whether the process is the server that was started with this argument; a zombie has no arguments left."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return not Path("/proc/self").exists() and _shows(pid, mark)


def _shows(pid: int, mark: str) -> bool:
    """The same question where there is no /proc, as on macOS."""
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S603, S607
    return f" {mark} " in f" {shown.stdout.decode().strip()} "


def _take_over(name: str) -> IO[str]:
    """Lock var/NAME.keeper, then leave the starter behind: it returns when the lock is held, and we outlive it."""
    lock = open_lock(f"{name}.keeper")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(0) from None
    if os.fork():
        os._exit(0)
    return lock


def main(name: str) -> None:
    make_home()
    lock = _take_over(name)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Keeper(name, lock).run()


if __name__ == "__main__":
    main(sys.argv[1])
