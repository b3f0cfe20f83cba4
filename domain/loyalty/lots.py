"""Lots of points: what one statement brought in, and what is left of it.

Order of burning: the earliest expiry first, lots without expiry last; then the oldest; and of two
lots with equal expiry and age the one whose statement comes first by ruling 5. A lot's ordinal
among the statements of its book says both *oldest* and that tie.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

NEVER: Final = 2**62
"""The expiry of a lot that has none: later than any instant that can be written."""


class Lot(msgspec.Struct, array_like=True, order=True, gc=False):
    """An open lot. Compares by the order of burning.

    Args:
        expires_at: gone from this instant on (microseconds since 1970), or NEVER.
        ordinal: of its statement among those of the book, sorted, from 0.
        remaining: points left in it, at least one.

    """

    expires_at: int
    ordinal: int
    remaining: int


class PendingLot(msgspec.Struct, array_like=True, order=True, gc=False):
    """A lot that is not active yet. Compares by the order of the timers.

    Args:
        due: when it becomes active or, if that is not later, when it expires.
        lot: the lot itself.

    """

    due: int
    lot: Lot


def burn(lots: list[Lot], points: int) -> int:
    """Take points from sorted lots, front first; spent lots leave the list with nothing remaining.

    Args:
        lots: in the order of burning.
        points: how many to take, at least 0.

    Returns:
        The points that these lots could not cover.

    """
    spent = 0
    for lot in lots:
        if lot.remaining > points:
            lot.remaining -= points
            points = 0
            break
        points -= lot.remaining
        lot.remaining = 0
        spent += 1
    del lots[:spent]
    return points


def burn_pending(pending: list[PendingLot], points: int) -> int:
    """Take points from lots that are not active yet, in the order of burning.

    Returns:
        The points that these lots could not cover.

    """
    short = burn(sorted(waiting.lot for waiting in pending), points)
    pending[:] = [waiting for waiting in pending if waiting.lot.remaining]
    return short


def remaining_in(lots: Iterable[Lot]) -> int:
    """Return the points left in lots."""
    return sum(lot.remaining for lot in lots)
