"""Waiting for something new in a log: a hint wakes at once, polling makes sure."""

from __future__ import annotations

import psycopg
from psycopg import sql

from journal.intake.appending import channel_name


class Hints:
    """Listen for hints about some logs on a connection of their own.

    Args:
        conninfo: of the database.
        log_ids: of the logs.

    """

    def __init__(self, conninfo: str, log_ids: tuple[int, ...]) -> None:
        self._connection = psycopg.connect(
            conninfo, autocommit=True, application_name="vinculo hints"
        )
        for log_id in log_ids:
            listen = sql.SQL("LISTEN {}").format(sql.Identifier(channel_name(log_id)))
            self._connection.execute(listen)

    def wait(self, seconds: float) -> None:
        """Return after a hint, or after so many seconds; hints that piled up count as one.

        Raises:
            psycopg.OperationalError: the connection is gone; listen anew.

        """
        for _hint in self._connection.notifies(timeout=seconds, stop_after=1):
            pass

    def close(self) -> None:
        """Stop listening."""
        self._connection.close()
