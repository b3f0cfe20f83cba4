"""What time alone brings about in an account: reservations time out, points mature, lots expire.

Timers run in the order of their instants; of one instant reservations first, then maturing, then
expiry. A lot is active from ``active_from`` on and gone from ``expires_at`` on. Each decision
carries the instant at which it was due, never the one at which somebody noticed.
"""

from __future__ import annotations

from itertools import takewhile

from domain.ledger.account import Account, Book, Reservation
from domain.ledger.booking import settle_by
from domain.ledger.decisions import (
    Balance,
    LotsExpired,
    PointsMatured,
    RedemptionReleased,
    ReleaseReason,
)
from domain.ledger.desk import Desk
from domain.ledger.lots import points_of
from domain.ledger.terms import NEVER


def next_timer(account: Account) -> int:
    """Return the instant at which time next changes the account, NEVER if it does not.

    The end of its tier counts; what it brings is for the programme's rules to say.
    """
    due = account.tier_until
    for book in account.books:
        due = min(due, _next_of(book))
    return due


def run_timers(desk: Desk, until: int) -> None:
    """Run the timers of all books up to and at an instant; the tier's is not run here."""
    for place in range(len(desk.account.books)):
        book = desk.account.books[place]
        while (due := _next_of(book)) <= until:
            _run(desk, book, due)


def available_at(book: Book, at: int) -> int:
    """Return what will be available at an instant if nothing but time happens; changes nothing."""
    points = book.available
    for lot in book.lots:
        if lot.expires_at > at:
            break
        points -= lot.remaining
    for waiting in book.pending_lots:
        if waiting.due > at:
            break
        if waiting.lot.expires_at > at:
            points += waiting.lot.remaining
        elif waiting.lot.expires_at > waiting.due:
            # Maturing pays off what is owed before the rest expires.
            points += min(waiting.lot.remaining, max(0, -points))
    for reservation in book.reservations:
        if reservation.until > at:
            break
        points += sum(one.points for one in reservation.allocations if one.expires_at > at)
    return points


def put_back(
    desk: Desk, book: Book, reservation: Reservation, at: int, reason: ReleaseReason, by: str = ""
) -> None:
    """Let what is reserved go back at an instant; points of lots past their date expire."""
    back = tuple(one for one in reservation.allocations if one.expires_at > at)
    expired = tuple(one for one in reservation.allocations if one.expires_at <= at)
    points = points_of(back)
    before = book.balance()
    desk.post(
        RedemptionReleased(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(
                before.available + points,
                before.pending,
                before.reserved - points - points_of(expired),
            ),
            redemption_id=reservation.redemption_id,
            allocations=back,
            expired=expired,
            reason=reason,
            repaid=settle_by(back, book.overdrawn),
            by=by,
        )
    )


def expire(desk: Desk, book: Book, at: int) -> None:
    """Let every lot expire whose date is at or before an instant, active or pending."""
    active = tuple(
        lot.allocate(lot.remaining)
        for lot in takewhile(lambda lot: lot.expires_at <= at, book.lots)
    )
    pending = tuple(
        waiting.lot.allocate(waiting.lot.remaining)
        for waiting in book.pending_lots
        if waiting.lot.expires_at <= at
    )
    before = book.balance()
    desk.post(
        LotsExpired(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(
                before.available - points_of(active),
                before.pending - points_of(pending),
                before.reserved,
            ),
            allocations=active + pending,
        )
    )


def _next_of(book: Book) -> int:
    due = book.lots[0].expires_at if book.lots else NEVER
    if book.pending_lots and book.pending_lots[0].due < due:
        due = book.pending_lots[0].due
    if book.reservations and book.reservations[0].until < due:
        due = book.reservations[0].until
    return due


def _run(desk: Desk, book: Book, due: int) -> None:
    if book.reservations and book.reservations[0].until == due:
        put_back(desk, book, book.reservations[0], due, "timed_out")
    elif _ripe(book, due):
        _mature(desk, book, due)
    else:
        expire(desk, book, due)


def _ripe(book: Book, due: int) -> bool:
    return any(
        waiting.lot.expires_at > due
        for waiting in takewhile(lambda one: one.due <= due, book.pending_lots)
    )


def _mature(desk: Desk, book: Book, due: int) -> None:
    allocations = tuple(
        waiting.lot.allocate(waiting.lot.remaining)
        for waiting in takewhile(lambda one: one.due <= due, book.pending_lots)
        if waiting.lot.expires_at > due
    )
    points = points_of(allocations)
    before = book.balance()
    desk.post(
        PointsMatured(
            currency=book.currency,
            at=due,
            before=before,
            after=Balance(before.available + points, before.pending - points, before.reserved),
            allocations=allocations,
            repaid=settle_by(allocations, book.overdrawn),
        )
    )
