"""The embedded PostgreSQL under root and under ordinary users, in folders open and closed."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vinculo.embedded import (
    HOLD,
    REPOSITORY,
    Start,
    kept,
    mode,
    write,
)
from vinculo.postgres import (
    EmbeddedPostgres,
    UnreachableFolderError,
    data_folder_for,
)

pytestmark = pytest.mark.server

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root steps down")


@as_root
def test_root_steps_down_to_an_account_that_exists(start: Start, server_folder: Path) -> None:
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
