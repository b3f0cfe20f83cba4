"""The clock of one incident, by which the service level is measured.

The clock runs from IncidentOpened (or Reopened) to IncidentResolved or Closed, and stands still
from IncidentPending to the next touchpoint of the incident. An incident is open while it is
neither resolved nor closed. A reopening keeps the severity of the last opening.

A step of an incident is kept as one integer, instant × 16 + step, which sorts by time. Of the
same instant, steps go in the order of :class:`Step`, the one in which cases usually go.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

_STEP_BITS = 4
_STEP_MASK = (1 << _STEP_BITS) - 1


class Step(IntEnum):
    """What may happen to an incident; an opening with its severity of 1 to 4."""

    OPENED_1 = 1
    OPENED_2 = 2
    OPENED_3 = 3
    OPENED_4 = 4
    RESPONDED = 5
    PENDING = 6
    RESOLVED = 7
    REOPENED = 8
    CLOSED = 9


OPENINGS = frozenset({Step.OPENED_1, Step.OPENED_2, Step.OPENED_3, Step.OPENED_4})
_STARTS = OPENINGS | {Step.REOPENED}
_ENDS = frozenset({Step.RESOLVED, Step.CLOSED})


def stamp(at: int, step: int) -> int:
    """Return the integer of a step at an instant (microseconds since 1970)."""
    return at << _STEP_BITS | step


def step_of(stamped: int) -> int:
    """Return the step of a stamp, a :class:`Step` as a plain integer."""
    return stamped & _STEP_MASK


class Clock:
    """Goes through the stamps of one incident and keeps its times, in microseconds.

    Args:
        stamps: sorted.

    """

    def __init__(self, stamps: Iterable[int]) -> None:
        self.severity: int | None = None
        self.opened_at: int | None = None
        self.responded_at: int | None = None
        self.is_open = False
        self._elapsed = 0
        self._running_since: int | None = None
        for each in stamps:
            self._take(each >> _STEP_BITS, each & _STEP_MASK)

    @property
    def is_pending(self) -> bool:
        """Whether the incident is open and waits for the customer."""
        return self.is_open and self._running_since is None

    @property
    def first_response(self) -> int | None:
        """The time from the opening to the first response; None without both."""
        if self.opened_at is None or self.responded_at is None:
            return None
        return max(0, self.responded_at - self.opened_at)

    def elapsed(self, now: int) -> int:
        """Return how long the clock has run until now, times of waiting left out."""
        if self._running_since is None:
            return self._elapsed
        return self._elapsed + max(0, now - self._running_since)

    def _take(self, at: int, step: int) -> None:
        if self._running_since is not None:
            self._elapsed += at - self._running_since
            self._running_since = None
        if step in OPENINGS:
            self.severity = step
        if step in _STARTS:
            self.is_open = True
            self.opened_at = at if self.opened_at is None else self.opened_at
        elif step in _ENDS:
            self.is_open = False
        elif step == Step.RESPONDED and self.responded_at is None:
            self.responded_at = at
        if self.is_open and step != Step.PENDING:
            self._running_since = at
