"""The other reference of intake: the eventsourcing library's own recorder, as it comes."""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from benchmarks.copying import prepare
from benchmarks.harness import say, timed
from benchmarks.load import Business
from benchmarks.preload import SQL, contents
from benchmarks.servers import Place

_LEAF_AND_DIGEST = bytes(32 + 16)


def datastore(conninfo: str) -> PostgresDatastore:
    """Return the library's datastore on a database."""
    parts = conninfo_to_dict(conninfo)
    return PostgresDatastore(
        dbname=str(parts.get("dbname", "")), host=str(parts.get("host", "")),
        port=str(parts.get("port", "5432")), user=str(parts.get("user", "")),
        password=str(parts.get("password", "")),
    )  # fmt: skip


class StockRecorder:
    """Inserts events of equal width, already encoded, and nothing else.

    Args:
        place: whose rows are to be present in its table too.
        business: makes events.
        batch: events a transaction.
        ordered: whether ids are ordered in time as ours are, which is more than the library does:
            its aggregates have ``uuid4``.

    """

    def __init__(self, place: Place, business: Business, batch: int, *, ordered: bool) -> None:
        self._ordered = ordered
        self._place = place
        self._business = business
        self._batch = batch
        self._intake = place.intake()
        self._datastore = datastore(place.conninfo)
        self._recorder = PostgresApplicationRecorder(self._datastore)
        self._recorder.create_table()

    def fill(self) -> None:
        """Put the rows that are present in the journal into the library's table too."""

        def work() -> None:
            with self._place.owner() as owner:
                values = {"log_id": self._place.logs.facts, "ordered": self._ordered}
                owner.execute(SQL["stock"], values)

        say(f"the library's table took {timed(work):.1f} s")

    def rate(self, count: int) -> float:
        """Insert so many events and return how many that is a second."""
        events = []
        for one in prepare(self._place, self._intake, self._business, count):
            _, kind, body, sealed = contents(one)
            state = body + (sealed or b"") + _LEAF_AND_DIGEST
            stream = UUID(bytes=one.entry_id) if self._ordered else uuid4()
            events.append(StoredEvent(stream, 1, kind, state))
        began = time.perf_counter()
        for first in range(0, count, self._batch):
            self._recorder.insert_events(events[first : first + self._batch])
        return count / (time.perf_counter() - began)

    def close(self) -> None:
        """Let its connections go."""
        self._datastore.close()
