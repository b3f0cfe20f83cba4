"""The micro-batching writer: many callers, one thread, one connection, few transactions.

A transaction on a gapless log costs a commit, whatever it holds; so single events that arrive at
about the same time share one. Whoever submits waits for the outcome of the commit, never for less.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import msgspec
import psycopg
import structlog

from domain.errors import VinculoError
from journal.intake.message import Channel, Message, Outcome
from journal.intake.pipeline import Intake

_log = structlog.get_logger(__name__)


class WriterFullError(VinculoError):
    """More is waiting than the writer may hold. Send again a little later."""


class WriterClosedError(VinculoError):
    """The writer was closed, or its thread ended. Nothing was written."""


class WriterLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the writer.

    Args:
        batch_events_max: events a transaction; larger submissions take several.
        gather_seconds: how long events of different callers are gathered at the most.
        queue_events_max: events that may wait; beyond, callers are turned away.
        close_seconds: how long closing waits for what is queued.

    """

    batch_events_max: int = 200
    gather_seconds: float = 0.005
    queue_events_max: int = 10_000
    close_seconds: float = 30.0


class _Submission(msgspec.Struct, gc=False):
    """Messages of one caller, and where the outcomes go."""

    messages: Sequence[Message]
    future: Future[list[Outcome]]


class IntakeWriter:
    """Append messages of many callers to one facts log.

    Outcomes come in the order of the messages. Where a transaction fails for one message's sake,
    the others are appended without it. Where the database is away, the submission fails: what of it
    was stored is told as a duplicate when it is sent again.

    Args:
        intake: the pipeline; used by the writer's thread alone.
        connect: opens the writer's own connection.
        channel: by which the messages come.
        limits: of batches and queue.

    """

    def __init__(
        self,
        intake: Intake,
        connect: Callable[[], psycopg.Connection],
        *,
        channel: Channel = "http",
        limits: WriterLimits | None = None,
    ) -> None:
        self.limits = limits or WriterLimits()
        self.batches = 0
        self.events = 0
        self._intake = intake
        self._connect = connect
        self._channel = channel
        self._connection: psycopg.Connection | None = None
        self._queue: deque[_Submission] = deque()
        self._waiting = 0
        self._gathered = 1
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="intake writer", daemon=True)

    @property
    def waiting(self) -> int:
        """Return how many events wait."""
        return self._waiting

    @property
    def alive(self) -> bool:
        """Say whether submissions are being worked on."""
        return self._thread.is_alive() and not self._closing

    def start(self) -> None:
        """Begin to work on submissions."""
        self._thread.start()

    def submit(self, messages: Sequence[Message]) -> Future[list[Outcome]]:
        """Queue messages of one caller; does not block.

        Args:
            messages: at most ``queue_events_max``.

        Returns:
            One outcome a message, once they are committed. The future fails with
            ``psycopg.Error`` if the database is away or refuses a message, and with
            :class:`WriterClosedError` if the writer was closed before.

        Raises:
            WriterFullError: nothing was queued.
            WriterClosedError: nothing was queued.

        """
        future: Future[list[Outcome]] = Future()
        with self._changed:
            if not self.alive:
                message = "expected an open writer, found it closed; start the process again"
                raise WriterClosedError(message)
            if self._waiting + len(messages) > self.limits.queue_events_max:
                message = (
                    f"expected room for {len(messages)} events, found {self._waiting} of "
                    f"{self.limits.queue_events_max} waiting; send again in a second"
                )
                raise WriterFullError(message)
            self._queue.append(_Submission(messages, future))
            self._waiting += len(messages)
            self._changed.notify()
        return future

    def close(self) -> None:
        """Write what is queued, end the thread, close the connection."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(self.limits.close_seconds)
        self._refuse_the_rest()

    def _run(self) -> None:
        try:
            while batch := self._gather():
                self._write(batch)
        except BaseException:
            _log.exception("writer.died")
            raise
        finally:
            self._closing = True
            self._refuse_the_rest()
            self._disconnect()

    def _refuse_the_rest(self) -> None:
        message = "expected to write what is queued, found the writer closed; send it again"
        with self._changed:
            rest = list(self._queue)
            self._queue.clear()
            self._waiting = 0
        for submission in rest:
            if not submission.future.done():
                submission.future.set_exception(WriterClosedError(message))

    def _gather(self) -> list[_Submission]:
        """Return the next submissions, empty when all is done.

        Others are waited for only where the last batch shows that there are others: a lone caller
        is served at once.
        """
        enough = min(self._gathered, self.limits.batch_events_max)
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            deadline = time.monotonic() + self.limits.gather_seconds
            while self._waiting < enough and not self._closing:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            batch = self._take()
        self._gathered = sum(len(one.messages) for one in batch)
        return batch

    def _take(self) -> list[_Submission]:
        batch: list[_Submission] = []
        room = self.limits.batch_events_max
        while self._queue and (not batch or len(self._queue[0].messages) <= room):
            submission = self._queue.popleft()
            room -= len(submission.messages)
            self._waiting -= len(submission.messages)
            batch.append(submission)
        return batch

    def _write(self, batch: list[_Submission]) -> None:
        outcomes = self._outcomes([message for one in batch for message in one.messages])
        first = 0
        for submission in batch:
            last = first + len(submission.messages)
            self._answer(submission, outcomes[first:last])
            first = last

    def _answer(self, submission: _Submission, outcomes: Sequence[Outcome | BaseException]) -> None:
        if not submission.future.set_running_or_notify_cancel():
            return
        failures = [one for one in outcomes if isinstance(one, BaseException)]
        if failures:
            submission.future.set_exception(failures[0])
        else:
            submission.future.set_result([one for one in outcomes if isinstance(one, Outcome)])

    def _outcomes(self, messages: Sequence[Message]) -> list[Outcome | BaseException]:
        most = self.limits.batch_events_max
        outcomes: list[Outcome | BaseException] = []
        for first in range(0, len(messages), most):
            outcomes += self._append(messages[first : first + most])
        return outcomes

    def _append(self, messages: Sequence[Message]) -> Sequence[Outcome | BaseException]:
        """Append in one transaction, or in halves where one of the messages makes that fail."""
        try:
            return self._append_again(messages)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            _log.warning("writer.database_away", error=type(error).__name__, events=len(messages))
            return [error] * len(messages)
        except Exception as error:  # noqa: BLE001 - whatever one message does, the others go on
            self._disconnect()
            if len(messages) == 1:
                _log.exception("writer.message_failed")
                return [error]
            half = len(messages) // 2
            return [*self._append(messages[:half]), *self._append(messages[half:])]

    def _append_again(self, messages: Sequence[Message]) -> list[Outcome]:
        """Append; once more on a new connection if the old one was lost.

        Nothing is stored twice if the first transaction was committed after all: then the events
        are found to be duplicates.
        """
        try:
            return self._append_once(messages)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._disconnect()
            return self._append_once(messages)

    def _append_once(self, messages: Sequence[Message]) -> list[Outcome]:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        outcomes = self._intake.take_in(self._connection, self._channel, messages)
        self.batches += 1
        self.events += len(messages)
        return outcomes

    def _disconnect(self) -> None:
        # What the process remembers of keys may come from a transaction that was rolled back.
        self._intake.forget_keys()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
