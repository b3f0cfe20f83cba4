"""The whole 360 folded anew on all processors, beside the live view.

While it runs, a reader asks for documents all the time, and another one keeps a transaction open
that has read the view: the trap into which a switch by renaming falls.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.feeding import feed
from benchmarks.harness import Goal, Measured, arguments, middle, report, say
from benchmarks.load import Business
from benchmarks.projecting import LiveProjection, damage
from benchmarks.servers import CONTEXT, Place, settle, tenant
from benchmarks.watching import DocumentReader, WorkerMemory
from projections.customer.rebuilding import RebuildReport, rebuild, snapshot

SIZES = {
    "parties": 200_000, "events": 1_000_000, "rounds": 3, "workers": 2, "reads": 200,
    "wait_seconds_max": 1.0,
}  # fmt: skip
CONTROLS = {
    "damaged": "a row of the live view is taken away before",
    "rename": "readers queue behind a lock that waits for an open reader, as a rename's does",
}
_LOCK_SECONDS = 3


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    with tenant() as place:
        business = Business(chosen.parties)
        feed(place, business.one_each())
        head = feed(place, business.events(chosen.events - chosen.parties))
        live = LiveProjection(place)
        live.to(head)
        live.close()
        if chosen.control == "damaged":
            damage(place)
        settle(place)
        reader = DocumentReader(place, chosen.parties, chosen.reads)
        memories, reports, seconds = [], [], []
        for number in range(chosen.rounds):
            with WorkerMemory(place) as memory, reader.reading(), _hindrance(place, chosen.control):
                began = time.perf_counter()
                reports.append(rebuild(place.conninfo, place.logs, CONTEXT, workers=chosen.workers))
                seconds.append(time.perf_counter() - began)
            memories.append(memory.growth())
            last = reports[-1]
            say(f"round {number}: folded in {last.fold_seconds:.2f} s, all of {seconds[-1]:.2f} s")
        return _measured(chosen, reports, seconds, memories, reader)


def _measured(
    chosen: argparse.Namespace,
    reports: list[RebuildReport],
    seconds: list[float],
    memories: list[float],
    reader: DocumentReader,
) -> Measured:
    rates = [one.events / one.fold_seconds for one in reports]
    same = all(one.digest == one.live_digest and one.same_fold for one in reports)
    waited = reader.longest_seconds
    return Measured(
        value=middle(rates),
        unit="events/s",
        reference=None,
        goals={
            "events_per_second": Goal(middle(rates), 150_000),
            "switch_seconds": Goal(max(one.switch_seconds for one in reports), 0.05, at_most=True),
            "same_digest": Goal(int(same), 1),
            "reads_that_failed": Goal(reader.failed, 0, at_most=True),
            "longest_read_seconds": Goal(waited, chosen.wait_seconds_max, at_most=True),
            "memory_growth": Goal(middle(memories), 1.1, at_most=True),
        },
        parts={
            "rounds": rates,
            "end_to_end": [one.events / spent for one, spent in zip(reports, seconds, strict=True)],
            "switches_seconds": [one.switch_seconds for one in reports],
            "customers": reports[-1].customers,
            "reads": reader.answered,
            "memory_growths": memories,
            "processors": os.cpu_count(),
        },
    )


@contextmanager
def _hindrance(place: Place, control: str | None) -> Iterator[None]:
    """Keep a transaction open that has read the view; with the control, queue a lock behind it."""
    with snapshot(place.conninfo) as still:
        still.execute("SELECT FROM view.customer LIMIT 1")
        locking = threading.Thread(target=_queue_lock, args=(place,))
        if control == "rename":
            locking.start()
        yield
        if control == "rename":
            locking.join()


def _queue_lock(place: Place) -> None:
    with place.owner() as owner, owner.transaction():
        owner.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'".encode())
        try:
            owner.execute("LOCK TABLE view.customer IN ACCESS EXCLUSIVE MODE")
        except psycopg.errors.LockNotAvailable:
            return


def main() -> None:
    """Measure as the arguments say, and print the line."""
    chosen = arguments(f"Benchmark ``rebuild``: {__doc__}", SIZES, CONTROLS)
    report("rebuild", chosen, run(chosen))
