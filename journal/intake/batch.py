"""A batch that is ready to be appended: everything done that needs no transaction."""

from __future__ import annotations

import msgspec


class Prepared(msgspec.Struct, gc=False):
    """A fact ready to be appended.

    Args:
        index: of its message in the batch.
        source: who states it.
        entry_id: 16 bytes.
        persona_id: of its subject, 16 bytes.
        further: further personas that it touches, 16 bytes each.
        content_digest: 16 bytes, by which a repetition is told from a conflict.
        bound: the columns that its leaf binds, as COPY takes them.
        leaf: 32 bytes.

    """

    index: int
    source: str
    entry_id: bytes
    persona_id: bytes
    further: tuple[bytes, ...] = ()
    content_digest: bytes = b""
    bound: bytes = b""
    leaf: bytes = b""


class Rejection(msgspec.Struct, gc=False):
    """A message that could not become a fact.

    Args:
        index: of its message in the batch.
        source: who sent it, ``unknown`` if that could not be read.
        code: why, for machines.
        detail: why, for the publisher.
        receipt_id: 16 bytes.

    """

    index: int
    source: str
    code: str
    detail: str
    receipt_id: bytes


class Batch(msgspec.Struct):
    """What became of a batch of messages before it meets the journal.

    Args:
        recorded_at: the clock, microseconds since 1970.
        erasures: the state of the subjects' keys under which it was sealed.
        prepared: facts to append, in order of arrival.
        rejections: what could not be read or may not be stored.
        suppressed: (index, source) of those whose subject is blocked or erased.

    """

    recorded_at: int
    erasures: int
    prepared: list[Prepared]
    rejections: list[Rejection]
    suppressed: list[tuple[int, str]]
