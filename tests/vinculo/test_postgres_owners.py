"""The embedded PostgreSQL among processes: who owns it, joins it, inherits it."""

import os
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.vinculo.embedded import (
    Start,
    announced,
    another_process,
    kept,
    wait_until,
    write,
)
from vinculo.postgres import (
    EmbeddedPostgres,
)

pytestmark = pytest.mark.server


def test_another_process_joins_the_running_server_and_leaves_it_running(
    start: Start, server_folder: Path, binaries: Path
) -> None:
    owner = start()
    write(owner.conninfo, 1)
    with another_process(server_folder, binaries) as other:
        assert (owner.conninfo, "None") == announced(other)
        other.communicate("")
    assert [1] == kept(owner.conninfo)


def test_a_second_object_in_the_same_process_joins(
    start: Start,
) -> None:
    owner, guest = start(), start()
    assert guest.process_id is None
    guest.stop()
    write(owner.conninfo, 1)


def test_the_server_recovers_what_was_committed_after_it_was_killed(
    start: Start,
) -> None:
    server = start()
    write(server.conninfo, 1)
    killed = server.process_id
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{killed}").exists())
    server.start()
    assert killed != server.process_id
    assert [1] == kept(server.conninfo)


def test_the_server_is_shut_down_in_order_when_its_owner_is_killed(
    start: Start, server_folder: Path, binaries: Path
) -> None:
    with another_process(server_folder, binaries) as owner:
        conninfo, number = announced(owner)
        write(conninfo, 1)
        owner.kill()
    wait_until(lambda: not Path(f"/proc/{number}").exists())
    assert "database system is shut down" in (server_folder / "postgres.log").read_text()
    assert [1] == kept(start().conninfo)


def test_a_new_owner_waits_for_the_server_of_a_killed_one(
    start: Start, server_folder: Path, binaries: Path
) -> None:
    with another_process(server_folder, binaries) as owner:
        conninfo, _ = announced(owner)
        write(conninfo, 1)
        owner.kill()
        owner.wait()
        server = start()
    wait_until(lambda: bool(server.start()) and server.process_id is not None)
    assert [1] == kept(conninfo)


def serves(conninfo: str) -> bool:
    try:
        return bool(kept(conninfo))
    except psycopg.OperationalError:
        return False


@pytest.mark.parametrize("end", ["in order", "killed"])
def test_whoever_joined_takes_the_server_over_when_its_owner_ends(
    end: str, start: Start, server_folder: Path, binaries: Path
) -> None:
    with another_process(server_folder, binaries) as owner:
        conninfo, number = announced(owner)
        write(conninfo, 1)
        guest = start()
        assert guest.process_id is None
        owner.kill() if end == "killed" else owner.communicate("")
        owner.wait()
        wait_until(lambda: guest.process_id is not None)
    assert number != str(guest.process_id)
    wait_until(lambda: serves(conninfo))
    assert [1] == kept(conninfo)
    guest.stop()
    assert not serves(conninfo)


def test_of_two_that_joined_one_takes_over_and_the_other_goes_on(
    start: Start, server_folder: Path, binaries: Path
) -> None:
    owner = start()
    write(owner.conninfo, 1)
    with another_process(server_folder, binaries) as other:
        conninfo, _ = announced(other)
        guest = start()
        owner.stop()
        wait_until(lambda: serves(conninfo))
        if guest.process_id is None:
            other.communicate("")  # the other one has it, and hands it on in its turn
            wait_until(lambda: guest.process_id is not None)
        wait_until(lambda: serves(guest.conninfo))


def test_a_server_started_by_a_passing_thread_stays(
    start: Start,
) -> None:
    started: list[EmbeddedPostgres] = []
    passing = threading.Thread(target=lambda: started.append(start()))
    passing.start()
    passing.join()
    time.sleep(0.5)
    write(started[0].conninfo, 1)
