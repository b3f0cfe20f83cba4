"""Movements of points out of the decisions of accounts: what each adds to which portfolio.

The points of a movement are what the nominal book of the ledger moved by, with the sign turned; a
reversal is of the same kind with the other sign. Between available, pending and reserved nothing
moves here: all three are outstanding.

*Overdrawn* points stand in a cohort of their own (``OVERDRAWN``) of the programme's own earned
points. When points that come later pay them off they are taken back there, and redeemed from the
portfolio and cohort of those points: so revenue follows the points that paid in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from domain.accounting.months import month_of
from domain.accounting.movements import OVERDRAWN, Movement, MovementKind
from domain.accounting.portfolios import Portfolio
from domain.decisions.base import Decision
from domain.ledger import decisions as made
from domain.ledger.lots import Allocation, points_of
from domain.ledger.terms import Share
from projections.ledger.portfolios import AccountContext


class SharePrice(msgspec.Struct, frozen=True, gc=False):
    """The part of a sale's price that was allocated to one share.

    Args:
        amount: minor units, net of tax.
        money: ISO 4217.

    """

    amount: int
    money: str


Prices = Mapping[int, SharePrice]
"""Of the shares of one posting, by their places; those without a sale's price are absent."""
_UNPRICED: Prices = {}
_NO_PRICE = SharePrice(0, "")


def movements_of(
    position: int, context: AccountContext, decision: Decision, prices: Prices = _UNPRICED
) -> Iterable[Movement]:
    """Return the movements that a decision of an account makes; none if it moves no points.

    Args:
        position: of the decision in its log.
        context: of the account.
        decision: any of :data:`~domain.ledger.decisions.AccountDecision`.
        prices: of the shares, if it is a :class:`~domain.ledger.decisions.PointsAccrued`.

    Raises:
        KeyError: for a decision that is no account's.

    """
    mapping = _MAPPINGS[type(decision)]
    if mapping is None or decision.currency in context.qualifying:  # type: ignore[attr-defined] # only postings have a mapping
        return ()
    return mapping(_Entry(position, context, decision, prices))


class _Entry:
    """A posting that is being mapped."""

    __slots__ = ("context", "currency", "day", "position", "posting", "prices")

    def __init__(
        self,
        position: int,
        context: AccountContext,
        posting: Any,  # noqa: ANN401 - one of the postings, as the mapping that takes it says
        prices: Prices,
    ) -> None:  # fmt: skip
        self.position = position
        self.context = context
        self.posting = posting
        self.prices = prices
        self.currency: str = posting.currency
        self.day = context.calendar.day(posting.at)

    def of(
        self, kind: MovementKind, allocations: Iterable[Allocation], sign: int, reference: str = ""
    ) -> Iterator[Movement]:
        """Yield a movement for each lot."""
        context, currency = self.context, self.currency
        for one in allocations:
            yield Movement(
                context.of_lot(currency, one), kind, sign * one.points, self.day, self.position,
                context.month(one.earned_at), 0, "", reference,
            )  # fmt: skip

    def given(
        self, kind: MovementKind, shares: Iterable[Share], reference: str
    ) -> Iterator[Movement]:
        """Yield a movement for each lot that is new; it was earned at the value date."""
        prices = self.prices
        cohort = month_of(self.day)
        for place, share in enumerate(shares):
            portfolio = self.context.of_lot(self.currency, share.terms)
            price = prices.get(place, _NO_PRICE)
            yield Movement(
                portfolio, kind, share.points, self.day, self.position, cohort, price.amount,
                price.money, reference,
            )  # fmt: skip

    def uncovered(
        self, kind: MovementKind, points: int, cohort: int, reference: str
    ) -> Iterator[Movement]:
        """Yield the movement of points that no lot covers, or that are owed no more."""
        if points:
            yield Movement(
                self.owed, kind, points, self.day, self.position, cohort, 0, "", reference
            )  # fmt: skip

    def repaid(self, reference: str) -> Iterator[Movement]:
        """Yield what points do that pay off an overdraft the moment they become available."""
        repaid: tuple[Allocation, ...] = self.posting.repaid
        if repaid:
            yield from self.uncovered("redeemed", points_of(repaid), OVERDRAWN, reference)
            yield from self.of("redeemed", repaid, -1, reference)

    @property
    def owed(self) -> Portfolio:
        """The portfolio of overdrawn points."""
        return self.context.owed(self.currency)


