"""The rows of the customer view: compact state, searched columns, and until when they hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from domain.instants import moment_of
from journal.connecting import (
    ByteaArray,
    FlagArray,
    InstantArray,
    TextArray,
    Uuid,
    UuidArray,
    binary_cursor,
)
from journal.queries import queries

_SQL = queries("projections.customer", "store.sql")


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
        return dict(self._rows(connection, "states", (*self._key, UuidArray(customers))))

    def due(
        self, connection: psycopg.Connection, horizon: int, limit: int
    ) -> list[tuple[bytes, bytes]]:
        """Return customers whose state time alone has changed at ``horizon`` or before."""
        return self._rows(connection, "due", (*self._key, moment_of(horizon), limit))

    def range(
        self, connection: psycopg.Connection, low: bytes, high: bytes
    ) -> list[tuple[bytes, bytes]]:
        """Return the encoded states of all customers of a range, sorted by customer_id."""
        return self._rows(connection, "range", (*self._key, Uuid(low), Uuid(high)))

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
