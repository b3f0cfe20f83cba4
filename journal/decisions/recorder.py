"""The recorders of the decisions log, as the library asks for them.

An insert is one statement in a transaction of its own. It takes the head row of the log, as the
intake of facts does, so positions have no holes and are committed in order. It locks no table, so
vacuum is never kept waiting; it leaves no transaction open, so a frozen process holds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    AggregateRecorder,
    IntegrityError,
    NotSupportedError,
    OperationalError,
    StoredEvent,
)

from domain.errors import VinculoError
from journal.connecting import Uuid, UuidArray, binary_cursor
from journal.decisions.connections import Connections
from journal.decisions.notifications import POLL_SECONDS, LogNotifications
from journal.decisions.preparing import DecisionRows, prepare, stream_bytes
from journal.intake.pipeline import clock
from journal.queries import queries

TRIES_MAX = 3
_VERSION_MIN = -1
_VERSION_MAX = 2**31 - 1
_SQL = queries("journal.decisions", "recorder.sql")


class ConflictError(IntegrityError, VinculoError):
    """Somebody else was first to continue a stream. Load the aggregate again, decide anew."""


class DecisionStreams(AggregateRecorder):
    """Decisions by stream.

    Args:
        connections: to the journal.
        log_id: of the decisions log.
        now: the clock, microseconds since 1970.

    """

    def __init__(
        self, connections: Connections, log_id: int, *, now: Callable[[], int] = clock
    ) -> None:
        self.connections = connections
        self.log_id = log_id
        self._now = now

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: object
    ) -> Sequence[int] | None:
        """Append decisions, all or none. Blocks while another append holds the head.

        Raises:
            ConflictError: if a version of a stream is taken.
            PersistenceError: of the library, if the database refused or could not be reached.
            NotSupportedError: if a ``tracking`` object is given.

        """
        self._append(stored_events, **kwargs)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return decisions of a stream; arguments as the library says."""
        values = {
            "log_id": self.log_id,
            "stream_id": Uuid(stream_bytes(originator_id)),
            "gt": _VERSION_MIN if gt is None else gt,
            "lte": _VERSION_MAX if lte is None else lte,
            "limit": limit,
        }
        with self.connections.borrow() as connection:
            cursor = binary_cursor(connection)
            cursor.execute(_SQL["stream_backwards" if desc else "stream"], values)
            return [StoredEvent(originator_id, *row) for row in cursor]

    def _append(self, events: Sequence[StoredEvent], **kwargs: object) -> list[int]:
        if kwargs.get("tracking") is not None:
            message = (
                "expected no tracking object: one that only moves forward lets two owners both "
                "count; advance positions by compare-and-swap"
            )
            raise NotSupportedError(message)
        if not events:
            return []
        return self._insist(prepare(self.log_id, events, self._now()))

    def _insist(self, rows: DecisionRows) -> list[int]:
        """Append, again if the connection broke before the answer came."""
        for tries in range(1, TRIES_MAX + 1):
            try:
                return self._insert(rows)
            except OperationalError:
                if tries == TRIES_MAX:
                    raise
            except ConflictError:
                # After a lost answer the first to have taken the place may be ourselves.
                standing = self._standing(rows) if tries > 1 else None
                if standing is None:
                    raise
                return standing
        raise AssertionError

    def _insert(self, rows: DecisionRows) -> list[int]:
        with self.connections.borrow() as connection:
            try:
                found = connection.execute(_SQL["append"], rows.parameters()).fetchone()
            except psycopg.errors.UniqueViolation as error:
                raise _conflict(rows) from error
        if found is None:
            message = f"expected a head row of log {self.log_id}, found none; create the tenant"
            raise VinculoError(message)
        before: int = found[0]
        return list(range(before + 1, before + 1 + len(rows.bodies)))

    def _standing(self, rows: DecisionRows) -> list[int] | None:
        """Return where these very rows stand, None if others took a place of theirs.

        The leaf binds ``recorded_at`` to the microsecond, so it tells our own row from one that
        another process wrote of the same content.
        """
        with self.connections.borrow() as connection:
            cursor = binary_cursor(connection)
            values = (self.log_id, UuidArray(rows.entry_ids))
            found = cursor.execute(_SQL["standing"], values).fetchall()
        if [leaf for _, leaf in found] != rows.leaves:
            return None
        return [position for position, _ in found]


class DecisionRecorder(DecisionStreams, LogNotifications):
    """Decisions by stream and by position.

    Args:
        connections: to the journal.
        log_id: of the decisions log.
        now: the clock, microseconds since 1970.
        poll_seconds: how long a subscription waits for a hint before it looks by itself.

    """

    def __init__(
        self,
        connections: Connections,
        log_id: int,
        *,
        now: Callable[[], int] = clock,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        DecisionStreams.__init__(self, connections, log_id, now=now)
        LogNotifications.__init__(self, connections, log_id, _SQL, poll_seconds=poll_seconds)

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: object
    ) -> Sequence[int] | None:
        """Append decisions, all or none, and return their positions.

        Raises:
            ConflictError: if a version of a stream is taken.
            PersistenceError: of the library, if the database refused or could not be reached.
            NotSupportedError: if a ``tracking`` object is given.

        """
        return self._append(stored_events, **kwargs)


def _conflict(rows: DecisionRows) -> ConflictError:
    first = f"version {rows.stream_versions[0]} of stream {UUID(bytes=rows.stream_ids[0])}"
    return ConflictError(
        f"{len(rows.bodies)} decisions, the first one {first}: expected their places to be free, "
        "found one taken; load the aggregate again and decide anew"
    )
