"""Open lots as of a day: an account's decisions with a value date up to it (ruling 13).

The state of an account is the sum of all its decisions in the order of the log; what is asked here
leaves out those that happened later, wherever they stand. So lots are followed by their numbers
alone, with nothing checked that a whole stream would have to fulfil.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from domain.accounting.liability import OpenLot
from domain.decisions.base import Decision
from domain.ledger import decisions as made
from domain.ledger.lots import Allocation
from domain.ledger.terms import LotKind, Share
from projections.ledger.portfolios import AccountContext

_TAKING: dict[type[Decision], tuple[str, ...]] = {
    made.PointsAccrued: ("repaid",),
    made.OpeningBalanceSet: ("repaid",),
    made.PointsMatured: ("repaid",),
    made.LotsExpired: ("allocations",),
    made.RedemptionCaptured: ("allocations",),
    made.RedemptionReleased: ("expired", "repaid"),
    made.RedemptionMade: ("allocations",),
    made.RedemptionReversed: ("repaid",),
    made.PointsClawedBack: ("allocations",),
    made.ForgivenPointsTaken: ("allocations",),
    made.PointsReinstated: ("repaid",),
    made.BalanceAdjusted: ("allocations", "repaid"),
    made.PointsTransferredOut: ("allocations",),
    made.PointsTransferredIn: ("repaid",),
}
"""Which fields name points that leave their lots; what is reserved has not left yet."""

_GIVING = frozenset({made.RedemptionReversed, made.PointsReinstated, made.PointsTransferredIn})
"""Whose ``allocations`` come back to their lots, or make new ones."""


class _Lot(msgspec.Struct, gc=False):
    expires_at: int
    earned_at: int
    kind: LotKind
    issuer: str
    points: int = 0


class AccountLots:
    """The lots of one account, decision after decision in the order of its stream.

    Args:
        context: of the account.
        day: decisions of later days are passed over, days since 1970-01-01.

    """

    def __init__(self, context: AccountContext, day: int) -> None:
        self._context = context
        self._day = day
        self._lots: dict[tuple[str, int], _Lot] = {}

    def follow(self, decision: Decision) -> None:
        """Take in the next decision of the stream."""
        if isinstance(decision, made.ExpiryExtended):
            if self._context.calendar.day(decision.at) <= self._day:
                self._extend(decision)
        elif (
            isinstance(decision, made.Posting)
            and self._context.calendar.day(decision.at) <= self._day
        ):
            self._post(decision)

    def open(self) -> Iterator[OpenLot]:
        """Yield the lots that have points left, reserved ones included."""
        for (currency, _), lot in self._lots.items():
            if lot.points > 0 and currency not in self._context.qualifying:
                terms = Allocation(0, 0, 0, 0, lot.kind, lot.issuer)
                portfolio = self._context.of_lot(currency, terms)
                yield OpenLot(portfolio, lot.expires_at, lot.points)

    def _post(self, posting: made.Posting) -> None:
        currency = posting.currency
        for number, share in _new_lots(posting):
            terms = share.terms
            self._lots[currency, number] = _Lot(
                terms.expires_at, posting.at, terms.kind, terms.issuer, share.points
            )
        if type(posting) in _GIVING:
            self._give(currency, posting.allocations)  # type: ignore[attr-defined] # those three have them
        for name in _TAKING.get(type(posting), ()):
            for one in getattr(posting, name):
                self._lot(currency, one).points -= one.points

    def _give(self, currency: str, allocations: Iterable[Allocation]) -> None:
        for one in allocations:
            lot = self._lot(currency, one)
            latest = lot.expires_at if lot.points > 0 else one.expires_at
            lot.expires_at = max(latest, one.expires_at)
            lot.points += one.points

    def _lot(self, currency: str, one: Allocation) -> _Lot:
        lot = self._lots.get((currency, one.lot))
        if lot is None:
            lot = _Lot(one.expires_at, one.earned_at, one.kind, one.issuer)
            self._lots[currency, one.lot] = lot
        return lot

    def _extend(self, extended: made.ExpiryExtended) -> None:
        for (currency, _), lot in self._lots.items():
            there = lot.earned_at <= extended.at < lot.expires_at
            if currency == extended.currency and there and lot.kind != "paid":
                lot.expires_at = max(lot.expires_at, extended.expires_at)


def _new_lots(posting: made.Posting) -> Iterator[tuple[int, Share]]:
    if isinstance(posting, made.PointsAccrued | made.OpeningBalanceSet):
        yield from enumerate(posting.shares, posting.first_lot)
    elif isinstance(posting, made.BalanceAdjusted) and posting.share is not None:
        yield posting.first_lot, posting.share
