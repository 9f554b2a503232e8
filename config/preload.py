"""`python -m config.preload OPTIONS... MODULE:APPLICATION` is granian with the application imported before it forks.

Its worker processes then share that memory: 45 MB less with two of them. So nothing that config.wsgi imports may start
a thread or connect to anything; both happen at the first request. Where Python does not fork, each process imports it
anyway.
"""

import sys
from importlib import import_module

from granian.cli import entrypoint

from config import cpus

if __name__ == "__main__":
    import_module(sys.argv[-1].partition(":")[0])
    cpus.share_out(int(sys.argv[sys.argv.index("--workers") + 1]))
    entrypoint()  # type: ignore[no-untyped-call]
