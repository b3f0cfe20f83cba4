"""Decisions as rows of ``journal.entry``: ids, digests and leaves, made before any lock."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import StoredEvent

from domain.errors import VinculoError
from domain.instants import moment_of
from journal.connecting import ByteaArray, UuidArray
from journal.entry_ids import mark_uuid8
from journal.intake.appending import channel_name
from journal.rows import bound_decision, field, leaf_of

SOURCE = "vinculo"
"""The source of every decision: this engine."""

_SOURCE_FIELD = field(SOURCE.encode())
_STREAM_PREFIX_BYTES = 6


class DecisionRows(msgspec.Struct, frozen=True):
    """Decisions ready to be appended to one log, column by column.

    Args:
        log_id: of the decisions log.
        recorded_at: the clock, microseconds since 1970; a decision occurs when it is recorded.
        stream_ids: 16 bytes each.
        stream_versions: from 0 to 2³¹ − 1.
        entry_ids: 16 bytes each.
        types: topics.
        content_digests: 16 bytes each.
        bodies: as encoded.
        leaves: 32 bytes each.

    """

    log_id: int
    recorded_at: int
    stream_ids: list[bytes]
    stream_versions: list[int]
    entry_ids: list[bytes]
    types: list[str]
    content_digests: list[bytes]
    bodies: list[bytes]
    leaves: list[bytes]

    def parameters(self) -> dict[str, Any]:
        """Return what the query ``append`` takes."""
        return {
            "log_id": self.log_id,
            "count": len(self.bodies),
            "recorded_at": moment_of(self.recorded_at),
            "source": SOURCE,
            "channel": channel_name(self.log_id),
            "stream_ids": UuidArray(self.stream_ids),
            "stream_versions": self.stream_versions,
            "entry_ids": UuidArray(self.entry_ids),
            "types": self.types,
            "content_digests": ByteaArray(self.content_digests),
            "bodies": ByteaArray(self.bodies),
            "leaves": ByteaArray(self.leaves),
        }


def prepare(log_id: int, events: Sequence[StoredEvent], recorded_at: int) -> DecisionRows:
    """Return stored events of the library as rows.

    Args:
        log_id: of the decisions log.
        events: in the order of their positions.
        recorded_at: the clock, microseconds since 1970.

    Raises:
        VinculoError: if an event is of a stream that is not named by a UUID.

    """
    rows = DecisionRows(log_id, recorded_at, [], [], [], [], [], [], [])
    for event in events:
        _add(rows, event)
    return rows


def _add(rows: DecisionRows, event: StoredEvent) -> None:
    stream, version = stream_bytes(event.originator_id), event.originator_version
    entry_id = decision_id(stream, version)
    type_field = field(event.topic.encode())
    digest = content_digest(type_field, event.state)
    bound = bound_decision(
        rows.log_id, version, rows.recorded_at, rows.recorded_at, entry_id, stream,
        _SOURCE_FIELD + type_field, digest, event.state,
    )  # fmt: skip
    rows.stream_ids.append(stream)
    rows.stream_versions.append(version)
    rows.entry_ids.append(entry_id)
    rows.types.append(event.topic)
    rows.content_digests.append(digest)
    rows.bodies.append(event.state)
    rows.leaves.append(leaf_of(bound))


def stream_bytes(originator_id: UUID | str) -> bytes:
    """Return the 16 bytes of a stream's id.

    Raises:
        VinculoError: if it is not a UUID.

    """
    if not isinstance(originator_id, UUID):
        message = f"expected a stream named by a UUID, found {originator_id!r}"
        raise VinculoError(message)
    return originator_id.bytes


def decision_id(stream: bytes, version: int) -> bytes:
    """Return the 16 bytes of a decision's entry id, a UUIDv8 of its stream and version.

    The first 48 bits are the stream's, so that a stream's decisions are neighbours in the index;
    the others are a hash of both.
    """
    place = stream + version.to_bytes(8, signed=True)
    digest = blake2b(place, digest_size=16, person=b"vinculo.decision").digest()
    return mark_uuid8(stream[:_STREAM_PREFIX_BYTES] + digest[_STREAM_PREFIX_BYTES:])


def content_digest(type_field: bytes, body: bytes) -> bytes:
    """Return 16 bytes over type and body.

    Not keyed, unlike that of a fact: all that it binds stands in the clear beside it.
    """
    return blake2b(type_field + body, digest_size=16, person=b"vinculo.content").digest()
