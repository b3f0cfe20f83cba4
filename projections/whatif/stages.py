"""The lifecycle stage of accounts' customers, as the live view says now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psycopg

from journal.connecting import UuidArray, binary_cursor
from journal.queries import queries
from journal.tenants import Logs
from projections.customer.live import VIEW
from projections.generations import live_generation

UNKNOWN = "unknown"
"""The stage of those who stand in no live view."""

_SQL = queries("projections.whatif", "stages.sql")


class Stages:
    """Stages in the live generation of the customer view.

    Args:
        connection: to the database.
        logs: the tenant's.

    """

    def __init__(self, connection: psycopg.Connection, logs: Logs) -> None:
        live = live_generation(connection, logs.facts, VIEW)
        self._connection = connection
        self._values: dict[str, object] = {
            "facts": logs.facts,
            "decisions": logs.decisions,
            "generation": live.number if live else 0,
        }
        self.known_at = live.facts if live else 0
        self.fold = live.fold if live else ""

    def of_accounts(self, programme: str) -> dict[bytes, str]:
        """Return the stage by account id."""
        values = {**self._values, "programme": programme}
        rows = binary_cursor(self._connection).execute(_SQL["of_accounts"], values)
        return {account_id: stage or UNKNOWN for account_id, stage in rows}

    def of_personas(self, personas: Iterable[bytes]) -> Mapping[bytes, str]:
        """Return the stage by persona id."""
        values = {**self._values, "personas": UuidArray(personas)}
        rows = binary_cursor(self._connection).execute(_SQL["of_personas"], values)
        return {persona_id: stage or UNKNOWN for persona_id, stage in rows}
