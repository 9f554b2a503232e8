"""Where the checkout's own servers live and as whom they run.

Everything here follows from the checkout's path and from who asks, so that every process finds the same places without
asking another one. Only folders made here are ever given an owner or a mode: a home folder of 0700 stays as it is.
"""

import hashlib
import os
import pwd
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = BASE_DIR / "var"
LOGS = VAR / "log"
_MARK = hashlib.sha256(str(BASE_DIR).encode()).hexdigest()[:12]

# The kernel takes 107 bytes for the path of a Unix socket, of which PostgreSQL's file name needs 15.
_LONGEST_FOLDER = 107 - len("/.s.PGSQL.5432")


class StackError(RuntimeError):
    """The servers cannot be had; the text is meant for the person at the terminal."""


@dataclass(frozen=True)
class Account:
    """The user that the servers run as. PostgreSQL refuses to run as root, so for root that is `nobody`."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()


def account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def open_to_others(path: Path) -> bool:
    """Whether any user can reach and read `path` (a folder that is still to be made counts as reachable)."""
    if path.exists() and not path.is_dir() and not path.stat().st_mode & stat.S_IROTH:
        return False
    folders = [path, *path.parents] if path.is_dir() else list(path.parents)
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders if folder.exists())


def home() -> Path:
    """The folder of data and sockets: var/, or a folder of its own when root's servers could not get into var/."""
    if not account().is_other or open_to_others(VAR):
        return VAR
    return next(path for path in (Path("/var/lib"), Path("/var/db"), Path("/")) if path.is_dir()) / f"latchkey-{_MARK}"


def sockets() -> Path:
    """The folder of the sockets. A path that is too long, or that a URL would have to quote, has a short stand-in.

    /tmp rather than $TMPDIR: two terminals with different $TMPDIR must find the same sockets.
    """
    folder = home() / "run"
    if len(os.fsencode(folder)) <= _LONGEST_FOLDER and re.fullmatch(r"[A-Za-z0-9/._-]+", str(folder)):
        return folder
    return Path("/tmp") / f"latchkey-{os.geteuid()}-{_MARK}"  # noqa: S108 - make_private() trusts no stranger's folder.


def make_var() -> None:
    """var/ itself is crossable by the servers' user when that is another one; what is private in it says so itself."""
    _make(VAR, 0o711 if account().is_other else 0o700)


def make_home() -> None:
    make_var()
    _make(LOGS, 0o700)
    _make(home(), 0o711)


def make_private(folder: Path) -> None:
    """A 0700 folder of the servers' user. Raises StackError for an existing one that others own or can enter."""
    owner = account()
    _make(folder, 0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner.uid, os.geteuid()) or found.st_mode & 0o077:
        raise StackError(f"{folder} is not a private folder of user {owner.uid}: remove it, or run as its owner.")
    if found.st_uid != owner.uid:  # As root, after a crash between the two steps as well as the first time.
        os.chown(folder, owner.uid, owner.gid)


def open_lock(name: str) -> IO[str]:
    """A file of var/ to be locked. 0600: whoever may open it may lock it, and so keep everybody waiting."""
    return os.fdopen(os.open(VAR / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")


def _make(folder: Path, mode: int) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    except OSError as error:
        raise StackError(f"{folder} cannot be made: {error.strerror}.") from error
    folder.chmod(mode)  # mkdir() leaves out what the umask forbids.
