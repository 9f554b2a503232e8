import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = (
    "start",
    "verify",
    "refresh",
    "waiting for the mail",
    "flows per second",
    "errors",
    "CPU ms, together",
    "floor",
    "to the floor",
)
PROCESSES = tuple(f"CPU ms, {name}" for name in ("web", "worker", "postgresql", "valkey", "generator"))


def test_the_short_bench_runs_without_errors_and_prints_one_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--short"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= 40
    assert max(len(line) for line in lines) <= 120
    for row in (*ROWS, *PROCESSES):
        assert any(line.startswith(row) for line in lines), done.stdout
    assert next(line.split()[1:] for line in lines if line.startswith("errors")) == ["0", "0", "0"]
