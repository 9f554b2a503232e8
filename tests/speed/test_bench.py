import subprocess
import sys
from pathlib import Path

import pytest

from bench import better_auth
from bench.relay import Conversation, Tally

ROOT = Path(__file__).resolve().parents[2]
COSTS = tuple(f"CPU ms, {name}" for name in ("web", "worker", "postgresql", "valkey", "together", "generator"))
ROWS = ("start", "verify", "refresh", "waiting for the mail", "flows per second", "errors", "memory", "an empty app")
BESIDE = ("Latchkey, web + worker", "floor", "the same by pgbench", "the generator against", "to the floor")

STARTUP = bytes([0, 0, 0, 8, 0, 3, 0, 0])
SYNC = b"S\x00\x00\x00\x04"
EXECUTE = b"E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
READY = b"Z\x00\x00\x00\x05I"


def test_the_short_bench_runs_without_errors_and_prints_one_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--short"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 40
    assert max(len(line) for line in lines) <= 120
    for row in (*ROWS, *COSTS, *BESIDE):
        assert any(line.startswith(row) for line in lines), done.stdout
    assert next(line.split()[1:] for line in lines if line.startswith("errors")) == ["0", "0", "0"]


def test_statements_that_are_sent_together_are_one_round_trip() -> None:
    tally = tally_of([STARTUP], [EXECUTE + EXECUTE + SYNC], [EXECUTE + SYNC])
    assert (tally.statements, tally.round_trips) == (3, 3)


def test_a_message_in_two_pieces_is_one_statement_and_one_round_trip() -> None:
    tally = tally_of([STARTUP], [EXECUTE[:3], EXECUTE[3:] + SYNC])
    assert (tally.statements, tally.round_trips) == (1, 2)


def test_without_node_the_peer_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "Node.js" in better_auth.missing()


def tally_of(*turns: list[bytes]) -> Tally:
    """What is counted when the client says these things and is answered after each list of them."""
    tally = Tally()
    conversation = Conversation(tally, is_sql=True)
    for turn in turns:
        for data in turn:
            conversation.ask(data)
        conversation.answer(READY)
    return tally
