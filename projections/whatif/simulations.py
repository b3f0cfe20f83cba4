"""Simulations: what-ifs that are asked by one process, told of by any, and run one at a time.

Their rows are all that is written; whoever cancels one does so in its row, and the process that
runs it notices when it next tells how far it has come.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import psycopg

from journal.connecting import Uuid, binary_cursor
from journal.queries import queries
from journal.tenants import Logs
from projections.whatif.replayed import Progress

KEPT_MAX = 20
SILENT_SECONDS_MAX = 60
"""After this time a running one that tells nothing counts as dead."""

State = Literal["running", "done", "failed", "cancelled"]
_SQL = queries("projections.whatif", "simulations.sql")


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, as its row tells.

    Args:
        simulation_id: 16 bytes.
        programme: its code.
        asked_by: the holder of the key.
        state: running, done, failed or cancelled.
        facts: position in the facts log up to which it has come.
        decisions: position in the decisions log up to which it has come.
        decisions_total: where that ends.
        accounts: that are replayed so far.
        report: canonical JSON, once it is done.
        failure: why it failed.

    """

    simulation_id: bytes
    programme: str
    asked_by: str
    state: State
    facts: int
    decisions: int
    decisions_total: int
    accounts: int
    report: bytes | None
    failure: str


class Simulations:
    """The simulations of one tenant.

    Args:
        logs: the tenant's.

    """

    def __init__(self, logs: Logs) -> None:
        self._log_id = logs.decisions

    def begin(
        self, connection: psycopg.Connection, simulation_id: bytes, programme: str, by: str,
        scenario: bytes,
    ) -> bool:  # fmt: skip
        """Record a new one, and say whether it may run: not while another one does."""
        connection.execute(_SQL["give_up"], (self._log_id, SILENT_SECONDS_MAX))
        connection.execute(_SQL["forget"], {"log_id": self._log_id, "kept": KEPT_MAX})
        values = (self._log_id, Uuid(simulation_id), programme, by, scenario)
        return connection.execute(_SQL["begin"], values).fetchone() is not None

    def tell(
        self, connection: psycopg.Connection, simulation_id: bytes, progress: Progress
    ) -> bool:
        """Record how far one has come, and say whether it is to go on."""
        values = {
            "log_id": self._log_id,
            "id": Uuid(simulation_id),
            **msgspec.structs.asdict(progress),
        }
        return connection.execute(_SQL["tell"], values).fetchone() is not None

    def finish(
        self, connection: psycopg.Connection, simulation_id: bytes, state: State,
        report: bytes | None = None, failure: str = "",
    ) -> None:  # fmt: skip
        """Record the end of one; nothing changes if it was ended before."""
        values = {
            "log_id": self._log_id, "id": Uuid(simulation_id), "state": state, "report": report,
            "failure": failure,
        }  # fmt: skip
        connection.execute(_SQL["finish"], values)

    def cancel(self, connection: psycopg.Connection, simulation_id: bytes, programme: str) -> None:
        """Ask one to stop; nothing changes if it has ended."""
        connection.execute(_SQL["cancel"], (self._log_id, Uuid(simulation_id), programme))

    def read(
        self, connection: psycopg.Connection, simulation_id: bytes, programme: str
    ) -> Simulation | None:
        """Return one, None if there is none of that id in that programme."""
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["read"], (self._log_id, Uuid(simulation_id), programme))
        row = cursor.fetchone()
        if row is None:
            return None
        return Simulation(**dict(zip(Simulation.__struct_fields__, row, strict=True)))
