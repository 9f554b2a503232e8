"""Runs web, worker and beat side by side under one terminal: names their lines, restarts what dies, stops all."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

from config.stack_places import BASE_DIR

_PULSE = 0.1
_GRACE = 10.0
# A child that lived this long was well; its next death starts the back-off anew.
_WELL = 20.0
_LONGEST_PAUSE = 30.0
_WORRYING = 3


def say(name: str, line: str) -> None:
    sys.stdout.write(f"{name:<8}| {line}\n")
    sys.stdout.flush()


class Child:
    """One process, and what is known about its deaths."""

    def __init__(self, name: str, command: list[str]) -> None:
        self.name = name
        self.command = command
        self.deaths = 0
        self.start()

    def start(self) -> None:
        """Always from the main thread: the kernel's notice of a dead parent is tied to the thread that forked."""
        self.started = time.monotonic()
        self.restart_at: float | None = None
        self.process = subprocess.Popen(  # noqa: S603 - our own commands.
            [sys.executable, "-m", "config.leash", str(os.getpid()), *self.command],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C reaches the supervisor alone, which then stops the children in good order.
        )
        threading.Thread(target=_relay, args=(self.name, self.process.stdout), daemon=True).start()

    def tend(self) -> None:
        if self.process.poll() is None:
            return
        if self.restart_at is None:
            self._mourn()
        elif time.monotonic() >= self.restart_at:
            self.start()

    def _mourn(self) -> None:
        lived = time.monotonic() - self.started
        self.deaths = 1 if lived > _WELL else self.deaths + 1
        pause = min(0.25 * 2**self.deaths, _LONGEST_PAUSE)
        self.restart_at = time.monotonic() + pause
        self.signal(signal.SIGKILL)  # What it left behind, such as granian's workers, would keep the port.
        say(self.name, f"ended with status {self.process.returncode}; starting it again in {pause:.1f} s")
        if self.deaths >= _WORRYING:
            say(self.name, f"has died {self.deaths} times in a row: the lines above should tell why")

    def signal(self, number: signal.Signals) -> None:
        """To the child alone while it can pass the news on itself, to its whole group to make an end."""
        try:
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        except (ProcessLookupError, PermissionError):  # macOS says the latter about a group of zombies.
            return


class Supervisor:
    def __init__(self, commands: dict[str, list[str]]) -> None:
        self.commands = commands
        self.stops = 0

    def run(self, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Until a signal says stop. `on_ready` is called once, as soon as `is_ready` is true."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup wants us to go on.
                signal.signal(number, self._ask_to_stop)
        children = [Child(name, line) for name, line in self.commands.items()]
        announced = False
        while not self.stops:
            for child in children:
                child.tend()
            if not announced and is_ready():
                announced = True
                on_ready()
            time.sleep(_PULSE)
        self._stop(children)

    def _ask_to_stop(self, *_: object) -> None:
        self.stops += 1

    def _stop(self, children: list[Child]) -> None:
        say("latchkey", "stopping")
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        # A second Ctrl-C means now.
        while (
            any(child.process.poll() is None for child in children) and time.monotonic() < deadline and self.stops == 1
        ):
            time.sleep(_PULSE)
        for child in children:
            child.signal(signal.SIGKILL)
            child.process.wait()


def _relay(name: str, stream: IO[bytes]) -> None:
    for line in stream:
        say(name, line.decode(errors="replace").rstrip())
