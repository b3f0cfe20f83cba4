"""Time for folds: how far it has come, read straight from the log on the caller's connection.

Only the clock's stream is read, by its index; the log may hold any number of other decisions.
"""

from __future__ import annotations

import psycopg

from domain.decisions import CLOCK_ID, TimeAdvanced
from journal.connecting import Uuid, binary_cursor
from journal.decisions.mapper import DecisionMapper, UnreadableDecisionError
from journal.queries import queries

ADVANCES_MAX = 10_000

_SQL = queries("journal.decisions", "times.sql")
_CLOCK = Uuid(CLOCK_ID.bytes)
_decision = DecisionMapper().decision


def latest_time(
    connection: psycopg.Connection, log_id: int, until: int | None = None
) -> tuple[int, int | None]:
    """Return the greatest ``TimeAdvanced``: its position, and the instant that time came to.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        until: as known at this position; None means now.

    Returns:
        Position and microseconds since 1970; ``(0, None)`` if time was never advanced.

    Raises:
        UnreadableDecisionError: if an entry is not understood.

    """
    values = {"log_id": log_id, "stream_id": _CLOCK, "until": until}
    cursor = binary_cursor(connection)
    row = cursor.execute(_SQL["latest" if until is None else "latest_until"], values).fetchone()
    return (0, None) if row is None else _advance(row)


def time_advances(
    connection: psycopg.Connection, log_id: int, after: int, limit: int = ADVANCES_MAX
) -> list[tuple[int, int]]:
    """Return every advance of time behind a position, in order.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        after: position; 0 begins with the first.
        limit: at most so many; ask again behind the last one's position for more.

    Returns:
        Positions and instants (microseconds since 1970).

    Raises:
        UnreadableDecisionError: if an entry is not understood.

    """
    values = {"log_id": log_id, "stream_id": _CLOCK, "after": after, "limit": limit}
    return [_advance(row) for row in binary_cursor(connection).execute(_SQL["after"], values)]


def _advance(row: tuple[int, str, bytes]) -> tuple[int, int]:
    position, topic, body = row
    decision = _decision(topic, body)
    if not isinstance(decision, TimeAdvanced):
        message = (
            f"position {position}: expected a TimeAdvanced in the clock's stream, found {topic}"
        )
        raise UnreadableDecisionError(message)
    return position, decision.to
