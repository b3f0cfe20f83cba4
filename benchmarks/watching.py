"""What is watched while something else is measured: readers of the view, memory of workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Literal, Self

import psycopg

from benchmarks.harness import resident_bytes, say
from benchmarks.load import subject
from benchmarks.servers import SECRET_BYTES, Place
from domain.identifiers import parse_identifier
from journal.personas import PersonaNames
from projections.customer.reading.finding import find_customer

_SAMPLE_SECONDS = 0.05
_SPAWNED = "spawn_main"
_PRESSURE = Path("/proc/pressure")
_MICROSECONDS = 1_000_000
_WORKING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE application_name = 'vinculo rebuild worker' AND query NOT LIKE '%set_config%'"
)


class DocumentReader:
    """Reads customers in a thread, at a steady rate, and counts what goes wrong.

    Args:
        place: whose view.
        parties: numbers below this one are asked for.
        rate: readings a second.

    """

    def __init__(self, place: Place, parties: int, rate: int) -> None:
        self.answered = 0
        self.failed = 0
        self.longest_seconds = 0.0
        self._place = place
        self._parties = parties
        self._interval = 1 / rate
        self._random = Random(11)
        self._names = PersonaNames(SECRET_BYTES)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read until the block ends."""
        stopping = threading.Event()
        thread = threading.Thread(target=self._read, args=(stopping,), name="reader")
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def _read(self, stopping: threading.Event) -> None:
        with self._place.connect() as connection:
            while not stopping.wait(self._interval):
                began = time.perf_counter()
                self._read_one(connection)
                self.longest_seconds = max(self.longest_seconds, time.perf_counter() - began)

    def _read_one(self, connection: psycopg.Connection) -> None:
        party = parse_identifier(subject(self._random.randrange(self._parties)))
        persona_id = self._names.name(party).persona_id
        try:
            found = find_customer(connection, self._place.logs.facts, persona_id)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is a failed reading
            say(f"a reading failed: {error!r}")
            self.failed += 1
            return
        self.answered += 1
        if found.state is None:
            self.failed += 1


class WorkerMemory:
    """Watches the resident memory of a rebuild's workers, from when they begin to work.

    Args:
        place: where they work.

    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._samples: dict[int, list[int]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def growth(self) -> float:
        """Return the greatest memory of the last third of a worker's life over the first third's.

        The greatest of all workers; 1 where no worker lived long enough to be seen six times.
        """
        return max(
            (
                max(sizes[-(len(sizes) // 3) :]) / max(sizes[: len(sizes) // 3])
                for sizes in self._samples.values()
                if len(sizes) >= 6
            ),
            default=1.0,
        )

    def _watch(self) -> None:
        self._await_work()
        while not self._stopping.wait(_SAMPLE_SECONDS):
            for process_id in _spawned_children():
                if size := resident_bytes(process_id):
                    self._samples.setdefault(process_id, []).append(size)

    def _await_work(self) -> None:
        """Return when workers have connected: what they import before is no growth."""
        with self._place.connect() as connection:
            while not self._stopping.wait(_SAMPLE_SECONDS):
                found = connection.execute(_WORKING).fetchone()
                if found and found[0]:
                    return


def waits_seconds(resource: Literal["cpu", "io"]) -> float:
    """Return for how long anything on this machine has waited for a resource; 0 where none tells.

    Its growth over a round says how busy the machine was, with our own work and that of others.
    """
    try:
        line, *_ = (_PRESSURE / resource).read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    return int(line.rpartition("=")[2]) / _MICROSECONDS


def _spawned_children() -> list[int]:
    """Return the processes that multiprocessing has started for us."""
    found: list[int] = []
    for children in Path("/proc/self/task").glob("*/children"):
        try:
            numbers = children.read_text(encoding="ascii").split()
            found += [int(one) for one in numbers if _SPAWNED in _command(int(one))]
        except OSError:
            continue  # ended a moment ago
    return found


def _command(process_id: int) -> str:
    return Path(f"/proc/{process_id}/cmdline").read_text(encoding="utf-8", errors="replace")
