"""Writes prepared batches in a thread of its own, one at a time, over a connection of its own."""

from __future__ import annotations

import queue
import threading

import msgspec
import psycopg

from journal.connecting import connect
from journal.intake.appending import Advance
from journal.intake.batch import Batch
from journal.intake.message import Message, Outcome
from journal.intake.pipeline import Intake

# A peer that vanished without a word is noticed after about ten seconds.
LINK_OPTIONS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class Work(msgspec.Struct):
    """A batch on its way into the journal, and what became of it.

    Args:
        messages: as they came.
        batch: the same, prepared.
        advances: the offsets to swap with them.
        outcomes: what became of the messages, once written.
        error: why nothing was written, or nobody knows whether it was.
        tries: how often it was prepared.

    """

    messages: list[Message]
    batch: Batch
    advances: list[Advance]
    outcomes: list[Outcome] = []
    error: BaseException | None = None
    tries: int = 1


class Writer:
    """The writer's thread.

    Args:
        intake: whose :meth:`~journal.intake.pipeline.Intake.append` is called here.
        conninfo: of the journal.

    """

    def __init__(self, intake: Intake, conninfo: str) -> None:
        self._intake = intake
        self._conninfo = conninfo
        self._connection: psycopg.Connection | None = None
        self._todo: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="intake-writer", daemon=True)
        self.busy = False

    def start(self) -> None:
        """Begin to wait for work."""
        self._thread.start()

    def stop(self) -> None:
        """End when the work in hand is done."""
        self._todo.put(None)
        self._thread.join()

    def submit(self, work: Work) -> None:
        """Hand over a batch; only when the last one's result was taken."""
        assert not self.busy, "one batch at a time"  # noqa: S101 - pair of result
        self.busy = True
        self._todo.put(work)

    def result(self, wait_seconds: float) -> Work | None:
        """Return the batch that was handed over, None if that is not done in time."""
        try:
            work = self._done.get(timeout=wait_seconds) if wait_seconds else self._done.get_nowait()
        except queue.Empty:
            return None
        self.busy = False
        return work

    def _run(self) -> None:
        while (work := self._todo.get()) is not None:
            try:
                work.outcomes = self._append(work)
            except BaseException as error:  # noqa: BLE001 - the loop decides what it means
                work.error = error
                if isinstance(error, psycopg.Error):
                    self._disconnect()
            self._done.put(work)
        self._disconnect()

    def _append(self, work: Work) -> list[Outcome]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._conninfo, name="vinculo intake writer", **LINK_OPTIONS)
        return self._intake.append(
            self._connection, "kafka", work.messages, work.batch, work.advances
        )

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
