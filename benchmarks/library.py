"""The reference of the live projection: the eventsourcing library's ``ProjectionRunner``.

It follows the same facts log and folds the same events by the same fold into one row a party; what
differs is how: one event at a time, each with its tracking in a transaction of its own.
"""

from __future__ import annotations

import threading
import time
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from eventsourcing.application import Application
from eventsourcing.persistence import Mapper, StoredEvent, Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.conninfo import conninfo_to_dict

from benchmarks.servers import CONTEXT, SOURCE, Place
from benchmarks.stock import datastore
from domain.fact import Body, Fact
from domain.identifiers import Persona
from domain.touchpoints import CATALOGUE
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS
from journal.decisions.connections import Connections
from journal.facts_recorder import FactsRecorder
from projections.customer.columns import row_of
from projections.customer.fold import BEFORE_TIME, Fold

_WAIT_SECONDS = 120.0
_TABLE = "CREATE TABLE bench.party (customer_id uuid PRIMARY KEY, state bytea NOT NULL)"
_FILL = (
    "INSERT INTO bench.party SELECT customer_id, state FROM view.customer WHERE log_id = %s "
    "ON CONFLICT (customer_id) DO UPDATE SET state = excluded.state"
)
_STATE = "SELECT state FROM bench.party WHERE customer_id = %s"
_KEEP = (
    "INSERT INTO bench.party VALUES (%s, %s) "
    "ON CONFLICT (customer_id) DO UPDATE SET state = excluded.state"
)
# As journal/facts_recorder.sql, with the subject as the stream, and with id and time before the
# body: a follower that folds parties has to know them, and the library tells it nothing else.
_NOTIFICATIONS = """
SELECT position, persona_id, 1::int8, type,
    uuid_send(entry_id) || timestamptz_send(occurred_at) || body
FROM journal.entry
WHERE log_id = %(log_id)s AND position >= %(first)s AND position <= %(last)s
ORDER BY position LIMIT %(limit)s
"""


class _Followed:
    """Where the runner's classes find what only a benchmark knows; the library makes them."""

    place: ClassVar[Place]
    stop_at: ClassVar[int]
    reached_at: ClassVar[float]
    done: ClassVar[threading.Event] = threading.Event()


class FactMapper(Mapper[UUID]):
    """Decodes facts, as fast as the product's own reader does."""

    def __init__(self) -> None:
        self._decoders = {
            name: msgspec.json.Decoder(Body[kind])  # type: ignore[valid-type]
            for name, kind in CATALOGUE.types.items()
        }

    def to_domain_event(self, stored_event: StoredEvent) -> Any:  # noqa: ANN401 - the library's own
        """Return the fact."""
        state, subject = stored_event.state, stored_event.originator_id
        assert isinstance(subject, UUID)
        body = self._decoders[stored_event.topic].decode(state[24:])
        occurred_at = int.from_bytes(state[16:24], signed=True) + POSTGRES_EPOCH_MICROSECONDS
        return Fact(
            state[:16], SOURCE, body.id, body.sequence, Persona(body.namespace, subject.bytes),
            occurred_at, body.data,
        )  # fmt: skip


class Facts(Application[UUID]):
    """The facts log as an application that can be followed."""

    name = "facts"

    def construct_mapper(self) -> Mapper[UUID]:
        """Return what decodes facts."""
        return FactMapper()

    def construct_recorder(self) -> Any:  # noqa: ANN401 - the library's own
        """Return the product's recorder of facts, by subject."""
        place = _Followed.place
        recorder = FactsRecorder(Connections(place.conninfo), place.logs.facts)
        recorder._queries = {**recorder._queries, "notifications": _NOTIFICATIONS}  # noqa: SLF001
        return recorder


class PartyRows(PostgresTrackingRecorder):
    """One row a party, written with the tracking of one event."""

    def take_in(self, fold: Fold, fact: Fact, tracking: Tracking) -> None:
        """Fold one event into its party's row."""
        customer_id = fact.persona.persona_id
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(_STATE, (UUID(bytes=customer_id),), prepare=True)
            found = cursor.fetchone()
            state = fold.new() if found is None else fold.decode(found["state"])
            fold.evolve(state, fact)
            row = row_of(fold, customer_id, state, BEFORE_TIME)
            cursor.execute(_KEEP, (UUID(bytes=customer_id), row.state), prepare=True)
            self._insert_tracking(cursor, tracking)


class Parties(Projection[PartyRows]):
    """Folds every event into its party."""

    name = "parties"

    def __init__(self, view: PartyRows) -> None:
        super().__init__(view)
        self._fold = Fold(CONTEXT)

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401 - the library's own
        """Take one event in; note when the last one of the round was."""
        if tracking.notification_id <= _Followed.stop_at:
            self.view.take_in(self._fold, domain_event, tracking)
        if tracking.notification_id == _Followed.stop_at:
            _Followed.reached_at = time.perf_counter()
            _Followed.done.set()


class LibraryRunner:
    """Measures the library's runner over slices of a facts log.

    Args:
        place: whose facts.
        position: behind which to begin.

    """

    def __init__(self, place: Place, position: int) -> None:
        self._place = place
        self._position = position
        _Followed.place = place
        parts = conninfo_to_dict(place.conninfo)
        self._environment = {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": str(parts.get("dbname", "")),
            "POSTGRES_HOST": str(parts.get("host", "")),
            "POSTGRES_PORT": str(parts.get("port", "5432")),
            "POSTGRES_USER": str(parts.get("user", "")),
            "POSTGRES_PASSWORD": str(parts.get("password") or "none"),
        }
        with place.owner() as owner:
            owner.execute("CREATE SCHEMA IF NOT EXISTS bench")
            owner.execute(_TABLE)

    def equal_rows(self) -> None:
        """Make its rows equal to those of the live view."""
        with self._place.owner() as owner:
            owner.execute(_FILL, (self._place.logs.facts,))
            owner.execute("ANALYZE bench.party")

    def rate(self, count: int) -> float:
        """Let the runner take in so many facts more and return how many that is a second."""
        self._start_behind(self._position)
        self._position += count
        _Followed.stop_at = self._position
        _Followed.done.clear()
        began = time.perf_counter()
        with ProjectionRunner(
            application_class=Facts, projection_class=Parties, view_class=PartyRows,
            env=self._environment,
        ) as runner:  # fmt: skip
            if not _Followed.done.wait(_WAIT_SECONDS):
                runner.run_forever(0.01)  # raises what went wrong, if something did
                message = f"expected {count} facts within {_WAIT_SECONDS} s, found fewer"
                raise TimeoutError(message)
        return count / (_Followed.reached_at - began)

    def _start_behind(self, position: int) -> None:
        store = datastore(self._place.conninfo)
        view = PartyRows(store, tracking_table_name="parties_tracking")
        view.create_table()
        if (view.max_tracking_id(Facts.name) or 0) < position:
            view.insert_tracking(Tracking(Facts.name, position))
        store.close()
