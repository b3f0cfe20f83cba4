"""Sources: a file that reads otherwise than expected is refused with one sentence that says why."""

from pathlib import Path
from typing import Any

import pytest

from domain.errors import Refused, VinculoError
from journal.sources import NAME_LENGTH_MAX, Source, SourceRegister, read_sources

GOOD = """
[[source]]
name = "urn:shop:till"
topics = ["shop.till", "shop.till.old"]
namespaces = ["card", "receipt"]
types = ["vinculo.purchase_made.v1"]
zone = "Europe/Madrid"
stable_time = true

[[source]]
name = "urn:crm"
"""
TILL = Source(name="till", topics=("sales",), types=("a.v1",))
CRM = Source(name="crm")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A path for a file of sources."""
    return tmp_path / "sources.toml"


def test_a_file_of_sources_is_read_as_it_says(file: Path) -> None:
    file.write_text(GOOD)
    register = read_sources(file)
    till = Source(
        name="urn:shop:till", topics=("shop.till", "shop.till.old"),
        namespaces=("card", "receipt"), types=("vinculo.purchase_made.v1",),
        zone="Europe/Madrid", stable_time=True,
    )  # fmt: skip
    assert {"urn:shop:till": till, "urn:crm": Source(name="urn:crm")} == register.by_name
    assert {"shop.till": till, "shop.till.old": till} == register.by_topic
    assert ("shop.till", "shop.till.old") == register.topics


def test_a_source_that_says_nothing_promises_nothing(file: Path) -> None:
    file.write_text(GOOD)
    crm = read_sources(file).by_name["urn:crm"]
    assert (False, False, "UTC", (), ()) == (
        crm.stable_time, crm.simulated_time, crm.zone, crm.types, crm.namespaces,
    )  # fmt: skip


def test_an_empty_file_registers_nobody(file: Path) -> None:
    file.write_text("")
    assert {} == read_sources(file).by_name


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[[source]", "Expected"),
        ("source = 5", "source"),
        ("[source]\nname = 'a'", "source"),
        ("[[sources]]\nname = 'a'", "`sources`"),
        ("[[source]]\nzone = 'UTC'", "`name`"),
        ("[[source]]\nname = ''", "name"),
        (f"[[source]]\nname = '{'x' * (NAME_LENGTH_MAX + 1)}'", "name"),
        ("[[source]]\nname = 'a'\nsurprise = 1", "`surprise`"),
        ("[[source]]\nname = 'a'\ntopics = 'b'", "topics"),
        ("[[source]]\nname = 'a'\nstable_time = 'yes'", "stable_time"),
        ("[[source]]\nname = 'a'\nzone = 'Europe/Atlantis'", "Europe/Atlantis"),
        ("[[source]]\nname = 'a'\n[[source]]\nname = 'a'", "1 names"),
        (
            "[[source]]\nname = 'a'\ntopics = ['t']\n[[source]]\nname = 'b'\ntopics = ['t']",
            "2 topics",
        ),
        ("[[source]]\nname = 'a'\ntopics = ['t', 't']", "2 topics"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_hold_what_is_expected_is_an_error_of_ours(
    file: Path, text: str, word: str
) -> None:
    file.write_text(text)
    with pytest.raises(VinculoError, match=word):
        read_sources(file)


def test_a_file_that_is_not_there_is_named_without_its_folder(file: Path) -> None:
    with pytest.raises(VinculoError, match=r"sources\.toml") as caught:
        read_sources(file)
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize(
    "encoded",
    ["[[source]]\nname = 'cañón'".encode("latin-1"), b"[[source]]\nname = 'a'\nzone = '../UTC'"],
    ids=["not UTF-8", "zone outside its folder"],
)
def test_what_the_libraries_below_refuse_is_an_error_of_ours_too(
    file: Path, encoded: bytes
) -> None:
    file.write_bytes(encoded)
    with pytest.raises(VinculoError):
        read_sources(file)


def refused(name: str, kind: str = "a.v1", topic: str = "") -> tuple[str, str]:
    """Code and detail of a refusal."""
    with pytest.raises(Refused) as caught:
        SourceRegister((TILL, CRM)).accept(name, kind, topic)
    return caught.value.code, caught.value.detail


def test_a_registered_source_is_accepted_on_its_own_topic_and_on_other_channels() -> None:
    register = SourceRegister((TILL, CRM))
    assert TILL is register.accept("till", "a.v1", "sales")
    assert TILL is register.accept("till", "a.v1", "")
    assert CRM is register.accept("crm", "anything", "")


def test_nobody_else_is_accepted_and_a_long_name_is_cut() -> None:
    code, detail = refused("x" * 5_000)
    assert "unknown_source" == code
    assert len(detail) < 300
    assert "unknown_source" == refused("TILL")[0]


@pytest.mark.parametrize(("name", "topic"), [("till", "other"), ("crm", "sales"), ("crm", "other")])
def test_a_topic_belongs_to_one_source_alone(name: str, topic: str) -> None:
    code, detail = refused(name, topic=topic)
    assert "wrong_topic" == code
    assert name in detail
    assert topic in detail


def test_a_source_publishes_only_what_it_is_registered_for() -> None:
    code, detail = refused("till", kind="b.v1")
    assert "type_not_allowed" == code
    assert "b.v1" in detail


def test_an_unknown_source_is_told_so_before_anything_else() -> None:
    assert "unknown_source" == refused("nobody", kind="b.v1", topic="sales")[0]


@pytest.mark.parametrize(
    "sources",
    [
        (CRM, CRM), (CRM, Source(name="crm", topics=("t",))),
        (TILL, Source(name="b", topics=("sales",))),
    ],
)  # fmt: skip
def test_two_sources_share_neither_name_nor_topic(sources: Any) -> None:
    with pytest.raises(VinculoError, match="found 2 sources"):
        SourceRegister(sources)
