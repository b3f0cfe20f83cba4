"""The rows of the customer view: compact state, searched columns, and until when they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any

import msgspec
import psycopg

from domain.instants import moment_of
from journal.connecting import (
    POSTGRES_EPOCH_MICROSECONDS,
    ByteaArray,
    FlagArray,
    InstantArray,
    TextArray,
    Uuid,
    UuidArray,
    binary_cursor,
)
from journal.queries import queries
from journal.rows import COPY_HEAD, COPY_TAIL, NULL, field

_SQL = queries("projections.customer", "store.sql")
_COPY_COLUMNS = 12
# Number of columns; log_id, generation, changed_position, customer_id; the length of the state.
_HEAD = Struct("!hiiiiiqi16si").pack
_EIGHT = Struct("!iq").pack
_FLAG = (field(b"\x00"), field(b"\x01"))


class CustomerRow(msgspec.Struct, gc=False):
    """One customer as it is kept.

    Args:
        customer_id: 16 bytes.
        state: canonical bytes of the fold's state.
        valid_until: instant at which time alone changes it, None for never.
        stage: of the lifecycle, None for those who have none.
        stage_since: instant.
        at_risk: whether the lifecycle sees a risk.
        anonymous: whether nothing but receipts, cookies and devices is known.
        last_seen_at: instant of the last touchpoint.
        last_purchase_at: instant of the last purchase, None if there is none.

    """

    customer_id: bytes
    state: bytes
    valid_until: int | None
    stage: str | None
    stage_since: int | None
    at_risk: bool
    anonymous: bool
    last_seen_at: int | None
    last_purchase_at: int | None


StoredRow = tuple[
    bytes, bytes, int | None, int | None, int | None, int | None, str | None, bool, bool
]
"""customer_id, state, valid_until, stage_since, last_seen_at, last_purchase_at (of the server's
epoch), stage, at_risk, anonymous."""


def _copied(key: tuple[int, int], position: int, row: CustomerRow) -> bytes:
    """Return a row as binary COPY takes it: each field its length and its bytes."""
    log_id, generation = key
    customer_id, state = row.customer_id, row.state
    return b"".join((
        _HEAD(_COPY_COLUMNS, 4, log_id, 4, generation, 8, position, 16, customer_id, len(state)),
        state,
        _instant(row.valid_until),
        _instant(row.stage_since),
        _instant(row.last_seen_at),
        _instant(row.last_purchase_at),
        _text(row.stage),
        _FLAG[row.at_risk],
        _FLAG[row.anonymous],
    ))  # fmt: skip


def _instant(instant: int | None) -> bytes:
    return NULL if instant is None else _EIGHT(8, instant - POSTGRES_EPOCH_MICROSECONDS)


@lru_cache(64)
def _text(text: str | None) -> bytes:
    return NULL if text is None else field(text.encode())


class CustomerStore:
    """Read and write customers of one generation.

    Args:
        log_id: of the facts log.
        generation: of the view.

    """

    def __init__(self, log_id: int, generation: int) -> None:
        self._key = (log_id, generation)

    def states(
        self, connection: psycopg.Connection, customers: Collection[bytes]
    ) -> dict[bytes, bytes]:
        """Return the encoded states of customers; unknown ones are absent."""
        return dict(self.ask_states(connection, customers).fetchall())

    def ask_states(
        self, connection: psycopg.Connection, customers: Collection[bytes]
    ) -> psycopg.Cursor[Any]:
        """Ask for (customer_id, encoded state) of customers; within a pipeline nobody waits yet."""
        values = (*self._key, UuidArray(customers))
        return binary_cursor(connection).execute(_SQL["states"], values)

    def due(
        self, connection: psycopg.Connection, horizon: int, limit: int
    ) -> list[tuple[bytes, bytes]]:
        """Return customers whose state time alone has changed at ``horizon`` or before."""
        return self._rows(connection, "due", (*self._key, moment_of(horizon), limit))

    def copy(
        self, connection: psycopg.Connection, position: int, rows: Iterable[CustomerRow]
    ) -> None:
        """Write customers of a generation that nobody else writes and that has none of them."""
        key = self._key
        encoded = [_copied(key, position, row) for row in rows]
        with connection.cursor().copy(_SQL["copy"]) as copy:
            copy.write(b"".join((COPY_HEAD, *encoded, COPY_TAIL)))

    def range(self, connection: psycopg.Connection, low: bytes, high: bytes) -> list[StoredRow]:
        """Return all customers of a range as they are stored, sorted by customer_id."""
        return self._rows(connection, "range", (*self._key, Uuid(low), Uuid(high)))

    def await_unmatched(self, connection: psycopg.Connection, up_to: int) -> None:
        """Await what corrections name that has not arrived at a position."""
        log_id, generation = self._key
        values = {"log_id": log_id, "generation": generation, "up_to": up_to}
        connection.execute(_SQL["await_unmatched"], values)

    def keep(
        self, connection: psycopg.Connection, position: int, rows: Sequence[CustomerRow]
    ) -> None:
        """Write customers, as changed at a position of the facts log."""
        values = (
            *self._key,
            position,
            UuidArray(row.customer_id for row in rows),
            ByteaArray(row.state for row in rows),
            InstantArray(row.valid_until for row in rows),
            InstantArray(row.stage_since for row in rows),
            InstantArray(row.last_seen_at for row in rows),
            InstantArray(row.last_purchase_at for row in rows),
            TextArray(row.stage for row in rows),
            FlagArray(row.at_risk for row in rows),
            FlagArray(row.anonymous for row in rows),
        )
        connection.execute(_SQL["keep"], values)

    def drop(self, connection: psycopg.Connection, customers: Iterable[bytes]) -> None:
        """Remove customers that are no more."""
        connection.execute(_SQL["drop"], (*self._key, UuidArray(customers)))

    def awaited(self, connection: psycopg.Connection) -> set[bytes]:
        """Return the entries that corrections named before they arrived."""
        return {entry_id for (entry_id,) in self._rows(connection, "awaited", self._key)}

    def keep_awaited(self, connection: psycopg.Connection, entries: Iterable[bytes]) -> None:
        """Await entries that corrections named."""
        connection.execute(_SQL["await"], (*self._key, UuidArray(entries)))

    def drop_awaited(self, connection: psycopg.Connection, entries: Iterable[bytes]) -> None:
        """Await entries no longer."""
        connection.execute(_SQL["arrived"], (*self._key, UuidArray(entries)))

    def clear(self, connection: psycopg.Connection) -> None:
        """Remove all rows of this generation, a 256th of the customers at a time."""
        for name in ("clear_links", "clear_memberships", "clear_awaited"):
            connection.execute(_SQL[name], self._key)
        for first in range(256):
            low, high = bytes((first,)) + bytes(15), bytes((first,)) + b"\xff" * 15
            connection.execute(_SQL["clear_customers"], (*self._key, Uuid(low), Uuid(high)))

    def _rows(self, connection: psycopg.Connection, name: str, values: Any) -> list[Any]:  # noqa: ANN401 - psycopg's own
        return binary_cursor(connection).execute(_SQL[name], values).fetchall()
