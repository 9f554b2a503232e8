import os
import stat
from pathlib import Path

import pytest

from tests.stack.checkout import made, python

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


# Any account will do, as long as it is one: PostgreSQL looks its own user's name up.
SOMEBODY = 1


def _permissions(folder: Path) -> list[tuple[int, int, int]]:
    return [(found.st_mode, found.st_uid, found.st_gid) for found in map(Path.stat, [folder, *folder.parents])]


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_no_folder_above_changes_its_permissions(mode: int) -> None:
    with made(mode=mode) as checkout:
        before = _permissions(checkout.folder)
        with checkout.held():
            assert checkout.answers("postgresql")
        assert _permissions(checkout.folder) == before


def test_only_the_owner_reads_secrets_and_reaches_the_sockets() -> None:
    with made() as checkout, checkout.held():
        sockets = Path(checkout.ask("stack_places.sockets()"))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        for name in ("secrets.json", "start.lock", "postgresql.users"):
            assert stat.S_IMODE((checkout.folder / "var" / name).stat().st_mode) == 0o600


def test_a_path_too_long_for_a_socket_works() -> None:
    with made(below="/".join(["a deep and spacious folder"] * 5)) as checkout, checkout.held():
        assert checkout.answers("postgresql")
        assert checkout.answers("valkey")


@needs_root
def test_it_works_for_an_ordinary_user() -> None:
    if not Path(python(SOMEBODY)).exists():
        pytest.skip("no Python of this version that an ordinary user can reach")
    with made(user=SOMEBODY) as checkout, checkout.held():
        server = checkout.pid("postgresql")
        assert server is not None
        assert Path(f"/proc/{server}").stat().st_uid == SOMEBODY


def test_a_given_database_without_secrets_is_refused_and_nothing_is_made_up() -> None:
    with made() as checkout:
        process = checkout.start(
            "manage.py", "check", DATABASE_URL="postgres://a@localhost/b", REDIS_URL="redis://localhost"
        )
        text, _ = process.communicate(timeout=30)
        assert process.returncode != 0
        assert "SECRET_KEY" in text
        assert not (checkout.folder / "var").exists()


def test_two_processes_at_once_agree_on_the_secrets() -> None:
    show = "import os; from config import stack; stack.supply(os.environ); print(os.environ['ENCRYPTION_KEYS'])"
    with made() as checkout:
        started = [checkout.start("-c", show) for _ in range(8)]
        assert len({process.communicate(timeout=30)[0] for process in started}) == 1
