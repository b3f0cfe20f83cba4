"""The demo's workers: the real ones, each in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from consumers.earning import EarningWorker
from consumers.projecting import ProjectingSettings, ProjectionWorker
from consumers.timekeeping import Timekeeper, TimekeepingSettings
from domain.errors import VinculoError
from journal.intake.pipeline import clock
from projections.customer.fold import Fold
from projections.customer.live import VIEW
from projections.lags import ProjectionLag, projection_lags
from vinculo.composition import Composition

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 0.05
_STOP_SECONDS = 30.0


class Worker(Protocol):
    """What runs until it is told to stop."""

    def run(self) -> None:
        """Run until stopped."""

    def stop(self) -> None:
        """End soon; from any thread."""


class Workers:
    """Run workers in threads, and notice when one fails."""

    def __init__(self) -> None:
        self._running: list[tuple[Worker, threading.Thread]] = []
        self._failures: list[BaseException] = []

    def start(self, name: str, worker: Worker) -> None:
        """Run a worker from now on."""
        thread = threading.Thread(target=self._run, args=(worker,), name=name, daemon=True)
        self._running.append((worker, thread))
        thread.start()

    def check(self) -> None:
        """Raise what a worker failed with, if one has.

        Raises:
            BaseException: as the worker raised it.

        """
        if self._failures:
            raise self._failures[0]

    def stop(self) -> None:
        """Stop all of them, the last started first, and wait for their ends."""
        for worker, _ in reversed(self._running):
            worker.stop()
        for _, thread in reversed(self._running):
            thread.join(_STOP_SECONDS)

    def _run(self, worker: Worker) -> None:
        try:
            worker.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the demo's own thread
            self._failures.append(error)


def projecting(made: Composition, fold: Fold) -> ProjectionWorker:
    """Return the worker that keeps the customer view."""
    settings = ProjectingSettings(projection=made.projection_limits)
    return ProjectionWorker(made.conninfo, made.logs, fold, settings)


def earning(made: Composition) -> EarningWorker:
    """Return the worker that earns points."""
    return EarningWorker(made.conninfo, made.logs, made.programme_rules, made.earning)


def timekeeping(made: Composition) -> Timekeeper:
    """Return the worker that keeps time."""
    settings = TimekeepingSettings(interval_seconds=made.settings.timekeeper_interval_seconds)
    return Timekeeper(made.conninfo, made.logs.decisions, settings)


def wait_until_current(
    made: Composition, workers: Workers, progress: Callable[[int], None], seconds_max: float = 600
) -> ProjectionLag:
    """Wait until the customer view has read both logs to their ends, and return where it stands.

    Args:
        made: the installation.
        workers: of which none may fail meanwhile.
        progress: told how many facts were read since.
        seconds_max: how long to wait without a step forward.

    Raises:
        VinculoError: nothing moved for so long.

    """
    seen, give_up_at = 0, time.monotonic() + seconds_max
    with made.connect("vinculo demo") as connection:
        while time.monotonic() < give_up_at:
            workers.check()
            lag = _of_customers(projection_lags(connection, made.logs, clock()))
            if lag is not None:
                if lag.facts_position > seen:
                    progress(lag.facts_position - seen)
                    seen, give_up_at = lag.facts_position, time.monotonic() + seconds_max
                if not lag.lag_events and lag.decisions_position == lag.decisions_head:
                    return lag
            time.sleep(_LOOK_SECONDS)
    message = f"expected the customer view to move on, found it at {seen} for {seconds_max:g} s"
    raise VinculoError(message)


def _of_customers(lags: list[ProjectionLag]) -> ProjectionLag | None:
    return next((lag for lag in lags if lag.view == VIEW and lag.state == "live"), None)
