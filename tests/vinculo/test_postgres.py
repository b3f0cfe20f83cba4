"""The embedded PostgreSQL: what it keeps, how it is set, what it refuses."""

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.vinculo.embedded import (
    Start,
    kept,
    mode,
    setting,
    write,
)
from vinculo.postgres import (
    BinariesNotFoundError,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    StartFailedError,
    WrongVersionError,
)
from vinculo.postgres.binaries import find_binaries
from vinculo.postgres.sockets import SOCKET_NAME, SOCKET_PATH_BYTES_MAX, socket_folder_for

pytestmark = pytest.mark.server


def test_what_was_committed_is_there_after_a_stop_and_a_start(
    start: Start,
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
    start: Start,
) -> None:
    first = start()
    with psycopg.connect(first.conninfo, autocommit=True) as connection:
        connection.execute("alter system set max_wal_size = '2GB'")
    first.stop()
    assert setting(start().conninfo, "max_wal_size") == "2GB"


def test_only_the_server_s_account_can_enter_the_socket_s_folder(
    start: Start, server_folder: Path
) -> None:
    start()
    assert mode(socket_folder_for(server_folder)) == 0o700


def test_data_of_another_major_version_is_refused_and_left_alone(
    start: Start, server_folder: Path
) -> None:
    start().stop()
    version = server_folder / "postgres" / "PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(WrongVersionError, match="found data of PostgreSQL 14"):
        start()
    assert version.read_text() == "14\n"


def test_a_server_that_cannot_start_says_why(start: Start, server_folder: Path) -> None:
    start().stop()
    operator = server_folder / "postgres" / "postgresql.auto.conf"
    operator.write_text("max_connections = 'many'\n")
    with pytest.raises(StartFailedError, match="max_connections"):
        start()


def test_a_pid_file_whose_number_another_process_has_now_does_not_hinder(
    start: Start, server_folder: Path
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


def test_a_half_made_cluster_is_made_anew(start: Start, server_folder: Path) -> None:
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
    start: Start, server_folder: Path
) -> None:
    server_folder.chmod(0o711)
    socket_folder_for(server_folder).mkdir(mode=0o755)
    with pytest.raises(EmbeddedPostgresError, match="with mode 0700"):
        start()


def test_a_folder_without_postgres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BinariesNotFoundError, match="does not run"):
        find_binaries(tmp_path)
