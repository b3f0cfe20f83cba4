"""Outstanding points by portfolio, out of accounts as they stand: the ledger's side of a close.

It reads balances and lots, never movements, so that the two sides can contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.accounting.liability import OpenLot
from domain.accounting.portfolios import Portfolio
from domain.ledger.account import Account, Book
from projections.ledger.portfolios import AccountContext


def add_outstanding(
    points: dict[Portfolio, int], account: Account, context: AccountContext
) -> None:
    """Add to sums by portfolio what an account holds: lots and reservations less overdrafts."""
    for book in account.books:
        if book.currency in context.qualifying:
            continue
        for lot in open_lots(book, context):
            points[lot.portfolio] = points.get(lot.portfolio, 0) + lot.remaining
        if book.overdrawn:
            owed = context.owed(book.currency)
            points[owed] = points.get(owed, 0) - book.overdrawn


def lots_of(account: Account, context: AccountContext) -> Iterator[OpenLot]:
    """Yield the open lots of an account, pending and reserved points included."""
    for book in account.books:
        if book.currency not in context.qualifying:
            yield from open_lots(book, context)


def open_lots(book: Book, context: AccountContext) -> Iterator[OpenLot]:
    """Yield the open lots of a book, pending and reserved points included."""
    currency = book.currency
    for lot in book.lots:
        yield OpenLot(context.of_lot(currency, lot), lot.expires_at, lot.remaining)
    for waiting in book.pending_lots:
        lot = waiting.lot
        yield OpenLot(context.of_lot(currency, lot), lot.expires_at, lot.remaining)
    for reservation in book.reservations:
        for one in reservation.allocations:
            yield OpenLot(context.of_lot(currency, one), one.expires_at, one.points)
