"""Following a log: hints make it quick, polling makes it sure.

The library's subscription waits for NOTIFY alone: a killed LISTEN session ends it with an error and
a lost NOTIFY hangs it. Here a hint only ends the wait early. Whatever happens to the listening
session, or to the server, the log is looked at every ``poll_seconds``, and the position says what
is new.
"""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from collections.abc import Callable, Sequence
from selectors import EVENT_READ, DefaultSelector
from threading import Lock
from typing import Any

import psycopg
import structlog
from eventsourcing.persistence import (
    ApplicationRecorder,
    InterfaceError,
    Notification,
    OperationalError,
    Subscription,
)

SELECT_MAX = 500
RETRY_SECONDS_MAX = 1.0

_log = structlog.get_logger(__name__)


class LogSubscription(Subscription[ApplicationRecorder]):
    """Yield the entries behind a position, for ever; one thread iterates, any may stop it.

    Iterating blocks until there is an entry or :meth:`stop` is called. A server that is away is
    waited for. A hole in the log is raised (``HoleError``).

    Args:
        recorder: reads the log.
        gt: yield what stands behind this position.
        topics: only these types; empty means all.
        listen: opens a connection that listens for hints about the log.
        poll_seconds: how long to wait for a hint.

    """

    def __init__(
        self,
        recorder: ApplicationRecorder,
        gt: int | None,
        topics: Sequence[str],
        *,
        listen: Callable[[], psycopg.Connection],
        poll_seconds: float,
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._last = gt or 0
        self._listen = listen
        self._poll_seconds = poll_seconds
        self._listener: psycopg.Connection | None = None
        self._found: deque[Notification] = deque()
        self._iterating = Lock()
        self._woken, self._wake = socket.socketpair()
        self._wake.setblocking(False)  # noqa: FBT003 - the socket's own

    def __next__(self) -> Notification:
        with self._iterating:
            try:
                return self._next()
            except BaseException:
                self._has_been_stopped = True
                self._release()
                raise

    def stop(self) -> None:
        """End the iteration, at once even if it waits."""
        super().stop()
        with contextlib.suppress(OSError):  # closed, or already woken
            self._wake.send(b"\0")

    def __exit__(self, *args: object, **kwargs: Any) -> None:  # noqa: ANN401 - the library's own
        super().__exit__(*args, **kwargs)
        with self._iterating:
            self._release()

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # if it was never fully made
            self._release()

    def _next(self) -> Notification:
        while not self._has_been_stopped:
            if self._found or self._look():
                return self._found.popleft()
            self._wait()
        raise StopIteration

    def _look(self) -> bool:
        """Fetch what is new; return whether there is anything."""
        try:
            # A scan for rare topics must not begin anew at the last one found, hence the head.
            head = self._recorder.max_notification_id() if self._topics else None
            found = self._recorder.select_notifications(
                self._last, SELECT_MAX, head, self._topics, inclusive_of_start=False
            )
        except (OperationalError, InterfaceError) as error:
            _log.warning("log_unreachable", after=self._last, error=str(error))
            self._pause()
            return False
        self._found.extend(found)
        if found:
            self._last = found[-1].id
        if len(found) < SELECT_MAX:
            self._last = max(self._last, head or 0)
        return bool(found)

    def _wait(self) -> None:
        """Return after a hint, after ``poll_seconds``, or as soon as listening has begun."""
        if self._listener is None:
            try:
                self._listener = self._listen()
            except psycopg.Error as error:
                _log.warning("log_hints_unavailable", after=self._last, error=str(error))
                self._pause()
            return  # a hint may have gone by before we listened: look once more
        with DefaultSelector() as selector:
            selector.register(self._woken, EVENT_READ)
            selector.register(self._listener.fileno(), EVENT_READ)
            selector.select(self._poll_seconds)
        try:
            for _ in self._listener.notifies(timeout=0):
                pass
        except psycopg.Error as error:
            _log.info("log_hints_lost", after=self._last, error=str(error))
            self._listener.close()
            self._listener = None

    def _pause(self) -> None:
        """Let a server come back; shorter than a look, for without hints nothing else wakes us."""
        with DefaultSelector() as selector:
            selector.register(self._woken, EVENT_READ)
            selector.select(min(self._poll_seconds, RETRY_SECONDS_MAX))

    def _release(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._woken.close()
        self._wake.close()
