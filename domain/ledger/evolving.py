"""``evolve``: what a decision makes of an account. Used when deciding, when reading, in replays.

Every decision that moves points is checked: the balance before, the double entry, the balance
after. A log that fails is damaged, or this code is; nothing is written or shown from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from domain.decisions.base import Decision
from domain.ledger import decisions as made
from domain.ledger.account import (
    Account,
    Book,
    Forgiven,
    Redemption,
    Reservation,
    UnbalancedLedgerError,
    check_book,
)
from domain.ledger.booking import (
    give_back,
    less,
    open_lots,
    repay,
    take,
    take_pending,
    take_reserved,
)
from domain.ledger.lots import Allocation, OpenLot, points_of


def evolve(account: Account, decision: Decision) -> None:
    """Change an account, in place, as a decision says.

    Raises:
        UnbalancedLedgerError: if the decision does not continue the account.

    """
    if isinstance(decision, made.Posting):
        book = account.book(decision.currency)
        if decision.before != book.balance():
            raise _broken(account, decision, "before", decision.before, book)
        _POSTINGS[type(decision)](account, book, decision)
        account.keep(book)
        check_book(book)
        if decision.after != book.balance():
            raise _broken(account, decision, "after", decision.after, book)
    else:
        _OTHERS[type(decision)](account, decision)
    account.version += 1


def _opened(account: Account, decision: made.LedgerAccountOpened) -> None:
    account.programme, account.persona = decision.programme, decision.persona
    account.opened_at = account.through = decision.at


def _closed(account: Account, decision: made.LedgerAccountClosed) -> None:
    account.closed_at = decision.at
    account.through = max(account.through, decision.at)


def _accrued(account: Account, book: Book, decision: made.PointsAccrued) -> None:
    if decision.first_lot != book.next_lot:
        raise _wrong_lot(book, decision.first_lot)
    available, pending = open_lots(book, decision.shares, decision.at, account.through)
    book.available += available
    book.pending += pending
    book.issued += available + pending
    repay(book, decision.repaid)
    for share in decision.shares:
        for key in share.caps:
            account.used[key] = account.used.get(key, 0) + share.points
    if decision.qualifying:
        _qualify(account, decision.currency, decision.day, available + pending)


def _opening(account: Account, book: Book, decision: made.OpeningBalanceSet) -> None:
    if decision.first_lot != book.next_lot:
        raise _wrong_lot(book, decision.first_lot)
    available, pending = open_lots(book, decision.shares, decision.at, account.through)
    book.available += available
    book.pending += pending
    book.adjusted += available + pending
    repay(book, decision.repaid)


def _matured(account: Account, book: Book, decision: made.PointsMatured) -> None:
    points = take_pending(book, decision.allocations)
    give_back(book, decision.allocations)
    book.pending -= points
    book.available += points
    repay(book, decision.repaid)
    account.through = max(account.through, decision.at)


def _expired(account: Account, book: Book, decision: made.LotsExpired) -> None:
    active = {lot.number for lot in book.lots}
    of_active = tuple(one for one in decision.allocations if one.lot in active)
    of_pending = tuple(one for one in decision.allocations if one.lot not in active)
    taken, unripe = take(book, of_active), take_pending(book, of_pending)
    book.available -= taken
    book.pending -= unripe
    book.expired += taken + unripe
    account.through = max(account.through, decision.at)


def _extended(account: Account, decision: made.ExpiryExtended) -> None:
    book = account.book(decision.currency)
    for lot in book.lots:
        lot.expires_at = _moved(lot, decision)
    book.lots.sort()
    for waiting in book.pending_lots:
        waiting.lot.expires_at = _moved(waiting.lot, decision)
        waiting.due = min(waiting.active_from, waiting.lot.expires_at)
    book.pending_lots.sort()
    for reservation in book.reservations:
        reservation.allocations = [
            msgspec.structs.replace(one, expires_at=_moved(one, decision))
            for one in reservation.allocations
        ]


def _moved(lot: OpenLot | Allocation, decision: made.ExpiryExtended) -> int:
    if lot.kind != "paid" and lot.earned_at <= decision.at < lot.expires_at:
        return max(lot.expires_at, decision.expires_at)
    return lot.expires_at


def _reserved(account: Account, book: Book, decision: made.RedemptionReserved) -> None:
    points = take(book, decision.allocations)
    _check_sum(book, decision.points, points)
    book.available -= points
    book.reserved += points
    waiting = Reservation(decision.until, decision.redemption_id, list(decision.allocations))
    book.reservations.append(waiting)
    book.reservations.sort()
    account.through = max(account.through, decision.at)


def _captured(account: Account, book: Book, decision: made.RedemptionCaptured) -> None:
    taken = take_reserved(book, decision.redemption_id, decision.allocations)
    _check_sum(book, decision.points, points_of(taken))
    book.redeemed += decision.points
    _remember(account, decision.redemption_id, book.currency, taken, 0)
    account.through = max(account.through, decision.at)


def _released(account: Account, book: Book, decision: made.RedemptionReleased) -> None:
    take_reserved(book, decision.redemption_id, decision.allocations + decision.expired)
    book.available += give_back(book, decision.allocations)
    book.expired += points_of(decision.expired)
    repay(book, decision.repaid)
    account.through = max(account.through, decision.at)


def _redeemed(account: Account, book: Book, decision: made.RedemptionMade) -> None:
    points = take(book, decision.allocations) + decision.uncovered
    _check_sum(book, decision.points, points)
    book.available -= points
    book.redeemed += points
    book.overdrawn += decision.uncovered
    _remember(
        account, decision.redemption_id, book.currency, list(decision.allocations),
        decision.uncovered,
    )  # fmt: skip
    account.through = max(account.through, decision.at)


def _reversed(account: Account, book: Book, decision: made.RedemptionReversed) -> None:
    back = give_back(book, decision.allocations)
    lost = points_of(decision.forfeited)
    _check_sum(book, decision.points, back + lost + decision.uncovered)
    book.overdrawn -= decision.uncovered
    book.available += back + decision.uncovered
    book.redeemed -= decision.points
    book.expired += lost
    repay(book, decision.repaid)
    redemption = account.redemptions.get(decision.redemption_id)
    if redemption is not None:
        _undo(redemption, decision.points)
    account.through = max(account.through, decision.at)


def _clawed_back(account: Account, book: Book, decision: made.PointsClawedBack) -> None:
    waiting = {one.lot.number for one in book.pending_lots}
    unripe = take_pending(book, [one for one in decision.allocations if one.lot in waiting])
    taken = take(book, [one for one in decision.allocations if one.lot not in waiting])
    book.pending -= unripe
    book.available -= taken + decision.uncovered
    book.overdrawn += decision.uncovered
    book.clawed_back += unripe + taken + decision.uncovered
    missing = decision.due - unripe - taken - decision.uncovered
    _check_sum(book, max(missing, 0), decision.forgiven or missing)
    if decision.forgiven:
        _forgive(book, decision.lots, decision.forgiven)
    if decision.qualifying:
        _qualify(account, decision.currency, decision.day, -decision.due)


def _forgive(book: Book, lots: tuple[int, ...], points: int) -> None:
    for known in book.forgiven:
        if known.lots == lots:
            known.points += points
            return
    book.forgiven.append(Forgiven(lots, points))


def _forgiven_taken(_account: Account, book: Book, decision: made.ForgivenPointsTaken) -> None:
    points = left = take(book, decision.allocations)
    for known in book.forgiven:
        if decision.lot in known.lots:
            part = min(left, known.points)
            known.points -= part
            left -= part
    _check_sum(book, points, points - left)
    book.forgiven = [known for known in book.forgiven if known.points]
    book.available -= points
    book.clawed_back += points


def _reinstated(_account: Account, book: Book, decision: made.PointsReinstated) -> None:
    points = give_back(book, decision.allocations)
    book.available += points
    book.expired -= points
    repay(book, decision.repaid)


def _adjusted(account: Account, book: Book, decision: made.BalanceAdjusted) -> None:
    account.through = max(account.through, decision.at)
    if decision.share is not None:
        if decision.first_lot != book.next_lot:
            raise _wrong_lot(book, decision.first_lot)
        given, _ = open_lots(book, (decision.share,), decision.at, account.through)
        book.available += given
        book.adjusted += given
        repay(book, decision.repaid)
    taken = take(book, decision.allocations) + decision.uncovered
    book.available -= taken
    book.overdrawn += decision.uncovered
    book.adjusted -= taken


def _sent(account: Account, book: Book, decision: made.PointsTransferredOut) -> None:
    points = take(book, decision.allocations)
    book.available -= points
    book.transferred -= points
    account.through = max(account.through, decision.at)


def _received(account: Account, book: Book, decision: made.PointsTransferredIn) -> None:
    points = give_back(book, decision.allocations)
    book.available += points
    book.transferred += points
    repay(book, decision.repaid)
    account.through = max(account.through, decision.at)


def _first_purchase(account: Account, decision: made.FirstPurchaseRecognised) -> None:
    account.first_purchase = decision.touchpoint


def _tier(account: Account, decision: made.TierChanged) -> None:
    account.tier, account.tier_until = decision.tier, decision.until
    account.tier_since = decision.at
    if not decision.cause:
        account.through = max(account.through, decision.at)


def _qualify(account: Account, currency: str, day: int, points: int) -> None:
    days = account.qualified.setdefault(currency, {})
    days[day] = days.get(day, 0) + points
    if not days[day]:
        del days[day]


def _remember(
    account: Account,
    redemption_id: bytes,
    currency: str,
    allocations: list[Allocation],
    uncovered: int,
) -> None:
    redemption = account.redemptions.get(redemption_id)
    if redemption is None:
        redemption = account.redemptions[redemption_id] = Redemption(redemption_id, currency)
    redemption.redeemed = [*redemption.redeemed, *allocations]
    redemption.uncovered += uncovered


def _undo(redemption: Redemption, points: int) -> None:
    """Take reversed points off a redemption: what nothing covered first, then its last lots."""
    unowed = min(points, redemption.uncovered)
    redemption.uncovered -= unowed
    points -= unowed
    left = list(redemption.redeemed)
    while points:
        last = left.pop()
        part = min(points, last.points)
        if part < last.points:
            left.append(less(last, part))
        points -= part
    redemption.redeemed = left


_POSTINGS: dict[type[made.Posting], Callable[[Account, Book, Any], None]] = {
    made.PointsAccrued: _accrued,
    made.OpeningBalanceSet: _opening,
    made.PointsMatured: _matured,
    made.LotsExpired: _expired,
    made.RedemptionReserved: _reserved,
    made.RedemptionCaptured: _captured,
    made.RedemptionReleased: _released,
    made.RedemptionMade: _redeemed,
    made.RedemptionReversed: _reversed,
    made.PointsClawedBack: _clawed_back,
    made.ForgivenPointsTaken: _forgiven_taken,
    made.PointsReinstated: _reinstated,
    made.BalanceAdjusted: _adjusted,
    made.PointsTransferredOut: _sent,
    made.PointsTransferredIn: _received,
}
_OTHERS: dict[type[Decision], Callable[[Account, Any], None]] = {
    made.LedgerAccountOpened: _opened,
    made.LedgerAccountClosed: _closed,
    made.ExpiryExtended: _extended,
    made.FirstPurchaseRecognised: _first_purchase,
    made.TierChanged: _tier,
}


def _broken(
    account: Account, decision: made.Posting, which: str, stated: made.Balance, book: Book
) -> UnbalancedLedgerError:
    return UnbalancedLedgerError(
        f"account {account.id.hex()}, version {account.version + 1}, {decision.topic}: expected "
        f"the balance {which} it to be {stated}, found {book.balance()}; stop, and run "
        "'vinculo verify --ledger'"
    )


def _wrong_lot(book: Book, stated: int) -> UnbalancedLedgerError:
    return UnbalancedLedgerError(
        f"book {book.currency}: expected lot {book.next_lot} to be opened next, found {stated}; "
        "the decisions log is damaged"
    )


def _check_sum(book: Book, stated: int, found: int) -> None:
    if stated != found:
        message = (
            f"book {book.currency}: expected a decision about {stated} points to name lots of as "
            f"many, found {found}; the decisions log is damaged"
        )
        raise UnbalancedLedgerError(message)
