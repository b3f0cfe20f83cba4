"""What time alone brings about in an account: reservations time out, points mature, lots expire.

Timers run in the order of their instants; of one instant reservations first, then maturing, then
expiry. A lot is active from ``active_from`` on and gone from ``expires_at`` on. Each decision
carries the instant at which it was due, never the one at which somebody noticed.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

import msgspec

from domain.ledger.account import Account, Book, Reservation
from domain.ledger.booking import find_lot, settle_by
from domain.ledger.decisions import (
    Balance,
    ExpiryReason,
    ForgivenPointsTaken,
    LotsExpired,
    PointsMatured,
    RedemptionReleased,
    ReleaseReason,
)
from domain.ledger.desk import Desk
from domain.ledger.lots import Allocation, points_of
from domain.ledger.terms import NEVER


def next_timer(account: Account) -> int:
    """Return the instant at which time next changes the account, NEVER if it does not.

    The end of its tier counts while it is open; what it brings is for the programme's rules to say.
    """
    due = account.tier_until if account.is_open else NEVER
    for book in account.books:
        due = min(due, _next_of(book))
    return due


def run_timers(desk: Desk, until: int) -> None:
    """Run the timers of all books up to and at an instant; the tier's is not run here."""
    while (book := _first_due(desk.account, until)) is not None:
        _run(desk, book, _next_of(book))


def available_at(book: Book, at: int) -> int:
    """Return what will be available at an instant if nothing but time happens; changes nothing."""
    if book.overdrawn or book.forgiven:
        return _tried_out(book, at)
    points = book.available
    for lot in book.lots:
        if lot.expires_at > at:
            break
        points -= lot.remaining
    for waiting in book.pending_lots:
        if waiting.due <= at < waiting.lot.expires_at:
            points += waiting.lot.remaining
    for reservation in book.reservations:
        if reservation.until <= at:
            points += sum(one.points for one in reservation.allocations if one.expires_at > at)
    return points


def _tried_out(book: Book, at: int) -> int:
    """Run the timers on a copy: who is owed what first hangs on the order of events."""
    copy = msgspec.msgpack.decode(msgspec.msgpack.encode(book), type=Book)
    run_timers(Desk(Account(b"", books=[copy])), at)
    return copy.available


def put_back(
    desk: Desk, book: Book, reservation: Reservation, at: int, reason: ReleaseReason, by: str = ""
) -> None:
    """Let what is reserved go back at an instant; points of lots past their date expire.

    What a claw-back had found set aside is taken from it.
    """
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
    take_forgiven(desk, book, at, reservation.redemption_id, back, tuple(one.lot for one in back))


def take_forgiven(
    desk: Desk,
    book: Book,
    at: int,
    redemption_id: bytes,
    back: Iterable[Allocation],
    origins: Iterable[int],
) -> None:
    """Take back what was undeserved and could not be taken while it was set aside or spent.

    Args:
        desk: the account.
        book: the points have just come back to it.
        at: when they came back.
        redemption_id: from which redemption.
        back: the points.
        origins: number of the lot that each of them had been redeemed from.

    """
    for allocation, origin in zip(back, origins, strict=True):
        lot = find_lot(book, allocation.lot)
        undeserved = sum(one.points for one in book.forgiven if origin in one.lots)
        if lot is None or not undeserved:
            continue
        points = min(undeserved, allocation.points, lot.remaining)
        before = book.balance()
        desk.post(
            ForgivenPointsTaken(
                currency=book.currency,
                at=at,
                before=before,
                after=Balance(before.available - points, before.pending, before.reserved),
                redemption_id=redemption_id,
                allocations=(lot.allocate(points),),
                lot=origin,
            )
        )


def expire_all(desk: Desk, book: Book, at: int, reason: ExpiryReason) -> None:
    """Let every lot expire, whatever its date."""
    active = tuple(lot.allocate(lot.remaining) for lot in book.lots)
    pending = tuple(one.lot.allocate(one.lot.remaining) for one in book.pending_lots)
    if not active and not pending:
        return
    before = book.balance()
    desk.post(
        LotsExpired(
            currency=book.currency,
            at=at,
            before=before,
            after=Balance(before.available - points_of(active), 0, before.reserved),
            allocations=active + pending,
            reason=reason,
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


def _first_due(account: Account, until: int) -> Book | None:
    """Return the book in which something is due first, None if nothing is due up to an instant."""
    found = None
    for book in account.books:
        due = _next_of(book)
        if due <= until:
            found, until = book, due - 1
    return found


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
