"""Benchmark ``freshness``: from the moment a touchpoint is sent until it is visible in the 360.

The product's workers run in processes of their own: intake (from Kafka where there is a broker,
else through the writer that HTTP requests share) and projection. First the end-to-end rate that
they sustain, then latencies at half of it: quiet, while a foreign transaction that has written
stays open, and quiet again, so that what changes on the machine in between is seen. A touchpoint is
visible once the live view's position has passed it, for a row and the position are committed
together. Time counts from when it was due to be sent.
"""

from __future__ import annotations

import argparse
import math
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context

import msgspec
import psycopg

from benchmarks.feeding import feed
from benchmarks.harness import Goal, Measured, arguments, percentile, report, say
from benchmarks.kafka_reading import intake_workers, stop
from benchmarks.load import Business
from benchmarks.sending import Sender, Sent
from benchmarks.servers import CONTEXT, Place, broker, has_broker, settle, tenant
from benchmarks.watching import waits_seconds
from consumers import projecting
from consumers.kafka.settings import KafkaIntakeSettings
from consumers.projecting import ProjectingSettings, ProjectionWorker
from consumers.waiting import Hints
from projections.customer.fold import Fold
from tests.servers import Topics
from vinculo.logging import configure_logging

TOPIC = "bench"
SIZES = {
    "parties": 50_000, "sustained_seconds": 15.0, "seconds": 30.0, "foreign_seconds": 60.0,
    "window": 20_000, "partitions": 4, "journal": 0,
}  # fmt: skip
CONTROLS = {"deaf": "the projection hears no hints and looks every two seconds"}
_LOOK_SECONDS = 0.002
_STANDSTILL_SECONDS = 20
_UNCHANGED = 1.25
_POSITION = (
    "SELECT facts_position FROM view.view_generation "
    "WHERE log_id = %s AND view = 'customer' AND state = 'live'"
)
_POSITIONS = "SELECT entry_id, position FROM journal.entry WHERE log_id = %s AND position > %s"


class Round(msgspec.Struct, frozen=True):
    """What was seen while touchpoints were sent at one rate.

    Args:
        waited: milliseconds until each was visible; infinite for those that never were.
        cpu_waits: share of the time in which something waited for a processor, 0 to 1.
        io_waits: the same for a disk.

    """

    waited: list[float]
    cpu_waits: float
    io_waits: float

    def at(self, share: float) -> float:
        """Return the milliseconds that a share (0 to 1) of the touchpoints did not exceed."""
        return percentile(self.waited, share)


class Deaf(Hints):
    """A known-bad way to wait: until the time is over, whatever happens."""

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)


def _project(place: Place, control: str | None) -> None:
    configure_logging("console", "error")
    settings = ProjectingSettings()
    if control == "deaf":
        setattr(projecting, "Hints", Deaf)  # noqa: B010 - the defect, switched on in this process alone
        settings = ProjectingSettings(poll_seconds=2.0)
    ProjectionWorker(place.conninfo, place.logs, Fold(CONTEXT), settings).run()


class Observer:
    """Looks at the live view's position all the time.

    Args:
        place: whose view.
        sender: told what is visible.

    """

    def __init__(self, place: Place, sender: Sender) -> None:
        self.positions: list[int] = [0]
        self.times: list[int] = [time.monotonic_ns()]
        self._place = place
        self._sender = sender
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, name="observer")
        self._thread.start()

    @property
    def position(self) -> int:
        """Return what is visible now."""
        return self.positions[-1]

    def seen_at(self, position: int) -> int:
        """Return when a position was first seen to be visible, nanoseconds."""
        return self.times[bisect_left(self.positions, position)]

    def wait_for(self, position: int) -> None:
        """Wait until a position is visible, or nothing has moved for long enough."""
        seen, moved_at = self.position, time.monotonic()
        while self.position < position and time.monotonic() < moved_at + _STANDSTILL_SECONDS:
            time.sleep(_LOOK_SECONDS)
            if self.position > seen:
                seen, moved_at = self.position, time.monotonic()

    def close(self) -> None:
        """Look no longer."""
        self._stopping.set()
        self._thread.join()

    def _look(self) -> None:
        with self._place.connect() as connection:
            while not self._stopping.wait(_LOOK_SECONDS):
                found = connection.execute(_POSITION, (self._place.logs.facts,)).fetchone()
                if found and found[0] > self.positions[-1]:
                    self.times.append(time.monotonic_ns())
                    self.positions.append(found[0])
                    self._sender.visible.value = found[0]


@contextmanager
def _workers(place: Place, chosen: argparse.Namespace, stack: ExitStack) -> Iterator[str | None]:
    """Run the product's workers; give the broker's address, None where there is none."""
    servers = None
    if has_broker() and not chosen.journal:
        servers = stack.enter_context(broker())
        Topics(servers)(chosen.partitions, TOPIC)
        settings = KafkaIntakeSettings(
            bootstrap_servers=servers, topics=(TOPIC,), group="bench-fresh", session_seconds=6
        )
        stack.enter_context(intake_workers(settings, place, 1))
    projector = get_context("spawn").Process(
        target=_project, args=(place, chosen.control), daemon=True
    )
    projector.start()
    try:
        yield servers
    finally:
        stop([projector])


