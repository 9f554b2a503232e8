"""CPU time and memory of processes with all their children, out of /proc."""

import os
import time
from collections.abc import Collection, Mapping
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
# Positions behind the command's name in /proc/<pid>/stat (proc(5) counts from 1 and the state is its field 3).
_PARENT = 1
_TIMES_OF_ENDED_CHILDREN = slice(13, 15)
# What clock_getcpuclockid(3) would give for a process, which Python does not offer: CPUCLOCK_SCHED of the kernel.
_CPU_CLOCK = 2


def cpu(pids: Mapping[str, int]) -> dict[str, float]:
    """Milliseconds by name since each process began, its living and its ended children included."""
    stats = _stats()
    return {name: sum(_spent(each, stats[each]) for each in _tree(pid, stats)) for name, pid in pids.items()}


def alone(pids: Collection[int]) -> float:
    """The same for these processes together, without what they started."""
    stats = _stats()
    return sum(_spent(pid, stats[pid]) for pid in pids if pid in stats)


def memory(pids: Mapping[str, int], without: Collection[int] = ()) -> dict[str, float]:
    """MB by name: PSS, so that what several processes share is counted once."""
    stats = _stats()
    trees = {name: set(_tree(pid, stats)).difference(without) for name, pid in pids.items()}
    return {name: sum(map(_pss, tree)) for name, tree in trees.items()}


def _stats() -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It ended between the two lines.
    return found


def _tree(root: int, stats: Mapping[int, list[str]]) -> list[int]:
    children = [pid for pid, fields in stats.items() if int(fields[_PARENT]) == root]
    return [root, *(each for child in children for each in _tree(child, stats))]


def _spent(pid: int, fields: list[str]) -> float:
    """The kernel's clock in nanoseconds, and in ticks of 10 ms what ended children leave on the bill."""
    try:
        own = time.clock_gettime(~pid << 3 | _CPU_CLOCK) * 1000
    except OSError:
        return 0.0  # It ended a moment ago.
    return own + sum(int(field) for field in fields[_TIMES_OF_ENDED_CHILDREN]) * _TICK_MS


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
