"""Rows of ``journal.entry`` as PostgreSQL's binary COPY takes them, and the leaf over them.

A field travels as its length (4 bytes, big endian, -1 for NULL) and its bytes in the server's own
binary form: exactly the length-prefixed columns that the leaf is to bind (ruling 4). So a row is
encoded once, and what is hashed is what is stored::

    leaf = SHA-256(0x00 || fields of every column but position and leaf, in the order of COLUMNS)

which is the leaf hash of RFC 9162, section 2.1.1, over those fields.
"""

from __future__ import annotations

from hashlib import sha256
from struct import Struct

from journal.connecting import POSTGRES_EPOCH_MICROSECONDS

BOUND_COLUMNS = (
    "log_id", "stream_version", "occurred_at", "recorded_at", "entry_id", "persona_id",
    "stream_id", "refers_to", "source", "type", "content_digest", "body", "sealed",
)  # fmt: skip
COLUMNS = ("position", *BOUND_COLUMNS, "leaf")

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + (0).to_bytes(4) + (0).to_bytes(4)
COPY_TAIL = (-1).to_bytes(2, signed=True)
NULL = (-1).to_bytes(4, signed=True)
_ROW_HEAD_PACK = Struct("!hiq").pack
LEAF_LENGTH = (32).to_bytes(4)
_EIGHT_BYTES = (8).to_bytes(4)
_SIXTEEN_BYTES = (16).to_bytes(4)
_LEAF = sha256(b"\x00")

# log_id and stream_version NULL; occurred_at; recorded_at; entry_id; persona_id; stream_id NULL.
_FACT_PACK = Struct("!16sq16s16s4s16si").pack
# log_id, stream_version, occurred_at, recorded_at, entry_id, persona_id NULL, stream_id,
# refers_to NULL.
_DECISION_PACK = Struct("!iiiiiqiqi16sii16si").pack
_ENTRY_PERSONA_PACK = Struct("!hiiiqi16s").pack


def field(value: bytes | None) -> bytes:
    """Return a field: its length and its bytes, or NULL."""
    return NULL if value is None else len(value).to_bytes(4) + value


def integer_field(value: int | None, width: int) -> bytes:
    """Return an integer field of ``width`` bytes, or NULL."""
    return NULL if value is None else width.to_bytes(4) + value.to_bytes(width, signed=True)


def instant_field(instant: int) -> bytes:
    """Return a timestamptz field of an instant (microseconds since 1970)."""
    return integer_field(instant - POSTGRES_EPOCH_MICROSECONDS, 8)


class FactRows:
    """Encodes the facts of one batch.

    Args:
        log_id: of the facts log.
        recorded_at: of all of them, microseconds since 1970.

    """

    def __init__(self, log_id: int, recorded_at: int) -> None:
        self._before = integer_field(log_id, 4) + NULL + _EIGHT_BYTES
        self._between = instant_field(recorded_at) + _SIXTEEN_BYTES

    def bound(  # noqa: PLR0913, PLR0917 - the columns of a fact are what they are
        self,
        occurred_at: int,
        entry_id: bytes,
        persona_id: bytes,
        refers_to: bytes | None,
        source_and_type: bytes,
        content_digest: bytes,
        body: bytes,
        sealed: bytes | None,
    ) -> bytes:
        """Return the bound fields of a fact; ``source_and_type`` are two fields already."""
        fixed = _FACT_PACK(
            self._before, occurred_at - POSTGRES_EPOCH_MICROSECONDS, self._between,
            entry_id, _SIXTEEN_BYTES, persona_id, -1,
        )  # fmt: skip
        return b"".join((
            fixed,
            NULL if refers_to is None else field(refers_to),
            source_and_type,
            _SIXTEEN_BYTES, content_digest,
            len(body).to_bytes(4), body,
            NULL if sealed is None else field(sealed),
        ))  # fmt: skip


def bound_decision(  # noqa: PLR0913, PLR0917 - the columns of a decision are what they are
    log_id: int,
    stream_version: int,
    occurred_at: int,
    recorded_at: int,
    entry_id: bytes,
    stream_id: bytes,
    source_and_type: bytes,
    content_digest: bytes,
    body: bytes,
) -> bytes:
    """Return the bound fields of a decision; ``source_and_type`` are two fields already."""
    fixed = _DECISION_PACK(
        4, log_id, 4, stream_version,
        8, occurred_at - POSTGRES_EPOCH_MICROSECONDS,
        8, recorded_at - POSTGRES_EPOCH_MICROSECONDS,
        16, entry_id, -1, 16, stream_id, -1,
    )  # fmt: skip
    return b"".join((
        fixed, source_and_type, _SIXTEEN_BYTES, content_digest,
        len(body).to_bytes(4), body, NULL,
    ))  # fmt: skip


def leaf_of(bound: bytes) -> bytes:
    """Return the leaf hash over an entry's bound fields, 32 bytes."""
    leaf = _LEAF.copy()
    leaf.update(bound)
    return leaf.digest()


def row_head(position: int) -> bytes:
    """Return how the COPY row of an entry begins: the count of its fields and its position."""
    return _ROW_HEAD_PACK(len(COLUMNS), 8, position)


def row(position: int, bound: bytes, leaf: bytes) -> bytes:
    """Return the COPY row of an entry at its position."""
    return b"".join((row_head(position), bound, LEAF_LENGTH, leaf))


def entry_persona_row(log_id: int, position: int, persona_id: bytes) -> bytes:
    """Return the COPY row of ``journal.entry_persona`` (log_id, position, persona_id)."""
    return _ENTRY_PERSONA_PACK(3, 4, log_id, 8, position, 16, persona_id)
