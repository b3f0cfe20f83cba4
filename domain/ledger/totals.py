"""Totals of the whole ledger: every book of all accounts together, zero-sum at every position.

This is a second bookkeeping, on purpose: it reads what decisions say and shares no code with what
``evolve`` makes of an account. Held points stand with their own sign, the nominal books with the
opposite one, so that all of them together are zero after every single decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from domain.decisions.base import Decision
from domain.ledger import decisions as made
from domain.ledger.account import UnbalancedLedgerError
from domain.ledger.lots import points_of

BookName = Literal[
    "available", "pending", "reserved",
    "issued", "redeemed", "expired", "clawed_back", "adjusted", "transferred",
]  # fmt: skip
Moves = Mapping[BookName, int]
"""What a decision adds to each book; those it leaves alone may be absent."""


class Totals:
    """The books of a whole ledger, decision after decision.

    ``books[currency][name]`` are points: ``available``, ``pending`` and ``reserved`` as customers
    hold them; ``issued``, ``adjusted`` and ``transferred`` below zero for what came in,
    ``redeemed``, ``expired`` and ``clawed_back`` above zero for what went out.
    """

    def __init__(self) -> None:
        self.books: dict[str, dict[BookName, int]] = {}
        self.decisions = 0

    def book(self, decision: Decision) -> None:
        """Add a decision; one that moves no points changes nothing.

        Raises:
            UnbalancedLedgerError: if the books are not zero together after it.

        """
        self.decisions += 1
        if not isinstance(decision, made.Posting):
            return
        books = self.books.setdefault(decision.currency, {})
        for name, points in moves_of(decision).items():
            books[name] = books.get(name, 0) + points
        if sum(books.values()):
            message = (
                f"{decision.topic} at {decision.at}: expected the books of {decision.currency} to "
                f"be zero together after it, found {sum(books.values())}: {books}; the decisions "
                "log is damaged: stop, and compare with a backup"
            )
            raise UnbalancedLedgerError(message)


def moves_of(posting: made.Posting) -> Moves:
    """Return what a posting adds to each book.

    What customers hold moves as the posting's balances say, the nominal books by what it says of
    lots and points; nothing but truth makes these two agree.
    """
    before, after = posting.before, posting.after
    return {
        "available": after.available - before.available,
        "pending": after.pending - before.pending,
        "reserved": after.reserved - before.reserved,
        **_NOMINAL[type(posting)](posting),
    }


def _accrued(posting: made.PointsAccrued) -> Moves:
    return {"issued": -sum(share.points for share in posting.shares)}


def _opened(posting: made.OpeningBalanceSet) -> Moves:
    return {"adjusted": -sum(share.points for share in posting.shares)}


def _nothing(_posting: made.PointsMatured | made.RedemptionReserved) -> Moves:
    return {}


def _expired(posting: made.LotsExpired) -> Moves:
    return {"expired": points_of(posting.allocations)}


def _captured(posting: made.RedemptionCaptured) -> Moves:
    return {"redeemed": points_of(posting.allocations)}


def _released(posting: made.RedemptionReleased) -> Moves:
    return {"expired": points_of(posting.expired)}


def _redeemed(posting: made.RedemptionMade) -> Moves:
    return {"redeemed": points_of(posting.allocations) + posting.uncovered}


def _reversed(posting: made.RedemptionReversed) -> Moves:
    return {"redeemed": -posting.points, "expired": points_of(posting.forfeited)}


def _clawed_back(posting: made.PointsClawedBack) -> Moves:
    return {"clawed_back": points_of(posting.allocations) + posting.uncovered}


def _forgiven(posting: made.ForgivenPointsTaken) -> Moves:
    return {"clawed_back": points_of(posting.allocations)}


def _reinstated(posting: made.PointsReinstated) -> Moves:
    return {"expired": -points_of(posting.allocations)}


def _adjusted(posting: made.BalanceAdjusted) -> Moves:
    given = posting.share.points if posting.share else 0
    return {"adjusted": points_of(posting.allocations) + posting.uncovered - given}


def _sent(posting: made.PointsTransferredOut) -> Moves:
    return {"transferred": points_of(posting.allocations)}


def _received(posting: made.PointsTransferredIn) -> Moves:
    return {"transferred": -points_of(posting.allocations)}


_NOMINAL: dict[type[made.Posting], Callable[[Any], Moves]] = {
    made.PointsAccrued: _accrued,
    made.OpeningBalanceSet: _opened,
    made.PointsMatured: _nothing,
    made.LotsExpired: _expired,
    made.RedemptionReserved: _nothing,
    made.RedemptionCaptured: _captured,
    made.RedemptionReleased: _released,
    made.RedemptionMade: _redeemed,
    made.RedemptionReversed: _reversed,
    made.PointsClawedBack: _clawed_back,
    made.ForgivenPointsTaken: _forgiven,
    made.PointsReinstated: _reinstated,
    made.BalanceAdjusted: _adjusted,
    made.PointsTransferredOut: _sent,
    made.PointsTransferredIn: _received,
}
