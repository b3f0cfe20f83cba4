"""How far earning is behind the facts log, and whether it is lagging or stuck."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec
import psycopg

from domain.earning.decisions import EARNING_ID
from domain.instants import SECOND, moment_of
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, Uuid, binary_cursor
from journal.queries import queries
from journal.tenants import Logs

_SQL = queries("journal.earning", "lagging.sql")
STUCK_SECONDS: Final = 30.0


class EarningLag(msgspec.Struct, frozen=True):
    """How far earning has come.

    Args:
        progress: current, lagging, or stuck: nothing was judged for a while though facts wait.
        facts_position: of the last fact that was judged.
        facts_head: how far the facts log reaches.
        lag_events: facts that wait.
        lag_seconds: how long the oldest of them has waited.
        swept: up to when the timers of accounts were run; null before the first time.
        advanced_at: its last step; null before the first one.

    """

    progress: Literal["current", "lagging", "stuck"]
    facts_position: int
    facts_head: int
    lag_events: int
    lag_seconds: float
    swept: datetime | None
    advanced_at: datetime | None


def earning_lag(
    connection: psycopg.Connection, logs: Logs, now: int, stuck_seconds: float = STUCK_SECONDS
) -> EarningLag | None:
    """Return how far earning is, None where no worker has ever begun.

    Args:
        connection: to the journal.
        logs: of the tenant.
        now: the clock, microseconds since 1970.
        stuck_seconds: without a step for so long, though facts wait, it is stuck.

    """
    values = {"facts": logs.facts, "decisions": logs.decisions, "stream": Uuid(EARNING_ID.bytes)}
    row = binary_cursor(connection).execute(_SQL["lag"], values).fetchone()
    if row is None:
        return None
    judged, swept, head, waits, stepped = row
    waiting_since, advanced = _instant(waits), _instant(stepped)
    return EarningLag(
        progress=_progress(waiting_since, advanced, now - int(stuck_seconds * SECOND)),
        facts_position=judged,
        facts_head=head,
        lag_events=head - judged,
        lag_seconds=0.0 if waiting_since is None else max(0, now - waiting_since) / SECOND,
        swept=moment_of(swept) if swept else None,
        advanced_at=None if advanced is None else moment_of(advanced),
    )


def _progress(
    waiting_since: int | None, advanced: int | None, stuck_since: int
) -> Literal["current", "lagging", "stuck"]:
    if waiting_since is None:
        return "current"
    return "stuck" if max(waiting_since, advanced or 0) < stuck_since else "lagging"


def _instant(timestamp: int | None) -> int | None:
    return None if timestamp is None else timestamp + POSTGRES_EPOCH_MICROSECONDS
