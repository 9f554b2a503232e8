import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.checkout import Checkout, kill, made, parent_of, wait_until

SERVERS = ("postgresql", "valkey")


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with made() as checkout:
        yield checkout


def test_it_is_up_within_five_seconds_and_down_after_its_last_user(checkout: Checkout) -> None:
    started = time.monotonic()
    with checkout.held():
        assert time.monotonic() - started < 5
        assert [checkout.answers(server) for server in SERVERS] == [True, True]
    wait_until(lambda: not checkout.pid("postgresql") and not checkout.pid("valkey"))
    log = (checkout.folder / "var/log/postgresql.log").read_text()
    assert "database system is shut down" in log


def test_a_second_user_shares_it_and_outlives_the_first(checkout: Checkout) -> None:
    with checkout.held() as first:
        pids = [checkout.pid(server) for server in SERVERS]
        with checkout.held():
            kill(first.pid)
            time.sleep(1.5)
            assert [checkout.pid(server) for server in SERVERS] == pids
            assert checkout.answers("postgresql")


@pytest.mark.parametrize("server", SERVERS)
def test_a_killed_server_comes_back_while_it_is_held(checkout: Checkout, server: str) -> None:
    with checkout.held():
        before = checkout.pid(server)
        kill(before)
        wait_until(lambda: checkout.answers(server))
        assert checkout.pid(server) != before


def test_the_next_user_adopts_servers_whose_keeper_was_killed(checkout: Checkout) -> None:
    with checkout.held():
        pid = checkout.pid("postgresql")
        assert pid is not None
        kill(parent_of(pid))
        with checkout.held():
            assert checkout.pid("postgresql") == pid
    wait_until(lambda: not checkout.pid("postgresql"))


def test_it_starts_after_a_power_cut_even_when_a_stranger_has_the_old_pid(checkout: Checkout) -> None:
    with checkout.held() as user:
        server = checkout.pid("postgresql")
        assert server is not None
        for pid in (parent_of(server), server, user.pid):
            kill(pid)
    record = checkout.folder / "var/postgresql/postmaster.pid"
    record.write_text(record.read_text().replace(str(server), str(os.getpid()), 1))
    with checkout.held():
        assert checkout.answers("postgresql")


def test_a_half_made_database_is_made_anew(checkout: Checkout) -> None:
    (checkout.folder / "var").mkdir(mode=0o755)
    (checkout.folder / "var/postgresql.new").mkdir()
    (checkout.folder / "var/postgresql.new/PG_VERSION").write_text("18")
    with checkout.held():
        assert checkout.answers("postgresql")


def test_two_checkouts_do_not_disturb_each_other(checkout: Checkout) -> None:
    with made() as other, other.held():
        with checkout.held():
            assert checkout.pid("postgresql") != other.pid("postgresql")
            assert checkout.ask("stack.redis_url()") != other.ask("stack.redis_url()")
        wait_until(lambda: not checkout.pid("postgresql"))
        assert [other.answers(server) for server in SERVERS] == [True, True]


def test_a_server_that_cannot_start_is_explained_in_one_line_with_its_log(checkout: Checkout) -> None:
    with checkout.held():
        pass
    wait_until(lambda: not checkout.pid("postgresql"))
    Path(checkout.folder, "var/postgresql/PG_VERSION").write_text("17\n")
    user = checkout.start("-c", "from config import stack; stack.hold()")
    text, _ = user.communicate(timeout=60)
    assert user.returncode == 1
    assert "another version" in text
    assert "postgresql.log" in text
    assert "Traceback" not in text
