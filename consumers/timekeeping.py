"""The timekeeper: puts time into the log, so that timers fire the same in every replay.

Any number may run: the clock is an aggregate with optimistic concurrency, and who finds it young
enough does nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec
import structlog

from domain.decisions import TimeWentBackError
from domain.instants import SECOND
from journal.decisions import UNREACHABLE, ConflictError, Decisions, open_decisions
from journal.intake.pipeline import clock

_log = structlog.get_logger(__name__)


class TimekeepingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often time advances.

    Args:
        interval_seconds: a timer fires at most so much after it is due.

    """

    interval_seconds: float = 60.0


class Timekeeper:
    """Advance time until stopped.

    Args:
        conninfo: of the database.
        log_id: of the decisions log.
        settings: how often.
        now: the clock, microseconds since 1970.

    """

    def __init__(
        self,
        conninfo: str,
        log_id: int,
        settings: TimekeepingSettings | None = None,
        now: Callable[[], int] = clock,
    ) -> None:
        self._conninfo = conninfo
        self._log_id = log_id
        self._settings = settings or TimekeepingSettings()
        self._now = now
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def run(self) -> None:
        """Advance time at every interval until :meth:`stop`; wait for a database that is away."""
        with open_decisions(self._conninfo, self._log_id) as decisions:
            while not self._stopping.is_set():
                try:
                    self.tick(decisions)
                except (*UNREACHABLE, ConflictError) as error:
                    _log.warning("timekeeper.not_advanced", error=str(error))
                self._stopping.wait(self._settings.interval_seconds)

    def tick(self, decisions: Decisions) -> int | None:
        """Let time come to now, unless it just did; return the position of the decision."""
        now = self._now()
        time = decisions.clock().time
        young = int(self._settings.interval_seconds * SECOND) // 2
        if time is not None and now - time < young:
            return None
        try:
            position = decisions.advance_time(now)
        except TimeWentBackError:
            return None  # another timekeeper was a moment ahead
        _log.debug("timekeeper.advanced", to=now, position=position)
        return position
