"""Migrations: each once, in order, whole or not at all, whoever calls and however many at once."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from domain.errors import VinculoError
from journal.migrating import migrate

CALLERS = 6
Room = Callable[[str, dict[str, str]], Path]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Makes an importable room with migrations; the folder of those is returned."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, migrations: dict[str, str]) -> Path:
        folder = tmp_path / name / "migrations"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
        for file, text in migrations.items():
            (folder / file).write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
        return folder

    return make


def applied(url: str) -> list[tuple[str, str]]:
    """Room and name of every migration that is on record."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT room, name FROM public.vinculo_migration ORDER BY applied_at, room, name"
        ).fetchall()


def test_the_products_own_schema_is_applied_once_and_then_there_is_nothing_to_do(
    empty_database_url: str,
) -> None:
    first = migrate(empty_database_url, ["journal", "projections"])
    assert "journal/0001_journal.sql" == first[0]
    assert sorted(first) == first
    assert [] == migrate(empty_database_url, ["journal", "projections"])
    assert {tuple(one.split("/")) for one in first} == set(applied(empty_database_url))


def test_of_many_callers_at_once_one_works_and_the_others_find_nothing_to_do(
    empty_database_url: str,
) -> None:
    results: list[list[str]] = []
    start = threading.Barrier(CALLERS)

    def call() -> None:
        start.wait()
        results.append(migrate(empty_database_url, ["journal", "projections"]))

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert CALLERS == len(results)
    assert [[]] * (CALLERS - 1) == sorted(results)[:-1]
    assert len(applied(empty_database_url)) == len(max(results))


def test_a_migration_that_was_applied_and_reads_otherwise_now_is_refused(
    empty_database_url: str, room: Room
) -> None:
    folder = room("room_changed", {"0001_a.sql": "CREATE TABLE a (b int)"})
    migrate(empty_database_url, ["room_changed"])
    (folder / "0001_a.sql").write_text("CREATE TABLE a (b bigint)")
    (folder / "0002_b.sql").write_text("CREATE TABLE c (d int)")
    with pytest.raises(VinculoError, match=r"room_changed/0001_a\.sql.*write a new migration"):
        migrate(empty_database_url, ["room_changed"])
    assert [("room_changed", "0001_a.sql")] == applied(empty_database_url)


def test_a_new_migration_is_applied_behind_those_that_were(
    empty_database_url: str, room: Room
) -> None:
    folder = room("room_grown", {"0001_a.sql": "CREATE TABLE a (b int)"})
    assert ["room_grown/0001_a.sql"] == migrate(empty_database_url, ["room_grown"])
    (folder / "0002_b.sql").write_text("ALTER TABLE a ADD c int")
    assert ["room_grown/0002_b.sql"] == migrate(empty_database_url, ["room_grown"])


def test_migrations_run_in_the_order_of_their_names_and_rooms_in_the_order_given(
    empty_database_url: str, room: Room
) -> None:
    room("room_second", {"0001_c.sql": "INSERT INTO a VALUES (3)"})
    room(
        "room_first",
        {
            "0010_b.sql": "INSERT INTO a VALUES (2)",
            "0002_b.sql": "INSERT INTO a VALUES (1)",
            "0001_a.sql": "CREATE TABLE a (b int); -- first of two\nINSERT INTO a VALUES (0)",
            "README.md": "no migration",
        },
    )
    done = migrate(empty_database_url, ["room_first", "room_second"])
    assert [
        "room_first/0001_a.sql", "room_first/0002_b.sql", "room_first/0010_b.sql",
        "room_second/0001_c.sql",
    ] == done  # fmt: skip
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute("SELECT b FROM a ORDER BY ctid").fetchall()
    assert [(0,), (1,), (2,), (3,)] == found


def test_a_migration_that_fails_leaves_nothing_of_its_run_behind(
    empty_database_url: str, room: Room
) -> None:
    room("room_broken", {"0001_a.sql": "CREATE TABLE a (b int)", "0002_b.sql": "CREATE nonsense"})
    with pytest.raises(psycopg.errors.SyntaxError):
        migrate(empty_database_url, ["room_broken"])
    with psycopg.connect(empty_database_url) as connection:
        found = connection.execute(
            "SELECT to_regclass('public.a'), to_regclass('public.vinculo_migration')"
        ).fetchone()
    assert (None, None) == found


def test_two_rooms_may_use_one_name(empty_database_url: str, room: Room) -> None:
    room("room_one", {"0001_a.sql": "CREATE TABLE a (b int)"})
    room("room_two", {"0001_a.sql": "CREATE TABLE b (b int)"})
    done = migrate(empty_database_url, ["room_one", "room_two"])
    assert ["room_one/0001_a.sql", "room_two/0001_a.sql"] == done
