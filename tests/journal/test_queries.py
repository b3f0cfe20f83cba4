"""Named queries: each has a name of its own and a sentence, and nothing around it."""

import re
from pathlib import Path

import pytest

from domain.errors import VinculoError
from journal.queries import queries

REPOSITORY = Path(__file__).parents[2]
FILES = sorted(
    file
    for room in ("journal", "projections")
    for file in (REPOSITORY / room).rglob("*.sql")
    if file.parent.name != "migrations"
)
Package = str


@pytest.fixture
def package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Package:
    """The name of an importable folder of the test's own."""
    name = f"queries_of_{abs(hash(request.node.nodeid))}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_query_is_what_stands_between_its_name_and_the_next(package: str, tmp_path: Path) -> None:
    text = "-- a head\n\n-- name: one\n-- Why.\nSELECT 1\n\n-- name: two\nSELECT 2;\n-- named: x\n"
    (tmp_path / package / "some.sql").write_text(text)
    assert {"one": "-- Why.\nSELECT 1", "two": "SELECT 2;\n-- named: x"} == queries(
        package, "some.sql"
    )


def test_a_name_that_stands_twice_is_an_error(package: str, tmp_path: Path) -> None:
    (tmp_path / package / "twice.sql").write_text(
        "-- name: one\nSELECT 1\n-- name: one\nSELECT 2\n"
    )
    with pytest.raises(VinculoError, match=r"twice\.sql.*\['one', 'one'\]"):
        queries(package, "twice.sql")


def test_a_file_without_queries_has_none(package: str, tmp_path: Path) -> None:
    (tmp_path / package / "none.sql").write_text("SELECT 1")
    assert {} == queries(package, "none.sql")


def test_a_file_that_is_not_there_is_an_error(package: str) -> None:
    with pytest.raises(FileNotFoundError):
        queries(package, "missing.sql")


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_query_of_the_product_has_a_name_and_a_sentence(file: Path) -> None:
    package = ".".join(file.parent.relative_to(REPOSITORY).parts)
    found = queries(package, file.name)
    assert found
    for name, text in found.items():
        sentence, statement = text.split("\n", 1)
        assert re.fullmatch(r"-- [A-Z].*\S", sentence), name
        assert not statement.endswith(";"), name
