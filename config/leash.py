"""`python -m config.leash PARENT COMMAND...` becomes the command, and is ended by the kernel when its parent dies.

Without it a kill -9 of the supervisor would leave a web server behind that keeps the port. Only Linux can do that;
elsewhere the command simply runs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == parent:  # It may have died before the line above.
        os.execv(command[0], command)  # noqa: S606 - no shell is the point.


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
