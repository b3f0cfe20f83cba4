"""How far views are behind their log, and whether they are lagging or stuck."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import psycopg

from domain.instants import SECOND, moment_of
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, binary_cursor
from journal.queries import queries
from journal.reading import head_of
from journal.tenants import Logs

_SQL = queries("projections", "lags.sql")
_MINUS_INFINITY = -(2**63)
STUCK_SECONDS = 30.0

Progress = Literal["current", "lagging", "stuck"]
"""Nothing to read; reading; something to read and no step taken for a while."""


class ProjectionLag(msgspec.Struct, frozen=True):
    """One generation of a view.

    Args:
        view: its name.
        generation: its number.
        state: live (it is read) or building.
        progress: current, lagging, or stuck: nothing was read for a while though facts wait.
        facts_position: up to where it has read the facts log.
        facts_head: how far that log reaches.
        decisions_position: up to where it has taken in time from the decisions log.
        decisions_head: how far that log reaches.
        lag_events: facts that wait.
        lag_seconds: how long the oldest of them has waited.
        horizon: up to when timers were run; null before the first tick.
        owner: who writes it.
        advanced_at: its last step.

    """

    view: str
    generation: int
    state: str
    progress: Progress
    facts_position: int
    facts_head: int
    decisions_position: int
    decisions_head: int
    lag_events: int
    lag_seconds: float
    horizon: datetime | None
    owner: str
    advanced_at: datetime


def projection_lags(
    connection: psycopg.Connection, logs: Logs, now: int, stuck_seconds: float = STUCK_SECONDS
) -> list[ProjectionLag]:
    """Return how far every generation of every view is, but for retired ones.

    Args:
        connection: to journal and views.
        logs: of the tenant.
        now: the clock, microseconds since 1970.
        stuck_seconds: without a step for so long, though facts wait, a view is stuck.

    """
    # The views first: a head that is read after them is never behind them.
    rows = binary_cursor(connection).execute(_SQL["lags"], (logs.facts,)).fetchall()
    decided = head_of(connection, logs.decisions)
    return [_lag(row, decided, now, stuck_seconds) for row in rows]


def _lag(row: tuple[Any, ...], decided: int, now: int, stuck_seconds: float) -> ProjectionLag:
    view, number, state, facts, decisions, horizon, owner, advanced, head, waits = row
    advanced_at = advanced + POSTGRES_EPOCH_MICROSECONDS
    waiting_since = None if waits is None else waits + POSTGRES_EPOCH_MICROSECONDS
    lag = 0.0 if waiting_since is None else max(0, now - waiting_since) / SECOND
    return ProjectionLag(
        view=view,
        generation=number,
        state=state,
        progress=_progress(waiting_since, advanced_at, now - int(stuck_seconds * SECOND)),
        facts_position=facts,
        facts_head=head,
        decisions_position=decisions,
        decisions_head=decided,
        lag_events=head - facts,
        lag_seconds=lag,
        horizon=_instant(horizon),
        owner=owner,
        advanced_at=moment_of(advanced_at),
    )


def _progress(waiting_since: int | None, advanced_at: int, stuck_since: int) -> Progress:
    if waiting_since is None:
        return "current"
    return "stuck" if max(waiting_since, advanced_at) < stuck_since else "lagging"


def _instant(timestamp: int) -> datetime | None:
    if timestamp == _MINUS_INFINITY:
        return None
    return moment_of(timestamp + POSTGRES_EPOCH_MICROSECONDS)
