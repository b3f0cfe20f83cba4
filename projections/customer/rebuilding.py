"""Rebuilding: a new generation beside the live one, compared, then read in its place.

The live generation is written and read all the while. What is new is folded by ranges of
customers in several processes, caught up with the live one, compared at one coordinate, and
switched to by one row.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import msgspec
import psycopg
import structlog

from journal.connecting import connect
from journal.decisions.times import latest_time
from journal.reading import head_of, require_whole
from journal.tenants import Logs
from projections.customer.digest import (
    RANGES,
    bounds,
    identity_digest,
    range_digest,
    stored_row_digest,
    view_digest,
)
from projections.customer.fold import BEFORE_TIME, Fold
from projections.customer.live import VIEW, CustomerProjection, ProjectionLimits
from projections.customer.part import Context
from projections.customer.range_work import (
    RangeTask,
    begin_work,
    fold_range,
    folding_connection,
)
from projections.customer.store import CustomerStore
from projections.generations import (
    advance,
    begin_generation,
    claim,
    live_generation,
    retire,
    switch,
)
from projections.identity.building import build_identity
from projections.identity.store import IdentityStore

_log = structlog.get_logger(__name__)
_NEAR_EVENTS = 2_000


class RebuildReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild did.

    Args:
        generation: that is read now.
        events: facts folded.
        customers: rows written.
        fold_seconds: from the first fact to the last row.
        switch_seconds: how long the switch took.
        digest: of the new generation at the coordinate of the comparison.
        live_digest: of the old one at the same coordinate; empty where there was none.
        same_fold: whether both have the same parts, versions and rules; if so, digests must agree.

    """

    generation: int
    events: int
    customers: int
    fold_seconds: float
    switch_seconds: float
    digest: str
    live_digest: str
    same_fold: bool


def rebuild(
    conninfo: str,
    logs: Logs,
    context: Context,
    *,
    workers: int | None = None,
    limits: ProjectionLimits | None = None,
) -> RebuildReport:
    """Fold the customer view anew and switch to it.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        context: settings and rules of the new generation.
        workers: processes; as many as there are processors, if not given.
        limits: of the projection.

    Raises:
        HoleError: an entry is missing; nothing was switched.

    """
    limits = limits or ProjectionLimits()
    fold = Fold(context)
    with folding_connection(conninfo, "vinculo rebuild") as connection:
        before = live_generation(connection, logs.facts, VIEW)
        number = begin_generation(connection, logs.facts, VIEW, fold.name)
        try:
            report = _build(connection, conninfo, logs, fold, number, workers, limits)
        except BaseException:
            _remove(connection, logs.facts, number)
            raise
        if before is not None:
            _remove(connection, logs.facts, before.number)
    _log.info(
        "rebuild.switched",
        generation=number,
        digest=report.digest,
        same=report.digest == report.live_digest,
    )
    return report


def _build(
    connection: psycopg.Connection,
    conninfo: str,
    logs: Logs,
    fold: Fold,
    number: int,
    workers: int | None,
    limits: ProjectionLimits,
) -> RebuildReport:
    started = time.perf_counter()
    task = _prepare(connection, conninfo, logs, number, limits)
    customers = fold_ranges(task, fold.context, workers)
    fold_seconds = time.perf_counter() - started
    projection = CustomerProjection(logs, fold, owner=f"rebuild {os.getpid()}", limits=limits)
    _finish(connection, projection, task, number)
    projection.catch_up(connection)
    digest, live_digest, same_fold = _compare(connection, conninfo, logs, projection, number)
    projection.catch_up(connection)
    began = time.perf_counter()
    switch(connection, logs.facts, VIEW, number)
    switch_seconds = time.perf_counter() - began
    return RebuildReport(
        generation=number, events=task.up_to, customers=customers, fold_seconds=fold_seconds,
        switch_seconds=switch_seconds, digest=digest, live_digest=live_digest, same_fold=same_fold,
    )  # fmt: skip


