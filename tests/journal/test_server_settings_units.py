"""Server settings: each unit of the server is understood, each unsafe setting is refused."""

from typing import Any, cast

import psycopg
import pytest

from journal.server_settings import Finding, UnsafeServerError, check_server

GOOD = {
    "fsync": ("on", ""), "full_page_writes": ("on", ""), "synchronous_commit": ("on", ""),
    "server_version_num": ("160004", ""), "wal_compression": ("pglz", ""),
    "max_wal_size": ("4096", "MB"), "shared_buffers": ("32768", "8kB"),
}  # fmt: skip


class Server:
    """Answers as a server with these settings does."""

    def __init__(self, **changes: tuple[str, str]) -> None:
        self.settings = {**GOOD, **changes}

    def execute(self, _query: str, values: tuple[list[str]]) -> "Server":
        self.wanted = values[0]
        return self

    def fetchall(self) -> list[tuple[str, str, str]]:
        return [(name, *self.settings[name]) for name in self.wanted]


def check(**changes: tuple[str, str]) -> list[Finding]:
    """What is found on a server with these settings."""
    return check_server(cast("psycopg.Connection[Any]", Server(**changes)))


def test_a_server_as_it_should_be_has_nothing_to_be_told() -> None:
    assert [] == check()


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_acknowledged_commits_is_refused(name: str) -> None:
    with pytest.raises(UnsafeServerError, match=f"{name}: expected on, found off; ALTER SYSTEM"):
        check(**{name: ("off", "")})


@pytest.mark.parametrize("commit", ["on", "local", "remote_write", "remote_apply"])
def test_commits_that_wait_for_our_own_disk_are_accepted(commit: str) -> None:
    assert [] == check(synchronous_commit=(commit, ""))


@pytest.mark.parametrize(("version", "refused"), [("140013", True), ("150000", False)])
def test_a_server_older_than_15_is_refused(version: str, refused: bool) -> None:
    if refused:
        with pytest.raises(UnsafeServerError, match="server_version_num"):
            check(server_version_num=(version, ""))
    else:
        assert [] == check(server_version_num=(version, ""))


def test_everything_that_is_unsafe_is_told_at_once_and_what_is_slow_is_not() -> None:
    with pytest.raises(UnsafeServerError) as caught:
        check(fsync=("off", ""), synchronous_commit=("off", ""), wal_compression=("off", ""))
    assert 2 == str(caught.value).count("expected")


@pytest.mark.parametrize(
    ("name", "value", "unit", "enough"),
    [
        ("max_wal_size", "4095", "MB", False), ("max_wal_size", "4096", "MB", True),
        ("max_wal_size", "255", "16MB", False), ("max_wal_size", "256", "16MB", True),
        ("max_wal_size", "3", "GB", False), ("max_wal_size", "4", "GB", True),
        ("shared_buffers", "32767", "8kB", False), ("shared_buffers", "32768", "8kB", True),
        ("shared_buffers", "262143", "kB", False), ("shared_buffers", "262144", "kB", True),
        ("shared_buffers", str(2**28 - 1), "B", False), ("shared_buffers", str(2**28), "", True),
    ],
)  # fmt: skip
def test_a_size_is_judged_in_the_servers_own_unit(
    name: str, value: str, unit: str, enough: bool
) -> None:
    found = check(**{name: (value, unit)})
    assert ([] if enough else [name]) == [one.name for one in found]
    assert all("advise" == one.weight and value in one.found for one in found)


def test_uncompressed_wal_costs_speed_and_no_promise() -> None:
    (finding,) = check(wal_compression=("off", ""))
    assert ("wal_compression", "advise") == (finding.name, finding.weight)
    assert "wal_compression: expected on, found off; ALTER SYSTEM SET it" == str(finding)
