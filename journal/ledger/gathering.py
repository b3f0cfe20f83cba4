"""Gathering: what many callers submit at about the same time, handed to one thread in batches."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import Generic, TypeVar

import msgspec

from journal.intake.writer import WriterClosedError, WriterFullError, WriterLimits

T = TypeVar("T")
R = TypeVar("R")


class Waiting(msgspec.Struct, Generic[T, R], gc=False):
    """Something submitted, and where its result goes."""

    submitted: T
    future: Future[R]


class Gathering(Generic[T, R]):
    """A queue with a limit, emptied in batches.

    Args:
        limits: of batches and queue; ``events`` are what is submitted.

    """

    def __init__(self, limits: WriterLimits) -> None:
        self._limits = limits
        self._queue: deque[Waiting[T, R]] = deque()
        self._gathered = 1
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._queue)

    @property
    def closed(self) -> bool:
        """Say whether nothing is taken any more."""
        return self._closed

    def submit(self, submitted: T) -> Future[R]:
        """Queue something; does not block.

        Raises:
            WriterFullError: nothing was queued.
            WriterClosedError: nothing was queued.

        """
        future: Future[R] = Future()
        with self._changed:
            if self._closed:
                message = "expected an open writer, found it closed; start the process again"
                raise WriterClosedError(message)
            if len(self._queue) >= self._limits.queue_events_max:
                message = (
                    f"expected room in the queue, found {len(self._queue)} of "
                    f"{self._limits.queue_events_max} waiting; send again in a second"
                )
                raise WriterFullError(message)
            self._queue.append(Waiting(submitted, future))
            self._changed.notify()
        return future

    def gather(self) -> list[Waiting[T, R]]:
        """Return the next batch, without what was cancelled; empty when closed and done.

        Others are waited for only where the last batch shows that there are others: a lone caller
        is served at once.
        """
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                self._wait_for_others()
                batch = self._take()
            if not batch:
                return []
            self._gathered = len(batch)
            wanted = [one for one in batch if one.future.set_running_or_notify_cancel()]
            if wanted:
                return wanted

    def _wait_for_others(self) -> None:
        enough = min(self._gathered, self._limits.batch_events_max)
        deadline = time.monotonic() + self._limits.gather_seconds
        while len(self._queue) < enough and not self._closed:
            left = deadline - time.monotonic()
            if left <= 0 or not self._changed.wait(left):
                break

    def _take(self) -> list[Waiting[T, R]]:
        count = min(len(self._queue), self._limits.batch_events_max)
        return [self._queue.popleft() for _ in range(count)]

    def close(self) -> None:
        """Take nothing more; what is queued is still handed out."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def refuse_the_rest(self) -> None:
        """Close, and fail whatever is still queued."""
        with self._changed:
            self._closed = True
            rest = list(self._queue)
            self._queue.clear()
        message = "expected to write what is queued, found the writer closed; send it again"
        for one in rest:
            if one.future.set_running_or_notify_cancel():
                one.future.set_exception(WriterClosedError(message))