def _accrued(entry: _Entry) -> Iterator[Movement]:
    reference = entry.posting.posting_id.hex()
    yield from entry.given("issued", entry.posting.shares, reference)
    yield from entry.repaid(reference)


def _opening(entry: _Entry) -> Iterator[Movement]:
    reference = entry.posting.reference
    yield from entry.given("adjusted", entry.posting.shares, reference)
    yield from entry.repaid(reference)


def _matured(entry: _Entry) -> Iterator[Movement]:
    return entry.repaid("")


def _expired(entry: _Entry) -> Iterator[Movement]:
    return entry.of("expired", entry.posting.allocations, -1)


def _captured(entry: _Entry) -> Iterator[Movement]:
    return entry.of("redeemed", entry.posting.allocations, -1, entry.posting.redemption_id.hex())


def _released(entry: _Entry) -> Iterator[Movement]:
    reference = entry.posting.redemption_id.hex()
    yield from entry.of("expired", entry.posting.expired, -1, reference)
    yield from entry.repaid(reference)


def _redeemed(entry: _Entry) -> Iterator[Movement]:
    posting: made.RedemptionMade = entry.posting
    reference = posting.redemption_id.hex()
    yield from entry.of("redeemed", posting.allocations, -1, reference)
    yield from entry.uncovered("redeemed", -posting.uncovered, OVERDRAWN, reference)


def _reversed(entry: _Entry) -> Iterator[Movement]:
    posting: made.RedemptionReversed = entry.posting
    reference = posting.redemption_id.hex()
    # Points of a lot come back with its cohort; those that expired meanwhile expire at once.
    in_lots = points_of(posting.allocations) + points_of(posting.forfeited)
    yield from entry.of("redeemed", posting.allocations, 1, reference)
    yield from entry.of("redeemed", posting.forfeited, 1, reference)
    yield from entry.of("expired", posting.forfeited, -1, reference)
    yield from entry.uncovered("redeemed", posting.points - in_lots, OVERDRAWN, reference)
    yield from entry.repaid(reference)


def _clawed_back(entry: _Entry) -> Iterator[Movement]:
    posting: made.PointsClawedBack = entry.posting
    reference = posting.posting_id.hex()
    yield from entry.of("clawed_back", posting.allocations, -1, reference)
    yield from entry.uncovered("clawed_back", -posting.uncovered, month_of(posting.day), reference)


def _forgiven_taken(entry: _Entry) -> Iterator[Movement]:
    return entry.of("clawed_back", entry.posting.allocations, -1, entry.posting.redemption_id.hex())


def _reinstated(entry: _Entry) -> Iterator[Movement]:
    reference = entry.posting.posting_id.hex()
    yield from entry.of("expired", entry.posting.allocations, 1, reference)
    yield from entry.repaid(reference)


def _adjusted(entry: _Entry) -> Iterator[Movement]:
    posting: made.BalanceAdjusted = entry.posting
    reference = posting.adjustment_id.hex()
    if posting.share is not None:
        yield from entry.given("adjusted", (posting.share,), reference)
    yield from entry.of("adjusted", posting.allocations, -1, reference)
    yield from entry.uncovered("adjusted", -posting.uncovered, OVERDRAWN, reference)
    yield from entry.repaid(reference)


def _sent(entry: _Entry) -> Iterator[Movement]:
    return entry.of("transferred", entry.posting.allocations, -1, entry.posting.transfer_id.hex())


def _received(entry: _Entry) -> Iterator[Movement]:
    reference = entry.posting.transfer_id.hex()
    yield from entry.of("transferred", entry.posting.allocations, 1, reference)
    yield from entry.repaid(reference)


_MAPPINGS: dict[type[Decision], Callable[[_Entry], Iterable[Movement]] | None] = {
    made.LedgerAccountOpened: None,
    made.LedgerAccountClosed: None,
    made.PointsAccrued: _accrued,
    made.OpeningBalanceSet: _opening,
    made.PointsMatured: _matured,
    made.LotsExpired: _expired,
    made.ExpiryExtended: None,
    made.RedemptionReserved: None,
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
    made.FirstPurchaseRecognised: None,
    made.TierChanged: None,
}
"""Every decision in the stream of an account; None moves no points in or out of a portfolio."""
ACCOUNT_DECISIONS: frozenset[type[Decision]] = frozenset(_MAPPINGS)
"""The decisions that :func:`movements_of` takes."""
