"""What the tests of the embedded PostgreSQL share: other processes, rows to keep, waiting."""

import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from vinculo.postgres import EmbeddedPostgres

REPOSITORY = Path(__file__).parents[2]
Start = Callable[[], EmbeddedPostgres]

HOLD = """
import sys, time
from pathlib import Path
from vinculo.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), binaries=Path(sys.argv[2]))
print(server.start(), server.process_id, flush=True)
sys.stdin.read()
server.stop()
"""


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


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "expected it within the time given"
        time.sleep(0.02)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


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
