"""Mirrored accounts: the book is what an upstream system states, whatever the order it arrives in.

A book holds its own statements, sorted by ruling 5 and packed, and the holdings that follow from
them. A statement later than all that was applied is applied to the holdings; any other one has the
holdings folded anew from the statements. Both ways give the same bytes.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import msgspec

from domain.errors import VinculoError
from domain.loyalty.holdings import Holdings, advance, check_balanced, check_lots, enter, next_timer
from domain.loyalty.lots import Lot, PendingLot
from domain.loyalty.statements import Statement, pack_all, unpack


class UnsettledBookError(VinculoError):
    """A book was read while statements waited in it: a defect of the caller."""


AccountKey = tuple[str, str, str]
"""Programme, source, account number."""


class Status(msgspec.Struct, array_like=True, order=True, frozen=True, gc=False):
    """An account was opened or closed. Compares by ruling 5.

    Args:
        at: when (microseconds since 1970).
        sequence: the source's own, -1 if it has none.
        entry_id: 16 bytes of the fact.
        closed: whether it was closed; else it was opened.

    """

    at: int
    sequence: int
    entry_id: bytes
    closed: bool


class Book(msgspec.Struct, array_like=True, gc=False):
    """The points of one account in one currency.

    Args:
        currency: the programme's points currency.
        count: statements that were folded.
        first_at: when the first of them happened (microseconds since 1970).
        latest: the last of them.
        packed: the others, sorted (``statements.py``).
        holdings: what follows from them, and from time.
        fresh: statements not folded yet, in order of arrival; none after :func:`settle_book`.

    """

    currency: str
    count: int = 0
    first_at: int = 0
    latest: Statement | None = None
    packed: bytes = b""
    holdings: Holdings = msgspec.field(default_factory=Holdings)
    fresh: list[Statement] = []


class Account(msgspec.Struct, array_like=True, gc=False):
    """One mirrored account. What another source states of the same number is another account.

    Args:
        programme: code of the programme.
        source: who states it.
        number: the account's number.
        statuses: openings and closings, sorted.
        books: one for each currency, sorted by it.

    """

    programme: str
    source: str
    number: str
    statuses: list[Status] = []
    books: list[Book] = []

    @property
    def closed(self) -> bool:
        """Say whether the last opening or closing was a closing."""
        return bool(self.statuses) and self.statuses[-1].closed


def account_key(account: Account) -> AccountKey:
    """Return the key by which accounts are found and sorted."""
    return account.programme, account.source, account.number


def account_in(accounts: list[Account], key: AccountKey) -> Account:
    """Return the account of a key; it is made, at its sorted place, if there is none."""
    place = bisect_left(accounts, key, key=account_key)
    if place == len(accounts) or account_key(accounts[place]) != key:
        accounts.insert(place, Account(*key))
    return accounts[place]


def book_in(account: Account, currency: str) -> Book:
    """Return the book of a currency; it is made, at its sorted place, if there is none."""
    for book in account.books:
        if book.currency == currency:
            return book
    book = Book(currency)
    insort(account.books, book, key=_currency)
    return book


def record_status(account: Account, status: Status) -> None:
    """Record that an account was opened or closed."""
    insort(account.statuses, status)


def settle_book(book: Book, horizon: int, *, expires_here: bool) -> int | None:
    """Fold the fresh statements, then run the timers up to and including the horizon.

    Args:
        book: changed in place.
        horizon: microseconds since 1970. If it is before the last statement, that one counts.
        expires_here: whether our own expiry applies.

    Returns:
        The instant of the next timer, or None.

    Raises:
        UnbalancedBookError: a defect of ours.
        StatementsUnreadableError: the packed statements are damaged.

    """
    changed = True
    if _must_refold(book, horizon):
        _refold(book, expires_here=expires_here)
    elif book.fresh:
        _append(book, expires_here=expires_here)
    else:
        changed = False
    due = next_timer(book.holdings)
    if due is not None and due <= horizon:
        advance(book.holdings, horizon, expires_here=expires_here)
        due, changed = next_timer(book.holdings), True
    if changed:
        check_balanced(book.holdings)
    return due


def statements_of(book: Book) -> list[Statement]:
    """Return the statements of a book, sorted."""
    if book.latest is None:
        return sorted(book.fresh)
    folded = [*unpack(book.packed, book.count - 1), book.latest]
    return sorted([*folded, *book.fresh]) if book.fresh else folded


def holdings_at(book: Book, now: int, *, expires_here: bool) -> Holdings:
    """Return the holdings with the timers run up to an instant; the book stays as it is.

    Args:
        book: a settled one.
        now: microseconds since 1970. Timers that have run already are not taken back.
        expires_here: whether our own expiry applies.

    Raises:
        UnbalancedBookError: a defect of ours.
        UnsettledBookError: if statements wait to be folded.

    """
    if book.fresh:
        message = (
            f"expected a settled book of {book.currency}, found {len(book.fresh)} statements that "
            "are not folded; call settle before reading"
        )
        raise UnsettledBookError(message)
    holdings = book.holdings
    check_lots(holdings)
    due = next_timer(holdings)
    if due is not None and due <= now:
        holdings = _copy(holdings)
        advance(holdings, now, expires_here=expires_here)
    check_balanced(holdings)
    return holdings


def _must_refold(book: Book, horizon: int) -> bool:
    """Say whether a fresh statement, or the horizon, lies before what was applied."""
    latest, through = book.latest, book.holdings.through
    if latest is None:
        return False
    if through > latest.at and through > horizon:
        return True  # a timer ran that this horizon does not know
    if not book.fresh:
        return False
    earliest = min(book.fresh)
    return earliest.at < through or earliest < latest


def _append(book: Book, *, expires_here: bool) -> None:
    """Apply the fresh statements, all of them later than what was applied."""
    fresh = sorted(book.fresh)
    if book.latest is None:
        book.first_at = fresh[0].at
        book.packed = pack_all(fresh[:-1])
    else:
        book.packed += pack_all((book.latest, *fresh[:-1]))
    for statement in fresh:
        enter(book.holdings, statement, book.count, expires_here=expires_here)
        book.count += 1
    book.latest = fresh[-1]
    book.fresh.clear()


def _refold(book: Book, *, expires_here: bool) -> None:
    """Fold all statements from the first one."""
    statements = statements_of(book)
    if book.fresh:
        book.packed = pack_all(statements[:-1])
        book.latest = statements[-1]
        book.count = len(statements)
        book.first_at = statements[0].at
        book.fresh.clear()
    book.holdings = Holdings()
    for ordinal, statement in enumerate(statements):
        enter(book.holdings, statement, ordinal, expires_here=expires_here)
    check_lots(book.holdings)


def _currency(book: Book) -> str:
    return book.currency


def _copy(holdings: Holdings) -> Holdings:
    pending = [PendingLot(waiting.due, _copy_lot(waiting.lot)) for waiting in holdings.pending_lots]
    return msgspec.structs.replace(
        holdings,
        lots=[_copy_lot(lot) for lot in holdings.lots],
        pending_lots=pending,
        lots_past_date=[_copy_lot(lot) for lot in holdings.lots_past_date],
    )


def _copy_lot(lot: Lot) -> Lot:
    return Lot(lot.expires_at, lot.ordinal, lot.remaining)
