"""What follows from the statements of one book and from time: open lots, balances, totals.

The rules, in the order in which they matter:

- Timers run before the statements of the same instant: a lot is active from ``active_from`` on and
  gone from ``expires_at`` on, whatever the timekeeper did.
- A redemption burns active lots only, in the order of ``lots.py``.
- An expiry stated by upstream takes what is past its date first, then active, then pending lots; a
  negative adjustment takes active, then pending lots, then what is past its date.
- What no lot covers happened all the same: it is booked as *overdrawn*, and points that become
  active pay it off first, because upstream's own balance nets them too. To leave the debt standing
  beside them would show points as available that upstream does not honour.
- A lot past its date expires by our own timer only where upstream states no expiry (ruling 23);
  elsewhere it is set aside, unavailable, until upstream says so.

At every instant: earned + adjusted up - redeemed - expired - adjusted down
= available + pending + awaiting expiry - overdrawn; and nothing is available while overdrawn.
"""

from __future__ import annotations

from bisect import insort
from typing import Literal

import msgspec

from domain.errors import VinculoError
from domain.loyalty.lots import NEVER, Lot, PendingLot, burn, burn_pending, remaining_in
from domain.loyalty.statements import EARNED, EXPIRED, REDEEMED, Statement

TimerKind = Literal["activated", "expired", "expiry_due"]


class UnbalancedBookError(VinculoError):
    """A book of points whose figures contradict each other: a defect of ours, never of a source."""


class Holdings(msgspec.Struct, array_like=True, gc=False):
    """Open lots, balances and totals of one book, in points.

    Args:
        through: instant of the last statement or timer that was applied, whichever is later.
        available: in active lots.
        pending: in lots that are not active yet.
        awaiting_expiry: in lots past their date that upstream has not stated to be expired.
        overdrawn: taken by upstream, covered by no lot, not yet paid off.
        earned: by statements.
        redeemed: by statements.
        expired_as_stated: by statements of upstream.
        expired_by_date: by our own timer.
        adjusted_up: by positive adjustments.
        adjusted_down: by negative adjustments, as a positive number.
        uncovered: number of statements that lots could not cover.
        lots: the active ones, in the order of burning.
        pending_lots: in the order of their timers.
        lots_past_date: those that await expiry, in the order of burning.

    """

    through: int = 0
    available: int = 0
    pending: int = 0
    awaiting_expiry: int = 0
    overdrawn: int = 0
    earned: int = 0
    redeemed: int = 0
    expired_as_stated: int = 0
    expired_by_date: int = 0
    adjusted_up: int = 0
    adjusted_down: int = 0
    uncovered: int = 0
    lots: list[Lot] = []
    pending_lots: list[PendingLot] = []
    lots_past_date: list[Lot] = []


def next_timer(holdings: Holdings) -> int | None:
    """Return the instant at which time alone next changes these holdings, or None."""
    due = holdings.lots[0].expires_at if holdings.lots else NEVER
    if holdings.pending_lots and holdings.pending_lots[0].due < due:
        return holdings.pending_lots[0].due
    return due if due < NEVER else None


def advance(holdings: Holdings, until: int, *, expires_here: bool) -> None:
    """Run the timers up to and including an instant (microseconds since 1970)."""
    while (due := next_timer(holdings)) is not None and due <= until:
        run_timer(holdings, expires_here=expires_here)


def run_timer(holdings: Holdings, *, expires_here: bool) -> tuple[TimerKind, Lot, int]:
    """Run the earliest timer; at equal instants activation goes before expiry.

    Args:
        holdings: with at least one timer.
        expires_here: whether our own expiry applies.

    Returns:
        What happened, to which lot, and to how many points.

    """
    expires_at = holdings.lots[0].expires_at if holdings.lots else NEVER
    if not holdings.pending_lots or expires_at < holdings.pending_lots[0].due:
        lot = holdings.lots.pop(0)
        holdings.through = lot.expires_at
        holdings.available -= lot.remaining
        return _expire(holdings, lot, expires_here=expires_here), lot, lot.remaining
    waiting = holdings.pending_lots.pop(0)
    lot, points = waiting.lot, waiting.lot.remaining
    holdings.through = waiting.due
    holdings.pending -= points
    if lot.expires_at <= waiting.due:
        return _expire(holdings, lot, expires_here=expires_here), lot, points
    _activate(holdings, lot)
    return "activated", lot, points


