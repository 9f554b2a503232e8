"""Web processes and CPUs."""

import os
import subprocess
import sys

import pytest

# Elsewhere than on Linux nobody can be held to a CPU.
EVERYWHERE: list[int] = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
CPUS = len(EVERYWHERE)
# As granian does it: forks, and a fork more for one that died.
SCRIPT = """
import os, sys
from config import cpus

def fork(ends):
    told, tell = os.pipe()
    lives, end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(end)
        os.write(tell, repr(sorted(os.sched_getaffinity(0))).encode())
        if not ends:
            os.read(lives, 1)
        os._exit(0)
    answer = os.read(told, 1000).decode()
    if ends:
        os.waitpid(pid, 0)
    return answer, end

cpus.share_out(int(sys.argv[1]))
held = [fork(ends=False) for _ in range(int(sys.argv[1]) - 1)]
print(*[fork(ends=True)[0] for _ in range(2)], *[answer for answer, _ in held], sep=";")
"""


def held_to(processes: int) -> list[list[int]]:
    """The CPUs of the last process, of the one that took its place, and of the others."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(processes)], capture_output=True, text=True, check=True, timeout=30
    )
    return [[int(cpu) for cpu in answer.strip("[]").split(",")] for answer in done.stdout.strip().split(";")]


@pytest.mark.skipif(CPUS < 2, reason="There are no two CPUs to share out.")
def test_each_has_one_of_its_own_and_whoever_takes_the_place_of_a_dead_one_has_that() -> None:
    last, after_it, *others = held_to(CPUS)
    assert last == after_it
    assert sorted([last, *others]) == [[cpu] for cpu in EVERYWHERE]


@pytest.mark.skipif(CPUS < 2, reason="There are no two CPUs to share out.")
@pytest.mark.parametrize("processes", [CPUS - 1, CPUS + 1])
def test_with_more_or_fewer_they_go_where_they_like(processes: int) -> None:
    assert held_to(processes) == [EVERYWHERE] * (processes + 1)
