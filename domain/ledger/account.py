"""The state of an owned account: one book a currency, and what rules may know of it."""

from __future__ import annotations

import msgspec

from domain.errors import VinculoError
from domain.ledger.decisions import Balance
from domain.ledger.lots import Allocation, OpenLot, PendingLot
from domain.ledger.terms import NEVER


class UnbalancedLedgerError(VinculoError):
    """A ledger whose figures contradict each other: a defect of ours or damage, no caller's."""


class Reservation(msgspec.Struct, array_like=True, order=True, gc=False):
    """Points set aside for a redemption. Compares by the order of the time-outs.

    Args:
        until: from this instant on they go back.
        redemption_id: of the redemption.
        allocations: what is still set aside.

    """

    until: int
    redemption_id: bytes
    allocations: list[Allocation]


class Redemption(msgspec.Struct, array_like=True, gc=False):
    """What has been redeemed under one id, and may be reversed.

    Args:
        redemption_id: 16 bytes.
        currency: of the book.
        redeemed: by lot, less what was reversed.
        uncovered: points that no lot covered, less what was reversed.

    """

    redemption_id: bytes
    currency: str
    redeemed: list[Allocation] = []
    uncovered: int = 0


class Forgiven(msgspec.Struct, array_like=True, gc=False):
    """Undeserved points that a claw-back within the balance did not find.

    Args:
        lots: numbers of the lots that the touchpoint had brought.
        points: taken when points of these lots come back.

    """

    lots: tuple[int, ...]
    points: int


class Book(msgspec.Struct, array_like=True, gc=False):
    """The points of an account in one currency.

    At every moment ``available + pending + reserved = issued + adjusted + transferred - redeemed
    - expired - clawed_back`` and ``available = points in active lots - overdrawn``.

    Args:
        currency: code of the points currency.
        available: may be negative.
        pending: in lots that are not active yet.
        reserved: set aside.
        overdrawn: owed; paid off first by whatever becomes available.
        issued: ever.
        redeemed: less what was reversed.
        expired: ever.
        clawed_back: ever.
        adjusted: up less down, opening balances included.
        transferred: in less out.
        next_lot: number of the next new lot.
        lots: active ones, in the order of burning.
        pending_lots: in the order of their timers.
        reservations: in the order of their time-outs.
        forgiven: undeserved points that a claw-back found spent or set aside.

    """

    currency: str
    available: int = 0
    pending: int = 0
    reserved: int = 0
    overdrawn: int = 0
    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    clawed_back: int = 0
    adjusted: int = 0
    transferred: int = 0
    next_lot: int = 1
    lots: list[OpenLot] = []
    pending_lots: list[PendingLot] = []
    reservations: list[Reservation] = []
    forgiven: list[Forgiven] = []

    def balance(self) -> Balance:
        """Return what the book holds."""
        return Balance(self.available, self.pending, self.reserved)


class Account(msgspec.Struct, array_like=True, gc=False):
    """An owned account. Changed in place by ``evolve`` alone.

    Args:
        id: of its stream, 16 bytes.
        version: how many decisions made it.
        programme: its code, empty before it is opened.
        persona: whose it is.
        opened_at: from when on.
        closed_at: from when on, NEVER while it is open.
        through: the latest instant up to which its timers have run.
        books: by currency, in the order in which they came into use.
        tier: code of the tier held, empty for none.
        tier_since: when it was judged last to begin or to go on.
        tier_until: from this instant on the tier is judged anew.
        first_purchase: entry of its first purchase, empty before it.
        used: by cap key, the points given in that period.
        qualified: by business day, the points of each qualifying currency.
        redemptions: those that may be asked about; the journal keeps all, a head row none.

    """

    id: bytes
    version: int = 0
    programme: str = ""
    persona: bytes = b""
    opened_at: int = 0
    closed_at: int = NEVER
    through: int = 0
    books: list[Book] = []
    tier: str = ""
    tier_since: int = 0
    tier_until: int = NEVER
    first_purchase: bytes = b""
    used: dict[str, int] = {}
    qualified: dict[str, dict[int, int]] = {}
    redemptions: dict[bytes, Redemption] = {}

    def book(self, currency: str) -> Book:
        """Return the book of a currency; an empty one, not kept, if it is not in use."""
        for book in self.books:
            if book.currency == currency:
                return book
        return Book(currency)

    def keep(self, book: Book) -> None:
        """Keep a book that is new."""
        if all(one is not book for one in self.books):
            self.books.append(book)

    @property
    def is_open(self) -> bool:
        """Say whether postings may be asked of it."""
        return bool(self.programme) and self.closed_at == NEVER


def check_book(book: Book) -> None:
    """Check the double entry of a book, at no cost that grows with its lots.

    Raises:
        UnbalancedLedgerError: with both sides.

    """
    held = book.available + book.pending + book.reserved
    moved = book.issued + book.adjusted + book.transferred
    moved -= book.redeemed + book.expired + book.clawed_back
    least = min(
        book.pending, book.reserved, book.overdrawn,
        book.issued, book.redeemed, book.expired, book.clawed_back,
    )  # fmt: skip
    if held != moved or least < 0 or (book.overdrawn and book.lots):
        message = (
            f"book {book.currency}: expected what it holds to equal what was moved, "
            "nothing below zero but what is available, adjusted or transferred, and no lot open "
            "while points are owed; found "
            f"{held} = {book.available} available + {book.pending} pending + {book.reserved} "
            f"reserved against {moved} moved, {book.overdrawn} overdrawn, least {least}; stop, "
            "and run 'vinculo verify --ledger'"
        )
        raise UnbalancedLedgerError(message)


def check_lots(book: Book) -> None:
    """Check that balances are the sums of lots and reservations, each in its order and not empty.

    Raises:
        UnbalancedLedgerError: with both sides.

    """
    active = sum(lot.remaining for lot in book.lots)
    pending = sum(one.lot.remaining for one in book.pending_lots)
    reserved = sum(allocation.points for one in book.reservations for allocation in one.allocations)
    found = (active - book.overdrawn, pending, reserved)
    expected = (book.available, book.pending, book.reserved)
    lots = [*book.lots, *(one.lot for one in book.pending_lots)]
    sound = (
        book.lots == sorted(book.lots)
        and book.pending_lots == sorted(book.pending_lots)
        and book.reservations == sorted(book.reservations)
        and all(lot.remaining > 0 for lot in lots)
        and len({lot.number for lot in lots}) == len(lots)
        and all(0 < lot.number < book.next_lot for lot in lots)
        and all(one.due == min(one.active_from, one.lot.expires_at) for one in book.pending_lots)
        and not (book.overdrawn and book.lots)
    )
    if found != expected or not sound:
        message = (
            f"book {book.currency}: expected sorted lots of {expected} points (available, pending, "
            f"reserved), none empty, none twice, none numbered {book.next_lot} or more, none open "
            f"while points are owed, found {found} and {lots}; "
            "stop, and run 'vinculo verify --ledger'"
        )
        raise UnbalancedLedgerError(message)
