"""The embedded PostgreSQL on real folders, processes and accounts."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.servers import distribution_binaries
from vinculo.postgres import (
    BinariesNotFoundError,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    StartFailedError,
    UnreachableFolderError,
    WrongVersionError,
    data_folder_for,
)
from vinculo.postgres.binaries import find_binaries
from vinculo.postgres.sockets import SOCKET_NAME, SOCKET_PATH_BYTES_MAX, socket_folder_for

pytestmark = pytest.mark.server

REPOSITORY = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down")

HOLD = """
import sys, time
from pathlib import Path
from vinculo.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), binaries=Path(sys.argv[2]))
print(server.start(), server.process_id, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def binaries() -> Path:
    """The programs under test: the wheel's, or the distribution's by VINCULO_TEST_POSTGRES."""
    version = os.environ.get("VINCULO_TEST_POSTGRES")
    return find_binaries(distribution_binaries(version) if version else None).folder


@pytest.fixture
def start(server_folder: Path, binaries: Path) -> Iterator[Callable[[], EmbeddedPostgres]]:
    """Starts a server on the test's folder; every one is stopped afterwards."""
    started: list[EmbeddedPostgres] = []

    def start_one() -> EmbeddedPostgres:
        server = EmbeddedPostgres(server_folder, binaries=binaries)
        started.append(server)
        server.start()
        return server

    yield start_one
    for server in started:
        server.stop()


@contextmanager
def another_process(folder: Path, binaries: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a server until its input ends; its first line has been read."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(binaries)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def announced(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The conninfo and the server's number (or None) that the other process printed."""
    assert process.stdout is not None
    conninfo, number = process.stdout.readline().split()
    return conninfo, number


def write(conninfo: str, value: int) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute("create table if not exists kept (value int)")
        connection.execute("insert into kept values (%s)", [value])


def kept(conninfo: str) -> list[int]:
    with psycopg.connect(conninfo) as connection:
        return [value for (value,) in connection.execute("select value from kept order by value")]


def setting(conninfo: str, name: str) -> str:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "expected it within the time given"
        time.sleep(0.02)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_committed_is_there_after_a_stop_and_a_start(
    start: Callable[[], EmbeddedPostgres],
) -> None:
    first = start()
    write(first.conninfo, 1)
    first.stop()
    assert [1] == kept(start().conninfo)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("max_wal_size", "8GB"),
        ("listen_addresses", ""),
        ("jit", "off"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_the_server_runs_with_the_settings_of_the_product(
    postgres_server: str, name: str, value: str
) -> None:
    if os.environ.get("DATABASE_URL"):
        pytest.skip("the server named by DATABASE_URL has settings of its own")
    assert value == setting(postgres_server, name)


def test_a_setting_of_the_operator_outranks_the_product_over_a_restart(
    start: Callable[[], EmbeddedPostgres],
) -> None:
    first = start()
    with psycopg.connect(first.conninfo, autocommit=True) as connection:
        connection.execute("alter system set max_wal_size = '2GB'")
    first.stop()
    assert setting(start().conninfo, "max_wal_size") == "2GB"


def test_only_the_server_s_account_can_enter_the_socket_s_folder(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    start()
    assert mode(socket_folder_for(server_folder)) == 0o700


def test_another_process_joins_the_running_server_and_leaves_it_running(
    start: Callable[[], EmbeddedPostgres], server_folder: Path, binaries: Path
) -> None:
    owner = start()
    write(owner.conninfo, 1)
    with another_process(server_folder, binaries) as other:
        assert (owner.conninfo, "None") == announced(other)
        other.communicate("")
    assert [1] == kept(owner.conninfo)


def test_a_second_object_in_the_same_process_joins(
    start: Callable[[], EmbeddedPostgres],
) -> None:
    owner, guest = start(), start()
    assert guest.process_id is None
    guest.stop()
    write(owner.conninfo, 1)


def test_the_server_recovers_what_was_committed_after_it_was_killed(
    start: Callable[[], EmbeddedPostgres],
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
    start: Callable[[], EmbeddedPostgres], server_folder: Path, binaries: Path
) -> None:
    with another_process(server_folder, binaries) as owner:
        conninfo, number = announced(owner)
        write(conninfo, 1)
        owner.kill()
    wait_until(lambda: not Path(f"/proc/{number}").exists())
    assert "database system is shut down" in (server_folder / "postgres.log").read_text()
    assert [1] == kept(start().conninfo)


def test_a_new_owner_waits_for_the_server_of_a_killed_one(
    start: Callable[[], EmbeddedPostgres], server_folder: Path, binaries: Path
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
    end: str, start: Callable[[], EmbeddedPostgres], server_folder: Path, binaries: Path
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
    start: Callable[[], EmbeddedPostgres], server_folder: Path, binaries: Path
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
    start: Callable[[], EmbeddedPostgres],
) -> None:
    started: list[EmbeddedPostgres] = []
    passing = threading.Thread(target=lambda: started.append(start()))
    passing.start()
    passing.join()
    time.sleep(0.5)
    write(started[0].conninfo, 1)


def test_data_of_another_major_version_is_refused_and_left_alone(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    start().stop()
    version = server_folder / "postgres" / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(WrongVersionError, match="found data of PostgreSQL 14"):
        start()
    assert version.read_text() == "14\n"


def test_a_server_that_cannot_start_says_why(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    start().stop()
    operator = server_folder / "postgres" / "postgresql.auto.conf"
    operator.write_text("max_connections = 'many'\n")
    with pytest.raises(StartFailedError, match="max_connections"):
        start()


def test_a_pid_file_whose_number_another_process_has_now_does_not_hinder(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    start().stop()
    folder = server_folder / "postgres"
    owner = folder.stat()
    bystander = subprocess.Popen(
        ["sleep", "60"], cwd="/", user=owner.st_uid, group=owner.st_gid, extra_groups=[]
    )
    try:
        (folder / "postmaster.pid").write_text(f"{bystander.pid}\n{folder}\n1\n5432\n\n\n0 0\n")
        os.chown(folder / "postmaster.pid", owner.st_uid, owner.st_gid)
        write(start().conninfo, 1)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_half_made_cluster_is_made_anew(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    unfinished = server_folder / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("1")
    server_folder.chmod(0o711)
    write(start().conninfo, 1)


def test_a_folder_too_deep_for_a_socket_is_served_from_a_short_one(
    server_folder: Path, binaries: Path
) -> None:
    deep = server_folder / ("d" * SOCKET_PATH_BYTES_MAX)
    short = socket_folder_for(deep)
    server_folder.chmod(0o711)
    assert len(os.fsencode(short / SOCKET_NAME)) <= SOCKET_PATH_BYTES_MAX
    try:
        with EmbeddedPostgres(deep, binaries=binaries) as server:
            write(server.conninfo, 1)
            assert mode(short) == 0o700
    finally:
        shutil.rmtree(short)


def test_a_socket_folder_that_others_may_enter_is_refused(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    server_folder.chmod(0o711)
    socket_folder_for(server_folder).mkdir(mode=0o755)
    with pytest.raises(EmbeddedPostgresError, match="with mode 0700"):
        start()


def test_a_folder_without_postgres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFoundError, match="does not run"):
        find_binaries(tmp_path)


@as_root
def test_root_steps_down_to_an_account_that_exists(
    start: Callable[[], EmbeddedPostgres], server_folder: Path
) -> None:
    server = start()
    user = pwd.getpwuid(Path(f"/proc/{server.process_id}").stat().st_uid)
    assert user.pw_name in {"postgres", "nobody"}
    assert user.pw_uid == (server_folder / "postgres").stat().st_uid


@as_root
def test_a_folder_that_the_account_cannot_reach_is_refused_and_keeps_its_mode(
    server_folder: Path, binaries: Path
) -> None:
    closed = server_folder / "closed"
    closed.mkdir(mode=0o700)
    (closed / "something of somebody").touch()
    for data_folder in (closed, closed / "data"):
        with pytest.raises(UnreachableFolderError, match="cannot enter"):
            EmbeddedPostgres(data_folder, binaries=binaries).start()
    assert (0o700, 0o700) == (mode(closed), mode(server_folder))


@as_root
def test_data_goes_where_the_account_can_reach_it(server_folder: Path) -> None:
    closed = server_folder / "closed" / "data"
    chosen = data_folder_for(closed)
    assert (Path("/var/lib/vinculo"), chosen) == (chosen.parent, data_folder_for(closed))
    server_folder.chmod(0o711)
    assert server_folder / "open" == data_folder_for(server_folder / "open")


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_once_beside_the_data(
    server_folder: Path, binaries: Path
) -> None:
    if "site-packages" not in binaries.parts:
        pytest.skip("a distribution's programs cannot be moved")
    closed = server_folder / "closed" / "site-packages"
    package = binaries.parents[1]
    shutil.copytree(package, closed / package.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    closed.parent.chmod(0o700)
    server_folder.chmod(0o711)
    data_folder = server_folder / "data"
    moved = closed / package.name / binaries.relative_to(package)
    for _ in range(2):
        with EmbeddedPostgres(data_folder, binaries=moved) as server:
            write(server.conninfo, 1)
            program = Path(f"/proc/{server.process_id}/exe").readlink()
            assert program.is_relative_to(data_folder)
    assert [1, 1] == reopened(data_folder, moved)
    assert mode(closed.parent) == 0o700


def reopened(data_folder: Path, binaries: Path) -> list[int]:
    with EmbeddedPostgres(data_folder, binaries=binaries) as server:
        return kept(server.conninfo)


@as_root
def test_an_ordinary_user_starts_it_as_itself(server_folder: Path, binaries: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(server_folder, nobody.pw_uid, nobody.pw_gid)
    script = HOLD.replace("server.stop()", "server.stop(); print('stopped')")
    try:
        result = subprocess.run(
            [sys.executable, "-c", script, str(server_folder), str(binaries)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
        )
    except PermissionError:
        pytest.skip("this environment is closed to other users")
    assert (0, "stopped") == (result.returncode, result.stdout.split()[-1]), result.stderr
    assert nobody.pw_uid == (server_folder / "postgres").stat().st_uid
