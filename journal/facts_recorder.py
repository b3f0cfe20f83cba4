"""The facts log for the library's followers: each fact is a stream of one event, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn
from uuid import UUID

from eventsourcing.persistence import NotSupportedError, StoredEvent

from domain.errors import VinculoError
from journal.connecting import Uuid, binary_cursor
from journal.decisions.connections import Connections
from journal.decisions.notifications import POLL_SECONDS, LogNotifications
from journal.decisions.preparing import stream_bytes
from journal.queries import queries

FACT_VERSION = 1
"""The only version in the stream of a fact, whose id is the entry's."""

_SQL = queries("journal", "facts_recorder.sql")


class ReadOnlyLogError(NotSupportedError, VinculoError):
    """Facts are appended by intake alone, which checks, seals and counts them."""


class FactsRecorder(LogNotifications):
    """Read facts by entry id and by position. Notifications hold the body, never what is sealed.

    Args:
        connections: to the journal.
        log_id: of the facts log.
        poll_seconds: how long a subscription waits for a hint before it looks by itself.

    """

    def __init__(
        self, connections: Connections, log_id: int, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        super().__init__(connections, log_id, _SQL, poll_seconds=poll_seconds)

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: object) -> NoReturn:  # noqa: ARG002 - the library's signature
        """Refuse.

        Raises:
            ReadOnlyLogError: always.

        """
        message = (
            f"facts log {self.log_id}: expected to be read, found an insert of "
            f"{len(stored_events)} events; send touchpoints through intake, or record decisions"
        )
        raise ReadOnlyLogError(message)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,  # noqa: ARG002 - one event has no direction
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the fact of an entry id, as a list of one or none."""
        beyond = gt is not None and gt >= FACT_VERSION
        before = lte is not None and lte < FACT_VERSION
        if beyond or before or limit == 0:
            return []
        values = (self.log_id, Uuid(stream_bytes(originator_id)))
        with self.connections.borrow() as connection:
            rows = binary_cursor(connection).execute(_SQL["fact"], values).fetchall()
        return [StoredEvent(originator_id, FACT_VERSION, topic, body) for topic, body in rows]
