"""Header blocks left unread by the client: it hands them over as bytes, we read what we need.

kafka-python spends more on the headers of a CloudEvent in binary mode than on all the rest of a
message. The length of a record says where its headers end, so they can be cut out unread. This
replaces one inner class of one consumer, never the library: other consumers of the process are not
touched. It is pinned to the versions on which the tests prove it equal to the library's own parser
(:data:`PROVEN_VERSIONS`); on others the library's parser is used, slower and with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kafka
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

PROVEN_VERSIONS = frozenset({"3.0.12"})
_LOG_APPEND_TIME = 0x08
_LONG_OR_NEGATIVE = 0x81


class HeaderBlock:
    """The headers of one record as they came: a count, then names and values.

    False in a condition, so that the client does not look into it.

    Args:
        raw: the bytes of the record from the count of headers to its end.

    """

    __slots__ = ("raw",)

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def __bool__(self) -> bool:
        return False


class _Record:
    """What the client's fetcher asks of a record."""

    __slots__ = (
        "headers", "key", "offset", "size_in_bytes", "timestamp", "timestamp_type", "value",
    )  # fmt: skip
    headers: HeaderBlock
    key: bytes | None
    offset: int
    size_in_bytes: int
    timestamp: int
    timestamp_type: int
    value: bytes | None
    checksum = None

    def validate_crc(self) -> bool:
        """Return True: of this format the batch carries the checksum, and it was checked."""
        return True


class _Batch(DefaultRecordBatch):  # type: ignore[misc] # the library ships no annotations
    """A batch whose records keep their headers unread."""

    __slots__ = ()

    def __iter__(self) -> Iterator[_Record]:
        self._maybe_uncompress()
        buffer = self._buffer
        base_offset, first, last = self.base_offset, self.first_timestamp, self.max_timestamp
        kind = 1 if self.attributes & _LOG_APPEND_TIME else 0
        pos = self._pos
        try:
            for _ in range(self._num_records):
                length, pos = decode_varint(buffer, pos)
                end = pos + length
                delta, pos = decode_varint(buffer, pos + 1)
                record = _Record()
                record.timestamp = last if kind else first + delta
                record.timestamp_type = kind
                delta, pos = decode_varint(buffer, pos)
                record.offset = base_offset + delta
                size = buffer[pos]
                if size & _LONG_OR_NEGATIVE:
                    size, pos = decode_varint(buffer, pos)
                    record.key, pos = _cut(buffer, pos, size)
                else:
                    start = pos + 1
                    pos = start + (size >> 1)
                    record.key = bytes(buffer[start:pos])
                size, pos = decode_varint(buffer, pos)
                record.value, pos = _cut(buffer, pos, size)
                if not pos < end <= len(buffer):
                    message = f"a record was expected to end at byte {end}, its value ends at {pos}"
                    raise CorruptRecordError(message)
                record.headers = HeaderBlock(bytes(buffer[pos:end]))
                record.size_in_bytes = length
                pos = end
                yield record
        except (ValueError, IndexError) as error:
            message = f"a record was expected at byte {pos}, found {error!r}"
            raise CorruptRecordError(message) from error
        if pos != len(buffer):
            message = f"expected {len(buffer)} bytes of records, found {pos}"
            raise CorruptRecordError(message)


def _cut(buffer: bytearray, pos: int, size: int) -> tuple[bytes | None, int]:
    if size < 0:
        return None, pos
    return bytes(buffer[pos : pos + size]), pos + size


class _Batches:
    """The batches of a fetch, those of the present format without reading headers."""

    __slots__ = ("_records",)

    def __init__(self, records: Any) -> None:  # noqa: ANN401 - the library ships no annotations
        self._records = records

    def next_batch(self) -> Any:  # noqa: ANN401 - as above
        batch = self._records.next_batch()
        if type(batch) is DefaultRecordBatch and not batch.is_control_batch:
            batch.__class__ = _Batch
        return batch


class _PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc] # as above
    def _unpack_records(self, tp: Any, records: Any, *rest: Any) -> Any:  # noqa: ANN401 - as above
        return super()._unpack_records(tp, _Batches(records), *rest)


def leave_headers_unread(consumer: kafka.KafkaConsumer) -> bool:
    """Make a consumer hand over :class:`HeaderBlock` instead of lists of headers.

    Returns:
        False, and nothing is changed, where the library is of another version.

    """
    if kafka.__version__ not in PROVEN_VERSIONS:
        return False
    consumer._fetcher.PartitionRecords = _PartitionRecords  # noqa: SLF001 - pinned by version and test
    return True
