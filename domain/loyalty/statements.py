"""Statements about the points of a mirrored account, and how many of them are kept in few bytes.

Packed, a statement is one MessagePack array of 27 to 45 bytes, 18 of which are its entry id: ruling
5 sorts by it, and it leads an auditor from a movement to the touchpoint. Packed statements are
concatenated, so that one more at the end costs a copy of memory and no decoding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from domain.errors import VinculoError
from domain.instants import SECOND

EARNED: Final = 0
REDEEMED: Final = 1
EXPIRED: Final = 2
ADJUSTED: Final = 3

_ARRAY_32 = b"\xdd"


class StatementsUnreadableError(VinculoError):
    """Packed statements that are not what was packed."""


class Statement(msgspec.Struct, array_like=True, order=True, frozen=True, gc=False):
    """What upstream states of an account's points. Compares by ruling 5; the source is the book's.

    Args:
        at: when it happened (microseconds since 1970).
        sequence: the source's own, -1 if it has none.
        entry_id: 16 bytes of the fact.
        kind: EARNED, REDEEMED, EXPIRED or ADJUSTED.
        points: how many; only an adjustment may be negative or zero.
        expires_at: of the lot that it makes; None means never.
        active_from: of the lot that it makes; None means at once.

    """

    at: int
    sequence: int
    entry_id: bytes
    kind: int
    points: int
    expires_at: int | None = None
    active_from: int | None = None


class _Row(msgspec.Struct, array_like=True, gc=False):
    """A statement as packed: instants shortened, absent fields at the end left out."""

    at: int
    sequence: int
    entry_id: bytes
    kind: int
    points: int
    expires_at: int | None = None
    active_from: int | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_rows = msgspec.msgpack.Decoder(list[_Row]).decode


def pack(statement: Statement) -> bytes:
    """Return the bytes of one statement. Equal statements have equal bytes."""
    at = _short(statement.at)
    head = (at, statement.sequence, statement.entry_id, statement.kind, statement.points)
    if statement.active_from is not None:
        expires = None if statement.expires_at is None else _short(statement.expires_at)
        return _encode((*head, expires, _short(statement.active_from)))
    if statement.expires_at is not None:
        return _encode((*head, _short(statement.expires_at)))
    return _encode(head)


def pack_all(statements: Iterable[Statement]) -> bytes:
    """Return the bytes of statements, one after the other."""
    return b"".join(map(pack, statements))


def unpack(packed: bytes, count: int) -> list[Statement]:
    """Return the statements that were packed.

    Args:
        packed: their bytes, concatenated.
        count: how many there are.

    Raises:
        StatementsUnreadableError: if the bytes are not so many statements.

    """
    try:
        rows = _decode_rows(_ARRAY_32 + count.to_bytes(4, "big") + packed)
    except (msgspec.DecodeError, OverflowError) as cause:
        message = (
            f"expected {count} packed loyalty statements, found {len(packed)} bytes that are not "
            f"({cause}); rebuild the customer view"
        )
        raise StatementsUnreadableError(message) from cause
    return [_statement(row) for row in rows]


def _statement(row: _Row) -> Statement:
    expires, active = row.expires_at, row.active_from
    return Statement(
        _long(row.at),
        row.sequence,
        row.entry_id,
        row.kind,
        row.points,
        None if expires is None else _long(expires),
        None if active is None else _long(active),
    )


def _short(instant: int) -> int:
    """Return a whole second as an even number of four bytes, other instants as an odd one."""
    return instant * 2 + 1 if instant % SECOND else instant // SECOND * 2


def _long(short: int) -> int:
    return short >> 1 if short & 1 else (short >> 1) * SECOND
