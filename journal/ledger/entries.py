"""Decisions as COPY rows, the same to the byte as the library's recorder appends them."""

from __future__ import annotations

from functools import cache

import msgspec

from domain.decisions.base import Decision
from journal.decisions.preparing import SOURCE, content_digest, decision_id
from journal.rows import bound_decision, field, leaf_of, row

_SOURCE_FIELD = field(SOURCE.encode())
_encode = msgspec.json.Encoder(order="deterministic").encode


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A decision at its place in a stream.

    Args:
        stream: 16 bytes.
        version: its place there, from 1.
        decision: what was decided.

    """

    stream: bytes
    version: int
    decision: Decision


class Encoded(msgspec.Struct, frozen=True, gc=False):
    """An entry that lacks nothing but its position.

    Args:
        bound: the fields that the leaf binds.
        leaf: 32 bytes.

    """

    bound: bytes
    leaf: bytes

    def row(self, position: int) -> bytes:
        """Return the COPY row at a position."""
        return row(position, self.bound, self.leaf)


def encode_entry(log_id: int, recorded_at: int, entry: Entry) -> Encoded:
    """Return an entry ready for the log.

    Args:
        log_id: of the decisions log.
        recorded_at: microseconds since 1970; a decision occurs when it is recorded.
        entry: the decision.

    """
    stream, version, decision = entry.stream, entry.version, entry.decision
    type_field = _type_field(type(decision))
    body = _encode(decision)
    bound = bound_decision(
        log_id, version, recorded_at, recorded_at, decision_id(stream, version), stream,
        _SOURCE_FIELD + type_field, content_digest(type_field, body), body,
    )  # fmt: skip
    return Encoded(bound, leaf_of(bound))


@cache
def _type_field(kind: type[Decision]) -> bytes:
    return field(kind.topic.encode())
