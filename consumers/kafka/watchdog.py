"""Ends a process whose Kafka client does not return.

After `poll` has raised once the next one can loop for ever at full speed without looking at its
time-out. We never poll again after an error; what nobody foresaw is ended here, and the process is
started anew by whoever looks after it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

_log = structlog.get_logger(__name__)
EXIT_STATUS = 70
_TICK_SECONDS = 0.5


def _end_process(what: str) -> None:
    _log.critical("intake_process_ended_by_watchdog", overstayed=what, alarm=True)
    os._exit(EXIT_STATUS)


class Watchdog:
    """Counts its own ticks, so that a process that was frozen is not ended when it wakes.

    Args:
        overstayed: called with the name of what took too long; ends the process.

    """

    def __init__(self, overstayed: Callable[[str], None] = _end_process) -> None:
        self._overstayed = overstayed
        self._watched: tuple[str, int] | None = None
        self._ticks = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="intake-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    @contextmanager
    def watch(self, what: str, seconds_max: float) -> Iterator[None]:
        """Expect the block to end within a time."""
        self._watched = (what, self._ticks + int(seconds_max / _TICK_SECONDS) + 1)
        try:
            yield
        finally:
            self._watched = None

    def _run(self) -> None:
        while not self._stopping.wait(_TICK_SECONDS):
            self._ticks += 1
            watched = self._watched
            if watched is not None and self._ticks > watched[1]:
                self._watched = None
                self._overstayed(watched[0])
