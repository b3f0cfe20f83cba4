"""Verifying: fold the journal anew beside the view, and compare both row by row.

Who is who is built anew too. Nothing that is read is changed; what was built is removed again.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import msgspec
import psycopg
from psycopg import sql

from domain.errors import VinculoError
from journal.connecting import POSTGRES_EPOCH_MICROSECONDS, connect
from journal.reading import require_whole
from journal.tenants import Logs
from projections.customer.columns import row_of
from projections.customer.digest import (
    RANGES,
    bounds,
    range_digest,
    row_digest,
    stored_row_digest,
    view_digest,
)
from projections.customer.fold import Fold
from projections.customer.live import VIEW, ProjectionLimits
from projections.customer.part import Context
from projections.customer.ranges import RangeFolding
from projections.customer.rebuilding import stored_identity_digest
from projections.customer.store import CustomerStore, StoredRow
from projections.generations import Generation, begin_generation, live_generation, retire
from projections.identity.building import build_identity
from projections.identity.store import IdentityStore

DIFFERENCES_MAX = 1_000


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the view is what the journal says.

    Args:
        facts: position in the facts log at which both were compared.
        decisions: the same of the decisions log.
        horizon: the common horizon, microseconds since 1970.
        customers: rows of the view.
        digest: of the view as it is stored.
        rebuilt_digest: of the view as it was folded anew.
        differences: customer_ids (hexadecimal) that differ; at most 1,000 are listed.
        fold: what folded it.

    """

    facts: int
    decisions: int
    horizon: int
    customers: int
    digest: str
    rebuilt_digest: str
    differences: tuple[str, ...]
    fold: str

    @property
    def same(self) -> bool:
        """Whether view and journal agree byte for byte, and so do the links behind the view."""
        return self.digest == self.rebuilt_digest and not self.differences


class _Task(msgspec.Struct, frozen=True):
    conninfo: str
    snapshot: str
    live: Generation
    built: int


class _Compared(msgspec.Struct, frozen=True):
    stored: bytes
    folded: bytes
    customers: int
    differences: tuple[str, ...]


def verify(
    conninfo: str,
    logs: Logs,
    context: Context,
    *,
    workers: int | None = None,
    limits: ProjectionLimits | None = None,
) -> VerifyReport:
    """Compare the live view with a fold of the whole journal at the same coordinate.

    Args:
        conninfo: of the database.
        logs: the tenant's.
        context: settings and rules; those of the live view, or everything differs.
        workers: processes; as many as there are processors, if not given.
        limits: of the projection.

    Raises:
        VinculoError: if there is no view yet.

    """
    personas_max = (limits or ProjectionLimits()).party_personas_max
    with connect(conninfo, name="vinculo verify") as connection:
        built = begin_generation(connection, logs.facts, VIEW, Fold(context).name)
        try:
            with connect(conninfo, name="vinculo verify snapshot") as still:
                still.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                still.execute("SET idle_in_transaction_session_timeout = 0")
                with still.transaction():
                    task = _still(still, conninfo, logs, built)
                    require_whole(still, logs.facts, task.live.facts)
                    build_identity(connection, logs.facts, built, task.live.facts, personas_max)
                    return _compare(still, connection, task, context, workers)
        finally:
            retire(connection, logs.facts, VIEW, built)
            CustomerStore(logs.facts, built).clear(connection)


def _still(still: psycopg.Connection, conninfo: str, logs: Logs, built: int) -> _Task:
    """Hold the view still for this and the workers' transactions, while others go on."""
    name = still.execute("SELECT pg_export_snapshot()").fetchone()
    live = live_generation(still, logs.facts, VIEW)
    if live is None or name is None:
        message = "expected a live customer view, found none; start 'vinculo work project' first"
        raise VinculoError(message)
    return _Task(conninfo, name[0], live, built)


def _compare(
    still: psycopg.Connection,
    connection: psycopg.Connection,
    task: _Task,
    context: Context,
    workers: int | None,
) -> VerifyReport:
    count = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(
        count, mp_context=get_context("spawn"), initializer=_begin, initargs=(task, context)
    ) as pool:
        compared = list(pool.map(_compare_range, range(RANGES), chunksize=4))
    live = task.live
    identity = IdentityStore(live.log_id, live.number)
    built = IdentityStore(live.log_id, task.built)
    stored, folded = identity.all_memberships(still), built.all_memberships(connection)
    moved = {customer.hex() for _, customer in set(stored) ^ set(folded)}
    linked = set(identity.all_links(still)) ^ set(built.all_links(connection))
    apart = {persona.hex() for link in linked for persona in link[:2]}
    rows = {one for part in compared for one in part.differences}
    return VerifyReport(
        facts=live.facts,
        decisions=live.decisions,
        horizon=live.horizon,
        customers=sum(part.customers for part in compared),
        digest=view_digest(
            [part.stored for part in compared],
            stored_identity_digest(still, live.log_id, live.number),
        ),
        rebuilt_digest=view_digest(
            [part.folded for part in compared],
            stored_identity_digest(connection, live.log_id, task.built),
        ),
        differences=tuple(sorted(rows | moved | apart)[:DIFFERENCES_MAX]),
        fold=live.fold,
    )


class _Work:
    """What a worker process keeps between ranges."""

    task: _Task
    still: psycopg.Connection
    journal: psycopg.Connection
    fold: Fold
    folding: RangeFolding


def _begin(task: _Task, context: Context) -> None:
    _Work.task = task
    _Work.journal = connect(task.conninfo, name="vinculo verify worker")
    _Work.still = connect(task.conninfo, name="vinculo verify worker snapshot")
    _Work.still.execute("SET idle_in_transaction_session_timeout = 0")
    _Work.still.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    _Work.still.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(task.snapshot)))
    _Work.fold = Fold(context)
    _Work.folding = RangeFolding(_Work.fold, task.live.log_id, task.built)


def _compare_range(number: int) -> _Compared:
    live = _Work.task.live
    store = CustomerStore(live.log_id, live.number)
    stored = store.range(_Work.still, *bounds(number))
    rows = _Work.folding.rows(_Work.journal, number, live.facts, live.horizon)
    mine = {row[0]: _settled_digest(row) for row in stored}
    theirs = {row.customer_id: row_digest(row) for row in rows}
    differing = {one for one in mine.keys() | theirs.keys() if mine.get(one) != theirs.get(one)}
    return _Compared(
        range_digest(mine.values()),
        range_digest(theirs.values()),
        len(mine),
        tuple(sorted(one.hex() for one in differing)),
    )


def _settled_digest(row: StoredRow) -> bytes:
    """Return the digest of a stored row, its timers run up to the horizon.

    In the midst of a tick some rows are still to be run: that is no difference.
    """
    live, fold = _Work.task.live, _Work.fold
    due = row[2]
    if due is None or due + POSTGRES_EPOCH_MICROSECONDS > live.horizon:
        return stored_row_digest(row)
    return row_digest(row_of(fold, row[0], fold.decode(row[1]), live.horizon))