def enter(holdings: Holdings, statement: Statement, ordinal: int, *, expires_here: bool) -> None:
    """Apply a statement that is later, by ruling 5, than all that were applied before.

    Args:
        holdings: changed in place; no timer later than the statement may have run.
        statement: what upstream states.
        ordinal: its place among the statements of the book, from 0.
        expires_here: whether our own expiry applies.

    """
    advance(holdings, statement.at, expires_here=expires_here)
    holdings.through = statement.at
    points = statement.points
    kind = statement.kind
    if kind == EARNED:
        holdings.earned += points
        _credit(holdings, statement, ordinal, expires_here=expires_here)
    elif kind == REDEEMED:
        holdings.redeemed += points
        _overdraw(holdings, _take_active(holdings, points))
    elif kind == EXPIRED:
        holdings.expired_as_stated += points
        short = _take_active(holdings, _take_past_date(holdings, points))
        _overdraw(holdings, _take_pending(holdings, short))
    else:
        _adjust(holdings, statement, ordinal, expires_here=expires_here)


def check_balanced(holdings: Holdings) -> None:
    """Check the equation of this module, at no cost that grows with the lots.

    Raises:
        UnbalancedBookError: with both sides of it.

    """
    stated = holdings.earned + holdings.adjusted_up - holdings.redeemed - holdings.adjusted_down
    stated -= holdings.expired_as_stated + holdings.expired_by_date
    available, overdrawn = holdings.available, holdings.overdrawn
    held = available + holdings.pending + holdings.awaiting_expiry - overdrawn
    least = min(available, holdings.pending, holdings.awaiting_expiry, overdrawn)
    if stated != held or least < 0 or (available and overdrawn):
        message = (
            f"expected the totals of a book of points ({stated}) to equal its balances, none of "
            f"them negative, and nothing available while overdrawn; found {held} = {available} "
            f"available + {holdings.pending} pending + {holdings.awaiting_expiry} awaiting expiry "
            f"- {overdrawn} overdrawn; report this defect and rebuild the customer view"
        )
        raise UnbalancedBookError(message)


def check_lots(holdings: Holdings) -> None:
    """Check that the balances are the sums of the open lots, none empty, no active one expired.

    Raises:
        UnbalancedBookError: with both sides of it.

    """
    pending = [waiting.lot for waiting in holdings.pending_lots]
    kinds = (holdings.lots, pending, holdings.lots_past_date)
    expected = (holdings.available, holdings.pending, holdings.awaiting_expiry)
    found = tuple(map(remaining_in, kinds))
    empty = sum(lot.remaining < 1 for lots in kinds for lot in lots)
    due = next_timer(holdings)
    if found != expected or empty or (due is not None and due <= holdings.through):
        message = (
            f"expected open lots of {expected} points (active, pending, past their date), none "
            f"empty and no timer due by {holdings.through}; found {found} points, {empty} empty "
            f"lots and the next timer at {due}; report this defect and rebuild the customer view"
        )
        raise UnbalancedBookError(message)


def _adjust(holdings: Holdings, statement: Statement, ordinal: int, *, expires_here: bool) -> None:
    if statement.points > 0:
        holdings.adjusted_up += statement.points
        _credit(holdings, statement, ordinal, expires_here=expires_here)
        return
    holdings.adjusted_down -= statement.points
    short = _take_pending(holdings, _take_active(holdings, -statement.points))
    _overdraw(holdings, _take_past_date(holdings, short))


def _credit(holdings: Holdings, statement: Statement, ordinal: int, *, expires_here: bool) -> None:
    expires_at = NEVER if statement.expires_at is None else statement.expires_at
    lot = Lot(expires_at, ordinal, statement.points)
    active_from = statement.active_from
    if expires_at <= statement.at:
        _expire(holdings, lot, expires_here=expires_here)
    elif active_from is None or active_from <= statement.at:
        _activate(holdings, lot)
    else:
        holdings.pending += lot.remaining
        insort(holdings.pending_lots, PendingLot(min(active_from, expires_at), lot))


def _activate(holdings: Holdings, lot: Lot) -> None:
    if holdings.overdrawn:
        paid = min(lot.remaining, holdings.overdrawn)
        holdings.overdrawn -= paid
        lot.remaining -= paid
    if lot.remaining:
        insort(holdings.lots, lot)
        holdings.available += lot.remaining


def _expire(holdings: Holdings, lot: Lot, *, expires_here: bool) -> TimerKind:
    if expires_here:
        holdings.expired_by_date += lot.remaining
        return "expired"
    holdings.awaiting_expiry += lot.remaining
    insort(holdings.lots_past_date, lot)
    return "expiry_due"


def _take_active(holdings: Holdings, points: int) -> int:
    short = burn(holdings.lots, points)
    holdings.available -= points - short
    return short


def _take_pending(holdings: Holdings, points: int) -> int:
    if not points or not holdings.pending_lots:
        return points
    short = burn_pending(holdings.pending_lots, points)
    holdings.pending -= points - short
    return short


def _take_past_date(holdings: Holdings, points: int) -> int:
    if not points or not holdings.lots_past_date:
        return points
    short = burn(holdings.lots_past_date, points)
    holdings.awaiting_expiry -= points - short
    return short


def _overdraw(holdings: Holdings, points: int) -> None:
    if points:
        holdings.overdrawn += points
        holdings.uncovered += 1
