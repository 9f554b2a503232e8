"""A CPU for each web process.

The threads of a process take turns at Python, so it has never use for two CPUs; left alone they still move from one to
the other, each time into caches that know nothing of them, and wake each other across. Held to one, a web process
checks a token with a fifth less CPU (bench/README.md).
"""

import fcntl
import os


def share_out(processes: int) -> None:
    """Hold each process that is forked from now on to a CPU of its own, where there are just as many of both.

    Nowhere else, because the CPUs are others' too: ten containers on one large machine would all take its first two.
    """
    # A Python that was built for old systems may lack the second on Linux too.
    if not hasattr(os, "sched_getaffinity") or not hasattr(os, "memfd_create"):
        return
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) == processes:
        claims = os.memfd_create("cpus")
        os.register_at_fork(after_in_child=lambda: _take_one(cpus, claims))


def _take_one(cpus: list[int], claims: int) -> None:
    """The first that is free: a lock ends with its process, so whoever takes the place of a dead one gets its CPU."""
    for place, cpu in enumerate(cpus):
        try:
            fcntl.lockf(claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            continue
        os.sched_setaffinity(0, {cpu})
        return
