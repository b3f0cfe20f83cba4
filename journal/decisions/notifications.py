"""A log of the journal as the library's notification log: contiguous, by position.

Serves the decisions log and, read-only, the facts log; they differ in what names a stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import LiteralString
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, Notification

from journal.connecting import binary_cursor
from journal.decisions.connections import Connections
from journal.decisions.subscription import LogSubscription
from journal.intake.appending import channel_name
from journal.reading import HoleError, head_of

POLL_SECONDS = 1.0
LAST = 2**63 - 1

NotificationRow = tuple[int, bytes, int, str, bytes]
"""position, stream_id, stream_version, type, body."""


class LogNotifications(ApplicationRecorder):
    """The reading half of an application recorder, over one log.

    Args:
        connections: to the journal.
        log_id: of the log.
        sql: queries ``notifications`` and ``notifications_of_topics`` that yield
            :data:`NotificationRow`.
        poll_seconds: how long a subscription waits for a hint before it looks by itself.

    """

    def __init__(
        self,
        connections: Connections,
        log_id: int,
        sql: Mapping[str, LiteralString],
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self.connections = connections
        self.log_id = log_id
        self._queries = sql
        self._poll_seconds = poll_seconds

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[Notification]:
        """Return entries in the order of their positions; arguments as the library says.

        Raises:
            HoleError: if a position is missing, which can only be told when no topics are given.

        """
        first = 1 if start is None else start + (not inclusive_of_start)
        values = {
            "log_id": self.log_id, "first": first, "last": LAST if stop is None else stop,
            "limit": limit, "topics": list(topics),
        }  # fmt: skip
        name = "notifications_of_topics" if topics else "notifications"
        with self.connections.borrow() as connection:
            cursor = binary_cursor(connection)
            rows: list[NotificationRow] = cursor.execute(self._queries[name], values).fetchall()
        if not topics:
            self._refuse_hole(max(first, 1), rows)
        return [
            Notification(UUID(bytes=stream), version, topic, state, position)
            for position, stream, version, topic, state in rows
        ]

    def _refuse_hole(self, first: int, rows: list[NotificationRow]) -> None:
        for expected, row in enumerate(rows, first):
            if row[0] != expected:
                message = (
                    f"log {self.log_id}: expected position {expected}, found {row[0]}; stop all "
                    "readers and compare with a backup: an entry was removed"
                )
                raise HoleError(message)

    def max_notification_id(self) -> int | None:
        """Return the position of the last entry, None if there is none."""
        with self.connections.borrow() as connection:
            return head_of(connection, self.log_id) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> LogSubscription:
        """Return an endless iterator of the entries behind a position; see the subscription."""
        return LogSubscription(
            self,
            gt,
            topics,
            listen=lambda: self.connections.open_listener(channel_name(self.log_id)),
            poll_seconds=self._poll_seconds,
        )