def _remove(connection: psycopg.Connection, log_id: int, number: int) -> None:
    """Give a generation up and remove its rows, a 256th at a time."""
    retire(connection, log_id, VIEW, number)
    CustomerStore(log_id, number).clear(connection)


def _prepare(
    connection: psycopg.Connection,
    conninfo: str,
    logs: Logs,
    number: int,
    limits: ProjectionLimits,
) -> RangeTask:
    _decisions, to = latest_time(connection, logs.decisions)
    up_to = head_of(connection, logs.facts)
    require_whole(connection, logs.facts, up_to)
    build_identity(connection, logs.facts, number, up_to, limits.party_personas_max)
    CustomerStore(logs.facts, number).await_unmatched(connection, up_to)
    return RangeTask(conninfo, logs.facts, number, up_to, BEFORE_TIME if to is None else to)


def fold_ranges(task: RangeTask, context: Context, workers: int | None) -> int:
    """Fold all ranges into a generation, in worker processes; return how many customers."""
    count = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=begin_work, initargs=(task, context)
    ) as pool:
        return sum(pool.map(fold_range, range(RANGES)))


def _finish(
    connection: psycopg.Connection, projection: CustomerProjection, task: RangeTask, number: int
) -> None:
    """Note how far the generation has read, and become its writer."""
    owner = f"rebuild {os.getpid()}"
    claimed = claim(connection, task.log_id, VIEW, number, owner)
    advance(connection, claimed, facts=task.up_to, decisions=0, horizon=task.horizon)
    projection.claim(connection, number)


def _compare(
    connection: psycopg.Connection,
    conninfo: str,
    logs: Logs,
    projection: CustomerProjection,
    number: int,
) -> tuple[str, str, bool]:
    """Return the digests of both generations at one coordinate, and whether they must agree."""
    live = live_generation(connection, logs.facts, VIEW)
    if live is None:
        with snapshot(conninfo) as still:
            return stored_digest(still, logs.facts, number), "", False
    with folding_connection(conninfo, "vinculo rebuild hold") as holder, holder.transaction():
        # The live generation stands still until the snapshot is taken; batches take milliseconds.
        holder.execute(
            "SELECT FROM view.view_generation WHERE log_id = %s AND view = %s AND generation = %s"
            " FOR UPDATE",
            (logs.facts, VIEW, live.number),
        )
        live = live_generation(holder, logs.facts, VIEW) or live
        projection.catch_up(connection, live.facts)
        still_context = snapshot(conninfo)
        still = still_context.__enter__()
    try:
        mine = stored_digest(still, logs.facts, number)
        theirs = stored_digest(still, logs.facts, live.number)
    finally:
        still_context.__exit__(None, None, None)
    at_one = projection.generation is not None and (
        projection.generation.facts,
        projection.generation.horizon,
    ) == (live.facts, live.horizon)
    return mine, theirs, at_one and live.fold == projection.fold.name


@contextmanager
def snapshot(conninfo: str) -> Iterator[psycopg.Connection]:
    """Open a connection that sees the database as it is now, however long it reads."""
    with connect(conninfo, name="vinculo digest") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET idle_in_transaction_session_timeout = '10min'")
        with connection.transaction():
            connection.execute("SELECT 1")
            yield connection


def stored_digest(connection: psycopg.Connection, log_id: int, generation: int) -> str:
    """Return the digest of a generation as it is stored."""
    store = CustomerStore(log_id, generation)
    ranges = [
        range_digest(map(stored_row_digest, store.range(connection, *bounds(number))))
        for number in range(RANGES)
    ]
    return view_digest(ranges, stored_identity_digest(connection, log_id, generation))


def stored_identity_digest(connection: psycopg.Connection, log_id: int, generation: int) -> bytes:
    """Return the digest of who is who in a generation, as it is stored."""
    return identity_digest(IdentityStore(log_id, generation).all_memberships(connection))
