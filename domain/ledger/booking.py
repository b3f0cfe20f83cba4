"""Moving points in a book, as decisions say: lots are opened, taken from, and given back to.

Nothing here decides. What a decision says of lots is carried out literally, and refused as damage
where the book does not hold it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

import msgspec

from domain.ledger.account import Book, Reservation, UnbalancedLedgerError
from domain.ledger.lots import Allocation, OpenLot, lot_again, lot_of, points_of, waiting_lot
from domain.ledger.terms import Share


def open_lots(book: Book, shares: Iterable[Share], earned_at: int, through: int) -> tuple[int, int]:
    """Open one lot a share, pending or active as of ``through``.

    Returns:
        Points that became available, and points that are pending.

    """
    available = pending = 0
    for share in shares:
        if share.points < 1:
            raise _not_positive(book, book.next_lot, share.points)
        lot = lot_of(book.next_lot, share.points, earned_at, share.terms)
        book.next_lot += 1
        if share.terms.active_from > through:
            insort(book.pending_lots, waiting_lot(lot, share.terms.active_from))
            pending += share.points
        else:
            insort(book.lots, lot)
            available += share.points
    return available, pending


def take(book: Book, allocations: Iterable[Allocation]) -> int:
    """Take points from active lots and return how many; lots with nothing left are closed.

    Raises:
        UnbalancedLedgerError: if a lot does not hold them.

    """
    taken = 0
    lots = book.lots
    for allocation in allocations:
        # Burning takes from the front; only a claw-back looks further.
        place = 0
        while place < len(lots) and lots[place].number != allocation.lot:
            place += 1
        if place == len(lots) or not 0 < allocation.points <= lots[place].remaining:
            raise _not_held(book, allocation)
        lots[place].remaining -= allocation.points
        taken += allocation.points
        if not lots[place].remaining:
            del lots[place]
    return taken


def take_pending(book: Book, allocations: Iterable[Allocation]) -> int:
    """Take points from pending lots and return how many.

    Raises:
        UnbalancedLedgerError: if a lot does not hold them.

    """
    taken = 0
    pending = book.pending_lots
    for allocation in allocations:
        place = 0
        while place < len(pending) and pending[place].lot.number != allocation.lot:
            place += 1
        if place == len(pending) or not 0 < allocation.points <= pending[place].lot.remaining:
            raise _not_held(book, allocation)
        pending[place].lot.remaining -= allocation.points
        taken += allocation.points
        if not pending[place].lot.remaining:
            del pending[place]
    return taken


def give_back(book: Book, allocations: Iterable[Allocation]) -> int:
    """Put points back into their active lots, opening again those that are closed.

    A lot lives as long as the longest-lived of its points.

    Raises:
        UnbalancedLedgerError: if nothing is given.

    """
    given = 0
    for allocation in allocations:
        if allocation.points < 1:
            raise _not_positive(book, allocation.lot, allocation.points)
        lot = find_lot(book, allocation.lot)
        if lot is None:
            insort(book.lots, lot_again(allocation))
            book.next_lot = max(book.next_lot, allocation.lot + 1)
        else:
            lot.remaining += allocation.points
            lot.expires_at = max(lot.expires_at, allocation.expires_at)
            book.lots.sort()
        given += allocation.points
    return given


def find_lot(book: Book, number: int) -> OpenLot | None:
    """Return an active lot, None if there is none of that number."""
    for lot in book.lots:
        if lot.number == number:
            return lot
    return None


def as_it_is(book: Book, allocation: Allocation, beside: Iterable[Allocation]) -> Allocation:
    """Return a redeemed allocation with the latest expiry that is known of its lot.

    Activity may have moved it since: in what is open of the lot, what is reserved of it, or what
    was redeemed of it later (``beside``).
    """
    known = [one for reservation in book.reservations for one in reservation.allocations]
    known += beside
    dates = [one.expires_at for one in known if one.lot == allocation.lot]
    lot = find_lot(book, allocation.lot)
    if lot is not None:
        dates.append(lot.expires_at)
    return msgspec.structs.replace(allocation, expires_at=max([allocation.expires_at, *dates]))


def repay(book: Book, repaid: tuple[Allocation, ...]) -> None:
    """Let points that have just become available pay off what is overdrawn.

    Raises:
        UnbalancedLedgerError: if more is paid than is owed.

    """
    if not repaid:
        return
    points = take(book, repaid)
    if points > book.overdrawn:
        message = (
            f"book {book.currency}: expected at most {book.overdrawn} overdrawn points to be paid "
            f"off, found {points}; the decisions log is damaged"
        )
        raise UnbalancedLedgerError(message)
    book.overdrawn -= points


def settle_by(lots: Iterable[OpenLot | Allocation], overdrawn: int) -> tuple[Allocation, ...]:
    """Return which points of lots that become available pay off what is overdrawn."""
    repaid: list[Allocation] = []
    for lot in sorted(map(_as_lot, lots)):
        if not overdrawn:
            break
        part = min(lot.remaining, overdrawn)
        repaid.append(lot.allocate(part))
        overdrawn -= part
    return tuple(repaid)


def find_reservation(book: Book, redemption_id: bytes) -> Reservation | None:
    """Return an open reservation, None if there is none of that id."""
    for reservation in book.reservations:
        if reservation.redemption_id == redemption_id:
            return reservation
    return None


def take_reserved(
    book: Book, redemption_id: bytes, allocations: Iterable[Allocation]
) -> list[Allocation]:
    """Take points out of a reservation, closing it where nothing is left; return them as a list.

    Raises:
        UnbalancedLedgerError: if it does not hold them.

    """
    reservation = find_reservation(book, redemption_id)
    taken = list(allocations)
    left = {one.lot: one for one in reservation.allocations} if reservation else {}
    for allocation in taken:
        held = left.get(allocation.lot)
        if held is None or not 0 < allocation.points <= held.points:
            raise _not_held(book, allocation)
        left[allocation.lot] = less(held, allocation.points)
    if reservation is not None:
        reservation.allocations = [one for one in left.values() if one.points]
        if not reservation.allocations:
            book.reservations.remove(reservation)
    book.reserved -= points_of(taken)
    return taken


def less(allocation: Allocation, points: int) -> Allocation:
    """Return an allocation of fewer points."""
    return Allocation(
        allocation.lot, allocation.points - points, allocation.expires_at, allocation.earned_at,
        allocation.kind, allocation.issuer, allocation.funder,
    )  # fmt: skip


def part_of(allocations: Iterable[Allocation], points: int) -> tuple[Allocation, ...]:
    """Return the first so many points of allocations."""
    chosen: list[Allocation] = []
    for allocation in allocations:
        if not points:
            break
        part = min(points, allocation.points)
        chosen.append(less(allocation, allocation.points - part))
        points -= part
    return tuple(chosen)


def _not_positive(book: Book, lot: int, points: int) -> UnbalancedLedgerError:
    return UnbalancedLedgerError(
        f"book {book.currency}: expected at least 1 point for lot {lot}, found {points}; the rules "
        "or the decisions log are damaged"
    )


def _as_lot(lot: OpenLot | Allocation) -> OpenLot:
    return lot if isinstance(lot, OpenLot) else lot_again(lot)


def _not_held(book: Book, allocation: Allocation) -> UnbalancedLedgerError:
    message = (
        f"book {book.currency}: expected lot {allocation.lot} to hold {allocation.points} points, "
        "found fewer; the decisions log or the account's row is damaged: stop, and run "
        "'vinculo verify --ledger'"
    )
    return UnbalancedLedgerError(message)
