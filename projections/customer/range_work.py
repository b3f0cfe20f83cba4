"""The worker processes of a rebuild: each folds ranges and copies them into the new generation.

They import this module and little else: they start anew for every rebuild.
"""

from __future__ import annotations

import gc

import msgspec
import psycopg

from journal.connecting import FOLDING_SECONDS_MAX, connect
from projections.customer.fold import Fold
from projections.customer.part import Context
from projections.customer.ranges import RangeFolding
from projections.customer.store import CustomerStore


class RangeTask(msgspec.Struct, frozen=True):
    """What a worker process needs to fold ranges.

    Args:
        conninfo: of the database.
        log_id: of the facts log.
        generation: that is being built.
        up_to: as known at this position.
        horizon: the common horizon, microseconds since 1970.

    """

    conninfo: str
    log_id: int
    generation: int
    up_to: int
    horizon: int


class _Work:
    """What a worker process keeps between ranges."""

    task: RangeTask
    connection: psycopg.Connection
    folding: RangeFolding


def begin_work(task: RangeTask, context: Context) -> None:
    """Prepare a worker process."""
    _Work.task = task
    _Work.connection = folding_connection(task.conninfo, "vinculo rebuild worker")
    # A range need not be on disk before the next one is folded: the switch comes later in the same
    # write-ahead log and waits for all of it, and a rebuild that is cut off begins anew.
    _Work.connection.execute("SET synchronous_commit = off")
    _Work.folding = RangeFolding(Fold(context), task.log_id, task.generation)
    gc.freeze()
    gc.disable()  # states hold no cycles; a range is freed by its references


def fold_range(number: int) -> int:
    """Fold a range (0 to 255) and write its customers; return how many there are."""
    task = _Work.task
    rows = _Work.folding.rows(_Work.connection, number, task.up_to, task.horizon)
    store = CustomerStore(task.log_id, task.generation)
    with _Work.connection.transaction():
        store.copy(_Work.connection, task.up_to, rows)
    return len(rows)


def folding_connection(conninfo: str, name: str) -> psycopg.Connection:
    """Open a connection that may idle in its transaction while histories are folded."""
    return connect(conninfo, name=name, idle_seconds_max=FOLDING_SECONDS_MAX)
