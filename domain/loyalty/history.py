"""The movements of a mirrored account, each with the balance before and after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from operator import itemgetter
from typing import Literal
from uuid import UUID

import msgspec

from domain.instants import moment_of
from domain.loyalty.holdings import (
    Holdings,
    UnbalancedBookError,
    check_balanced,
    enter,
    next_timer,
    run_timer,
)
from domain.loyalty.mirrored import Account, Book, holdings_at, statements_of
from domain.loyalty.programmes import Programme
from domain.loyalty.statements import Statement

_Order = tuple[int, int, int, bytes]
_Placed = tuple[_Order, "Movement"]

MovementKind = Literal[
    "opened", "closed",
    "earned", "redeemed", "expired_as_stated", "adjusted",
    "activated", "expired", "expiry_due",
]  # fmt: skip
"""The first two lines are statements of upstream; the third is what time did to a lot."""

_STATED: tuple[MovementKind, ...] = ("earned", "redeemed", "expired_as_stated", "adjusted")


class Balance(msgspec.Struct, frozen=True):
    """What one book held at a moment, in points; a closing does not change it.

    Args:
        available: in active lots.
        pending: in lots that are not active yet.
        awaiting_expiry: past their date, not stated to be expired.
        overdrawn: taken by upstream and covered by no lot.

    """

    available: int
    pending: int
    awaiting_expiry: int
    overdrawn: int


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an account's history, ready to be shown.

    Args:
        at: when it happened, in UTC.
        kind: what happened.
        entry_id: of the touchpoint that states it, or that made the lot which time has moved.
        currency: of the points; none for an opening or closing.
        points: how many were stated or moved; only an adjustment may be negative.
        before: the balance just before.
        after: the balance just after.

    """

    at: datetime
    kind: MovementKind
    entry_id: UUID
    currency: str | None = None
    points: int = 0
    before: Balance | None = None
    after: Balance | None = None


def statement_history(account: Account, programme: Programme, until: int) -> list[Movement]:
    """Return all movements of a settled account, the earliest first.

    Timers stand before the statements of their instant. What is shown ends in the balance that
    :func:`domain.loyalty.mirrored.holdings_at` gives for the same instant: this is checked.

    Args:
        account: of a settled state; it stays as it is.
        programme: the settings of the account's programme.
        until: the instant (microseconds since 1970) up to which time has run.

    Raises:
        UnbalancedBookError: a defect of ours.
        UnsettledBookError: if statements wait to be folded.

    """
    expires_here = not programme.upstream_states_expiry
    books = [_of_book(book, until, expires_here=expires_here) for book in account.books]
    return [movement for _, movement in merge(*books, _of_statuses(account), key=itemgetter(0))]


def _of_statuses(account: Account) -> Iterator[_Placed]:
    for status in account.statuses:
        yield (
            (status.at, 1, status.sequence, status.entry_id),
            Movement(
                at=moment_of(status.at),
                kind="closed" if status.closed else "opened",
                entry_id=UUID(bytes=status.entry_id),
            ),
        )


def _of_book(book: Book, until: int, *, expires_here: bool) -> Iterator[_Placed]:
    statements = statements_of(book)
    holdings = Holdings()
    for ordinal, statement in enumerate(statements):
        yield from _timers(book, holdings, statements, statement.at, expires_here=expires_here)
        before = _balance(holdings)
        enter(holdings, statement, ordinal, expires_here=expires_here)
        yield _stated(book, statement, before, _balance(holdings))
    end = max(until, book.holdings.through)
    yield from _timers(book, holdings, statements, end, expires_here=expires_here)
    _check_end(holdings, holdings_at(book, end, expires_here=expires_here))


def _timers(
    book: Book, holdings: Holdings, statements: list[Statement], until: int, *, expires_here: bool
) -> Iterator[_Placed]:
    while (due := next_timer(holdings)) is not None and due <= until:
        before = _balance(holdings)
        kind, lot, points = run_timer(holdings, expires_here=expires_here)
        movement = Movement(
            at=moment_of(due),
            kind=kind,
            entry_id=UUID(bytes=statements[lot.ordinal].entry_id),
            currency=book.currency,
            points=points,
            before=before,
            after=_balance(holdings),
        )
        yield (due, 0, 0, b""), movement


def _stated(book: Book, statement: Statement, before: Balance, after: Balance) -> _Placed:
    movement = Movement(
        at=moment_of(statement.at),
        kind=_STATED[statement.kind],
        entry_id=UUID(bytes=statement.entry_id),
        currency=book.currency,
        points=statement.points,
        before=before,
        after=after,
    )
    return (statement.at, 1, statement.sequence, statement.entry_id), movement


def _balance(holdings: Holdings) -> Balance:
    return Balance(
        holdings.available, holdings.pending, holdings.awaiting_expiry, holdings.overdrawn
    )


def _check_end(found: Holdings, expected: Holdings) -> None:
    check_balanced(found)
    if found != expected:
        message = (
            f"expected the history of a book to end in its balance {_balance(expected)}, found "
            f"{_balance(found)}; report this defect and rebuild the customer view"
        )
        raise UnbalancedBookError(message)
