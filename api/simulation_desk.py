"""The desk of simulations: one what-if at a time, in a process of its own, watched by a thread."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing

import msgspec
import structlog

from domain.calendar import Calendar
from domain.earning.scenario import Scenario
from domain.errors import VinculoError
from journal.connecting import connect
from journal.tenants import Logs
from projections.whatif.replayed import CancelledError, Progress
from projections.whatif.report import canonical
from projections.whatif.running import WhatIfRun
from projections.whatif.simulations import Simulations

_TELL_SECONDS = 0.5
_CLOSE_SECONDS = 10
_log = structlog.get_logger(__name__)
_encode = msgspec.json.Encoder(order="deterministic").encode


class SimulationDesk:
    """Begins simulations and watches over those of this process.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        calendar: the tenant's.

    """

    def __init__(self, conninfo: str, logs: Logs, calendar: Calendar) -> None:
        self._conninfo = conninfo
        self._logs = logs
        self._calendar = calendar
        self.simulations = Simulations(logs)
        self._running: tuple[WhatIfRun, threading.Thread] | None = None

    def begin(
        self, programme: str, scenario: Scenario, begins: int | None, by: str
    ) -> bytes | None:
        """Begin one and return its id, None while another one runs; blocks shortly.

        Args:
            programme: its code.
            scenario: to be tried.
            begins: the versions hold from this instant on, microseconds since 1970, or None.
            by: the holder of the key.

        Raises:
            ScenarioError: if the scenario is about another programme.

        """
        run = WhatIfRun(
            self._conninfo, self._logs, self._calendar, scenario, programme, begins, processes=1
        )
        simulation_id = os.urandom(16)
        with closing(connect(self._conninfo, name="vinculo api simulation")) as connection:
            text = _encode(scenario)
            if not self.simulations.begin(connection, simulation_id, programme, by, text):
                return None
        thread = threading.Thread(
            target=self._watch, args=(run, simulation_id), name="simulation", daemon=True
        )
        self._running = run, thread
        thread.start()
        return simulation_id

    def cancel(self, simulation_id: bytes, programme: str) -> None:
        """Ask one to stop, whichever process runs it."""
        with closing(connect(self._conninfo, name="vinculo api simulation")) as connection:
            self.simulations.cancel(connection, simulation_id, programme)

    def close(self) -> None:
        """Stop the one of this process, if there is one."""
        if self._running is not None:
            run, thread = self._running
            run.cancel()
            thread.join(_CLOSE_SECONDS)

    def _watch(self, run: WhatIfRun, simulation_id: bytes) -> None:
        try:
            with closing(connect(self._conninfo, name="vinculo api simulation")) as connection:
                told_at = 0.0

                def told(progress: Progress) -> None:
                    nonlocal told_at
                    now = time.monotonic()
                    if now - told_at >= _TELL_SECONDS:
                        told_at = now
                        if not self.simulations.tell(connection, simulation_id, progress):
                            run.cancel()

                try:
                    report = canonical(run.run(told))
                    self.simulations.tell(connection, simulation_id, run.progress)
                    self.simulations.finish(connection, simulation_id, "done", report)
                except CancelledError:
                    self.simulations.finish(connection, simulation_id, "cancelled")
                except VinculoError as error:
                    self.simulations.finish(connection, simulation_id, "failed", failure=str(error))
        except Exception:  # noqa: BLE001 - a thread of its own; its row tells once it is silent
            _log.exception("simulation.failed")
