"""Entry ids: the same (source, id) names the same entry for ever, in the order of time if safe."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal.entry_ids import entry_id_of, mark_uuid8

AT = 1_704_110_400_000_000  # 2024-01-01T12:00Z
MILLISECOND = 1_000
UUID7 = "018ccab9-c000-7000-8000-000000000001"
ULID = "01HK2BKGG0ABCDEFGHJKMNPQRS"
TEXTS = st.text(max_size=40)


def entry_id(
    event_id: str, at: int = AT, *, source: str = "urn:till", stable: bool = False
) -> bytes:
    """The entry id of an event of the till."""
    return entry_id_of(source, event_id, at, stable_time=stable)


def milliseconds(entry: bytes) -> int:
    """The first 48 bits."""
    return int.from_bytes(entry[:6])


@pytest.mark.parametrize(
    ("source", "event_id", "at", "stable", "golden"),
    [
        ("urn:till", "T-1", AT, False, "f3b57ebd820481caa84ec3aec9e49f64"),
        ("urn:till", "T-1", AT, True, "018cc4e5220081caa84ec3aec9e49f64"),
        ("urn:till", UUID7, 0, False, "018ccab9c0008ccabde4306a5414d77b"),
        ("urn:till", ULID, 0, False, "018cc4b9c20080eeab1e896b2928ba0c"),
        ("urn:tienda", "añadido", AT, False, "338ce501e51f836aa50d7b99707b7b7d"),
    ],
)
def test_ids_that_were_once_given_never_change(
    source: str, event_id: str, at: int, stable: bool, golden: str
) -> None:
    assert golden == entry_id_of(source, event_id, at, stable_time=stable).hex()


@given(TEXTS, TEXTS, st.integers(-(2**60), 2**60), st.booleans())
def test_every_id_is_a_uuid_of_version_8_and_the_variant_of_rfc_9562(
    source: str, event_id: str, at: int, stable: bool
) -> None:
    entry = entry_id_of(source, event_id, at, stable_time=stable)
    assert 16 == len(entry)
    assert 0x80 == entry[6] & 0xF0
    assert 0x80 == entry[8] & 0xC0
    assert entry == UUID(bytes=entry).bytes


@given(st.binary(min_size=16, max_size=40))
def test_marking_changes_six_bits_and_no_other(digest: bytes) -> None:
    marked = mark_uuid8(digest)
    changed = int.from_bytes(marked) ^ int.from_bytes(digest[:16])
    assert 0 == changed & ~((0xF << 76) | (0x3 << 62))
    assert marked == mark_uuid8(marked)


def test_without_a_promise_the_time_has_no_say_in_the_id() -> None:
    assert entry_id("T-1", AT) == entry_id("T-1", AT + 10**9)


def test_a_source_of_stable_time_has_ids_in_the_order_of_its_events() -> None:
    ids = [entry_id(f"T-{number}", AT + number * MILLISECOND, stable=True) for number in range(99)]
    assert sorted(ids) == ids
    assert AT // MILLISECOND == milliseconds(ids[0])


def test_within_one_millisecond_the_time_is_the_same_and_the_rest_still_tells_events_apart() -> (
    None
):
    first, second = entry_id("a", AT, stable=True), entry_id("b", AT + 999, stable=True)
    assert first[:6] == second[:6]
    assert first != second
    assert entry_id("a", AT + 999, stable=True) == first
    assert entry_id("a", AT + 1_000, stable=True) != first


@pytest.mark.parametrize("stable", [True, False])
def test_the_time_inside_a_uuid7_counts_before_the_events_own(stable: bool) -> None:
    entry = entry_id(UUID7, AT, stable=stable)
    assert 0x018CCAB9C000 == milliseconds(entry)
    assert entry == entry_id(UUID7, AT + 10**12, stable=stable)


@pytest.mark.parametrize("stable", [True, False])
def test_the_time_inside_a_ulid_counts_before_the_events_own(stable: bool) -> None:
    # 1469918176385 ms is the example of the ULID specification: 01ARYZ6S41.
    entry = entry_id("01ARYZ6S41TSV4RRFFQ69G5FAV", AT, stable=stable)
    assert 1_469_918_176_385 == milliseconds(entry)


@pytest.mark.parametrize(
    "event_id",
    [
        UUID7.replace("-7000-", "-4000-"), UUID7.replace("-", ""), UUID7.replace("018c", "018g"),
        f"{UUID7} ", f"{{{UUID7}}}", "018ccab9+c000+7000-8000-000000000001",
        ULID[:-1], f"{ULID}0", ULID.lower(), f"U{ULID[1:]}", f"I{ULID[1:]}", "", "T-1",
    ],
)  # fmt: skip
def test_what_only_resembles_a_timed_id_is_hashed_whole(event_id: str) -> None:
    plain = entry_id(event_id)
    timed = entry_id(event_id, stable=True)
    assert AT // MILLISECOND == milliseconds(timed)
    assert plain[6:] == timed[6:]
    assert plain[:6] != timed[:6]
    assert abs(milliseconds(plain) - AT // MILLISECOND) > 10**9


@pytest.mark.parametrize("first", ["8", "Z"])
def test_a_ulid_of_more_than_48_bits_is_hashed_whole_whatever_its_source_promised(
    first: str,
) -> None:
    plain = entry_id(first + ULID[1:])
    assert plain == entry_id(first + ULID[1:], AT + 10**12, stable=True)
    assert abs(milliseconds(plain) - AT // MILLISECOND) > 10**9


@pytest.mark.parametrize("at", [-1, -AT, (2**48) * MILLISECOND])
def test_a_time_that_48_bits_cannot_hold_leaves_the_hash(at: int) -> None:
    assert entry_id("T-1", at, stable=False) == entry_id("T-1", at, stable=True)


def test_the_first_and_the_last_millisecond_of_48_bits_are_kept() -> None:
    last = 2**48 - 1
    assert 0 == milliseconds(entry_id("T-1", 0, stable=True))
    assert last == milliseconds(entry_id("T-1", last * MILLISECOND, stable=True))


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_two_events_share_an_id_only_if_they_share_source_and_id(
    one: str, first: str, other: str, second: str
) -> None:
    same = (one, first) == (other, second)
    assert same == (entry_id(first, source=one) == entry_id(second, source=other))


def test_where_the_source_ends_and_the_id_begins_makes_a_difference() -> None:
    assert entry_id("bc", source="a") != entry_id("c", source="ab")
