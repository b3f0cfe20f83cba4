"""The loop's own connection to the journal: made when needed, given up when it fails."""

from __future__ import annotations

import time
from contextlib import suppress

import psycopg
import structlog

from consumers.kafka.progress import Progress
from consumers.kafka.settings import KafkaIntakeSettings
from consumers.kafka.writing import LINK_OPTIONS
from journal.connecting import connect

_log = structlog.get_logger(__name__)


class JournalLink:
    """A connection that comes back by itself, after waits that double.

    Args:
        conninfo: of the journal.
        settings: how long to wait.
        progress: is told whether the journal is away.

    """

    def __init__(self, conninfo: str, settings: KafkaIntakeSettings, progress: Progress) -> None:
        self._conninfo = conninfo
        self._settings = settings
        self._progress = progress
        self._connection: psycopg.Connection | None = None
        self._wait_seconds = settings.retry_seconds_min
        self._not_before = 0.0

    @property
    def connection(self) -> psycopg.Connection:
        """Return the connection; only after :meth:`connected` has said so."""
        assert self._connection is not None, "ask connected() first"  # noqa: S101 - pair of connected
        return self._connection

    def connected(self) -> bool:
        """Return whether there is a connection, after trying to make one if it is time."""
        if self._connection is not None:
            return True
        if time.monotonic() < self._not_before:
            return False
        try:
            self._connection = connect(self._conninfo, name="vinculo intake", **LINK_OPTIONS)
        except psycopg.Error as error:
            self.lost(error)
            return False
        if self._progress.journal_away:
            _log.info("intake_journal_back")
        return True

    def lost(self, error: psycopg.Error) -> None:
        """Give up the connection and wait."""
        if not self._progress.journal_away:
            _log.error("intake_journal_away", error=str(error).strip(), alarm=True)
        self._progress.journal_away = True
        self.close()
        self._not_before = time.monotonic() + self._wait_seconds
        self._wait_seconds = min(2 * self._wait_seconds, self._settings.retry_seconds_max)

    def proven(self) -> None:
        """Note that the journal has done what it was asked."""
        self._progress.journal_away = False
        self._wait_seconds = self._settings.retry_seconds_min

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None