def run(chosen: argparse.Namespace) -> Measured:
    """Measure and return what was found."""
    with ExitStack() as stack:
        place = stack.enter_context(tenant(TOPIC))
        business = Business(chosen.parties)
        head = feed(place, business.one_each())
        settle(place)
        servers = stack.enter_context(_workers(place, chosen, stack))
        sender = Sender(place, servers, business)
        stack.callback(sender.close)
        observer = Observer(place, sender)
        stack.callback(observer.close)
        observer.wait_for(head)
        _latencies(place, sender, observer, 1, 100)  # until all workers are at work
        rate = _sustained(chosen, sender, observer)
        latencies = partial(_latencies, place, sender, observer, rate=rate / 2)
        before = latencies(chosen.seconds)
        with _foreign_transaction(place):
            foreign = latencies(chosen.foreign_seconds)
        after = latencies(chosen.seconds)
        return _measured(rate, (before, foreign, after), through_kafka=servers is not None)


def _sustained(chosen: argparse.Namespace, sender: Sender, observer: Observer) -> float:
    """Return how many a second become visible while the sender keeps ahead by a window."""
    start = observer.position
    sender.keep_ahead(chosen.sustained_seconds, chosen.window)
    time.sleep(chosen.sustained_seconds / 3)
    began, before = time.monotonic(), observer.position
    time.sleep(chosen.sustained_seconds * 2 / 3)
    rate = (observer.position - before) / (time.monotonic() - began)
    observer.wait_for(start + sender.sent().count)
    say(f"sustained: {rate:,.0f} touchpoints/s, {observer.position - start:,} in all")
    return max(rate, 1.0)


def _latencies(
    place: Place, sender: Sender, observer: Observer, seconds: float, rate: float
) -> Round:
    """Send at a rate for so long, and return what was seen."""
    before = observer.position
    began, cpu, io = time.monotonic(), waits_seconds("cpu"), waits_seconds("io")
    sender.at_rate(seconds, rate)
    sent = sender.sent()
    observer.wait_for(before + sent.count)
    took = time.monotonic() - began
    cpu_waits, io_waits = (waits_seconds("cpu") - cpu) / took, (waits_seconds("io") - io) / took
    found = Round(_waited(place, sent, observer, before), cpu_waits, io_waits)
    say(
        f"{len(found.waited):,} at {rate:,.0f}/s: p50 {found.at(0.5):.1f} ms, "
        f"p99 {found.at(0.99):.1f} ms; the machine waited for processors "
        f"{cpu_waits:.0%} and for disks {io_waits:.0%} of the time"
    )
    return found


def _waited(place: Place, sent: Sent, observer: Observer, before: int) -> list[float]:
    with place.connect() as connection:
        cursor = connection.cursor(binary=True)
        cursor.execute(_POSITIONS, (place.logs.facts, before))
        positions: dict[bytes, int] = dict(cursor.fetchall())
    waited = []
    for entry_id, due_at in sent.each():
        position = positions.get(entry_id)
        if position is None:
            waited.append(math.inf)
        else:
            waited.append((observer.seen_at(position) - due_at) / 1e6)
    return waited


@contextmanager
def _foreign_transaction(place: Place) -> Iterator[None]:
    """Keep a transaction open that has written something, as a colleague's report may."""
    with psycopg.connect(place.conninfo) as foreign:
        foreign.execute("CREATE TABLE public.foreign_work (id integer)")
        foreign.execute("INSERT INTO public.foreign_work VALUES (1)")
        say("a foreign transaction is open")
        yield
        foreign.rollback()


def _measured(rate: float, rounds: tuple[Round, Round, Round], *, through_kafka: bool) -> Measured:
    before, foreign, after = rounds
    quiet = [*before.waited, *after.waited]
    everything = [*quiet, *foreign.waited]
    quiet_p99, foreign_p99 = percentile(quiet, 0.99), foreign.at(0.99)
    visible = sum(map(math.isfinite, everything)) / len(everything)
    return Measured(
        value=quiet_p99,
        unit="ms",
        reference=None,
        goals={
            "p99_ms": Goal(quiet_p99, 300, at_most=True),
            "p99_ms_beside_foreign_transaction": Goal(foreign_p99, 300, at_most=True),
            "p99_foreign_of_quiet": Goal(foreign_p99 / quiet_p99, _UNCHANGED, at_most=True),
            "share_visible": Goal(visible, 1),
        },
        parts={
            "sustained_per_second": rate,
            "p50_ms": percentile(quiet, 0.5),
            "longest_ms": percentile(quiet, 1),
            "p50_ms_beside_foreign_transaction": foreign.at(0.5),
            "rounds_p50_ms": [one.at(0.5) for one in rounds],
            "rounds_p99_ms": [one.at(0.99) for one in rounds],
            "rounds_processor_waits": [one.cpu_waits for one in rounds],
            "rounds_disk_waits": [one.io_waits for one in rounds],
            "touchpoints": len(everything),
            "through_kafka": through_kafka,
        },
    )


if __name__ == "__main__":
    _chosen = arguments(__doc__, SIZES, CONTROLS)
    report("freshness", _chosen, run(_chosen))
