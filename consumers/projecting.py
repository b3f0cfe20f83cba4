"""The projecting worker: keeps the customer view fresh, survives the database's absence.

Of several workers one leads, by a session lock in PostgreSQL; the others stand by. The lock only
saves work: what keeps the view right is the compare-and-swap of the generation's position.
"""

from __future__ import annotations

import gc
import os
import socket
import threading

import msgspec
import psycopg
import structlog

from consumers.waiting import Hints
from journal.connecting import FOLDING_SECONDS_MAX, connect
from journal.reading import HoleError, UnreadableEntryError
from journal.tenants import Logs
from projections.customer.fold import Fold
from projections.customer.live import CustomerProjection, OtherFoldError, ProjectionLimits
from projections.generations import OvertakenError

_LEADER_LOCK = 0x56494E50  # "VINP", with the log's id as the second key
_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
_log = structlog.get_logger(__name__)


class ProjectingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the worker.

    Args:
        poll_seconds: how long to wait for a hint before looking anyway.
        standby_seconds: how often a worker that stands by asks to lead.
        retry_seconds_max: the longest pause while the database is away.
        projection: sizes of batches and caches.

    """

    poll_seconds: float = 0.25
    standby_seconds: float = 1.0
    retry_seconds_max: float = 2.0
    projection: ProjectionLimits = ProjectionLimits()


class ProjectionWorker:
    """Project until stopped.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        fold: the fold.
        settings: limits.

    """

    def __init__(
        self, conninfo: str, logs: Logs, fold: Fold, settings: ProjectingSettings | None = None
    ) -> None:
        self._conninfo = conninfo
        self._logs = logs
        self._fold = fold
        self._settings = settings or ProjectingSettings()
        self._stopping = threading.Event()
        self.projected = 0

    def stop(self) -> None:
        """Ask the worker to end after the batch in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Project until :meth:`stop`.

        Raises:
            HoleError: an entry is missing; nothing may be projected over it.
            UnreadableEntryError: an entry of a newer version; update this product.
            OtherFoldError: a rebuild was made with other rules; start anew with them.

        """
        _quiet_collector()
        pause = 0.1
        while not self._stopping.is_set():
            try:
                self._lead()
                pause = 0.1
            except (HoleError, UnreadableEntryError, OtherFoldError):
                _log.exception("projection.stopped")
                raise
            except _AWAY as error:
                _log.warning("projection.database_away", error=str(error), retry_seconds=pause)
                self._stopping.wait(pause)
                pause = min(pause * 2, self._settings.retry_seconds_max)

    def _lead(self) -> None:
        """Wait to lead, then project until stopped, overtaken, or cut off."""
        with connect(
            self._conninfo, name="vinculo projecting", idle_seconds_max=FOLDING_SECONDS_MAX
        ) as connection:
            while not self._stopping.is_set() and not self._take_lead(connection):
                self._stopping.wait(self._settings.standby_seconds)
            hints = Hints(self._conninfo, (self._logs.facts, self._logs.decisions))
            try:
                self._project(connection, hints)
            finally:
                hints.close()

    def _take_lead(self, connection: psycopg.Connection) -> bool:
        found = connection.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", (_LEADER_LOCK, self._logs.facts)
        ).fetchone()
        return bool(found and found[0])

    def _project(self, connection: psycopg.Connection, hints: Hints) -> None:
        owner = f"{socket.gethostname()} {os.getpid()}"
        projection = CustomerProjection(
            self._logs, self._fold, owner=owner, limits=self._settings.projection
        )
        while not self._stopping.is_set():
            try:
                if projection.generation is None:
                    generation = projection.claim(connection)
                    _log.info("projection.leads", generation=generation.number, owner=owner)
                count = projection.step(connection)
            except OvertakenError as error:
                # A rebuild switched to a newer generation, or another worker came: look again.
                _log.warning("projection.overtaken", detail=str(error))
                projection.generation = None
                self._stopping.wait(self._settings.poll_seconds)
                continue
            self.projected += count
            if count:
                _log.debug("projection.projected", facts=count)
            else:
                hints.wait(self._settings.poll_seconds)


def _quiet_collector() -> None:
    """States hold no cycles: let the collector look rarely, and never at what lives for ever."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
