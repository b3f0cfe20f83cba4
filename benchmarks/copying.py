"""The reference of intake: raw binary COPY of equally wide rows into the same table and indexes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg

from benchmarks.load import Business, messages
from benchmarks.preload import SQL
from benchmarks.servers import Place
from journal.intake.batch import Prepared
from journal.intake.pipeline import Intake
from journal.queries import queries
from journal.reading import head_of
from journal.rows import COPY_HEAD, COPY_TAIL, row

_COPY = queries("journal.intake", "append.sql")["copy_entries"]


class RawCopy:
    """Rows that the pipeline made of other events of the same kind, copied without any of its work.

    They stand in the very log that is measured, at its right edge, so that table, indexes, rows
    present and width of rows are the same by construction.

    Args:
        place: whose log it is.
        business: makes events.
        batch: rows a transaction.

    """

    def __init__(self, place: Place, business: Business, batch: int) -> None:
        self._place = place
        self._business = business
        self._batch = batch
        self._intake: Intake = place.intake()
        self._connection = place.owner()

    def rate(self, count: int) -> float:
        """Copy so many rows and return how many that is a second; encoding is not counted."""
        prepared = prepare(self._place, self._intake, self._business, count)
        position = head_of(self._connection, self._place.logs.facts)
        batches = [
            encode(prepared[first : first + self._batch], position + first)
            for first in range(0, count, self._batch)
        ]
        began = time.perf_counter()
        for encoded in batches:
            self._write(encoded)
        seconds = time.perf_counter() - began
        self._connection.execute(SQL["head"], (position + count, self._place.logs.facts))
        return count / seconds

    def close(self) -> None:
        """Let the connection go."""
        self._connection.close()

    def _write(self, encoded: bytes) -> None:
        with self._connection.transaction(), self._connection.cursor().copy(_COPY) as copy:
            copy.write(encoded)


def prepare(place: Place, intake: Intake, business: Business, count: int) -> list[Prepared]:
    """Return what the pipeline makes of the next events, ready to be appended."""
    made = messages(list(business.events(count)), topic=next(iter(place.topics), ""))
    with place.connect() as connection:
        prepared = intake.prepare(connection, made).prepared
    assert len(prepared) == count
    return prepared


def encode(prepared: Sequence[Prepared], after: int) -> bytes:
    """Return rows as one COPY takes them, at the positions behind ``after``."""
    rows = (row(after + n, one.bound, one.leaf) for n, one in enumerate(prepared, 1))
    return b"".join((COPY_HEAD, *rows, COPY_TAIL))


def stored_rows(connection: psycopg.Connection, log_id: int, after: int) -> tuple[int, int]:
    """Return how many rows stand behind a position, and how many of them hold a sealed block."""
    found = connection.execute(
        "SELECT count(*), count(sealed) FROM journal.entry WHERE log_id = %s AND position > %s",
        (log_id, after),
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
