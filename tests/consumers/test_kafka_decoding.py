"""Header blocks are read like the library reads them, and cheaper."""

from typing import Any

import kafka
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import ConsumerRecord, Fetcher
from kafka.errors import CorruptRecordError
from kafka.protocol.consumer import IsolationLevel
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import TopicPartition

from consumers.kafka import lazy_headers
from consumers.kafka.decoding import _attributes, _pairs, _read_block, message_of
from consumers.kafka.lazy_headers import PROVEN_VERSIONS, HeaderBlock, leave_headers_unread

PARTITION = TopicPartition("till", 3)
NAMES = st.one_of(
    st.sampled_from(["content-type", "ce_id", "ce_source", "ce_time", "ce_specversion", "ce_x"]),
    st.text(max_size=70),
)
VALUES = st.one_of(st.none(), st.binary(max_size=200), st.text(max_size=80).map(str.encode))
RECORDS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.binary(max_size=70)),
        st.one_of(st.none(), st.binary(max_size=300)),
        st.lists(st.tuples(NAMES, VALUES), max_size=9),
    ),
    min_size=1,
    max_size=5,
)
LZ4, ZSTD = 3, 4


def packed(records: list[Any], compression: int = 0) -> bytes:
    builder = MemoryRecordsBuilder(2, compression, 1 << 20)
    for number, (key, value, headers) in enumerate(records):
        builder.append(timestamp=1_700_000_000_000 + number, key=key, value=value, headers=headers)
    builder.close()
    return bytes(builder.buffer())


def read(kind: Any, data: bytes) -> list[ConsumerRecord]:
    options = {"isolation_level": IsolationLevel.READ_COMMITTED}
    taken: list[ConsumerRecord] = kind(0, PARTITION, MemoryRecords(data), **options).take()
    return taken


@given(RECORDS, st.sampled_from([0, LZ4, ZSTD]))
def test_records_read_with_unread_headers_equal_those_of_the_library(
    records: list[Any], compression: int
) -> None:
    data = packed(records, compression)
    expected = read(Fetcher.PartitionRecords, data)
    found = read(lazy_headers._PartitionRecords, data)
    blank = {"headers": [], "serialized_header_size": -1}
    assert [one._replace(**blank) for one in expected] == [one._replace(**blank) for one in found]
    assert all(type(one.headers) is HeaderBlock for one in found)
    assert list(map(message_of, expected)) == list(map(message_of, found))


def test_a_cut_record_is_corrupt_and_not_shortened() -> None:
    data = bytearray(packed([(b"k", b"value", [("ce_id", b"1")])]))
    data[61] += 2  # the length of the record, a byte more than there is
    records = lazy_headers._PartitionRecords(
        0, PARTITION, MemoryRecords(bytes(data)), check_crcs=False
    )
    with pytest.raises(CorruptRecordError):
        records.take()


def test_the_installed_client_is_one_on_which_this_was_proven() -> None:
    assert kafka.__version__ in PROVEN_VERSIONS


def test_another_version_of_the_client_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "__version__", "3.0.99")

    class Consumer:
        _fetcher = object()

    assert not leave_headers_unread(Consumer())


def decoded(*headers: tuple[str, bytes | None]) -> dict[str, str] | None:
    (record,) = read(lazy_headers._PartitionRecords, packed([(None, b"{}", list(headers))]))
    attributes = message_of(record).attributes
    return None if attributes is None else dict(attributes)


def test_binary_mode_gives_attributes_without_their_prefix() -> None:
    found = decoded(("content-type", b"application/json"), ("ce_id", b"7"), ("trace", b"x"))
    assert {"id": "7", "datacontenttype": "application/json"} == found


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("content-type", b"application/cloudevents+json"),),
        (("content-type", b"application/cloudevents+json; charset=utf-8"), ("ce_id", b"7")),
        (("trace", b"x"),),
    ],
)
def test_structured_mode_has_no_attributes(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert decoded(*headers) is None


def test_a_value_that_is_not_utf_8_is_missing_and_kept_for_people() -> None:
    assert {"id (not UTF-8)": r"caf\xe9", "source": ""} == decoded(
        ("ce_id", b"caf\xe9"), ("ce_source", None)
    )


@given(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"\x0ace_id", b"\x18content-type", b"\x06abc", b"\x01", b"\x03"])),
)
def test_a_block_of_any_bytes_is_read_the_short_way_as_the_long_way(
    tail: bytes, pieces: list[bytes]
) -> None:
    for raw in (tail, bytes((len(pieces) * 2 % 256,)) + b"".join(pieces) + tail):
        assert _attributes(_pairs(raw)) == _read_block(raw)
