"""The price of points that a sale gives (IFRS 15.76): its part of what the customer pays.

All points of one sale are priced together, those of several currencies and programmes too. The
price is the revenue of the sale (ruling 21): net of tax, of gift cards sold, and of what was paid
in points. It is divided by the estimates that hold on the day of the sale.

Paid points alone take all that was paid. Points that a correction adds later are priced by
themselves, by the sale as it was stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from domain.accounting.estimates import Estimate, Estimates
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import Option, RevenueError, allocate_sale
from domain.accounting.rounding import allocate
from domain.ledger.decisions import PointsAccrued
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.commercial import PurchaseMade
from projections.customer.receipt import totals_of
from projections.ledger.movements import Prices, SharePrice
from projections.ledger.portfolios import AccountContext


class Accrual(msgspec.Struct, frozen=True):
    """A posting of earned points, where it stands.

    Args:
        position: in the decisions log.
        context: of the account.
        posting: itself.

    """

    position: int
    context: AccountContext
    posting: PointsAccrued


class PricedShare(msgspec.Struct, frozen=True, gc=False):
    """A share that may bear a part of a sale's price.

    Args:
        position: of its posting.
        place: in the posting.
        portfolio: of its points.
        points: how many.

    """

    position: int
    place: int
    portfolio: Portfolio
    points: int


class SalePricing:
    """Price the points of sales.

    Args:
        estimates: as they are known.

    """

    def __init__(self, estimates: Estimates) -> None:
        self._estimates = estimates
        self._holding: dict[tuple[Portfolio, int], Estimate] = {}

    def price(
        self, accruals: Iterable[Accrual], touchpoints: Mapping[bytes, Touchpoint]
    ) -> dict[int, Prices]:
        """Return the prices of the shares of postings, by the position of each.

        Args:
            accruals: postings that were recorded together, those of one sale among them.
            touchpoints: what they were earned by, by entry; others than purchases have no price.

        Raises:
            EstimateError: if a portfolio has no approved estimate on the day of a sale.
            RevenueError: if a sale is in another currency than its points are valued in.

        """
        prices: dict[int, Prices] = {}
        ordered = sorted(accruals, key=lambda one: (one.posting.touchpoint, one.position))
        for touchpoint, group in groupby(ordered, key=lambda one: one.posting.touchpoint):
            purchase = touchpoints.get(touchpoint)
            if isinstance(purchase, PurchaseMade):
                for share, price in self._of_sale(purchase, list(group)):
                    known = dict(prices.get(share.position, {}))
                    prices[share.position] = {**known, share.place: price}
        return prices

    def _of_sale(
        self, purchase: PurchaseMade, accruals: Sequence[Accrual]
    ) -> Iterable[tuple[PricedShare, SharePrice]]:
        shares = [share for one in accruals for share in sold_shares(one)]
        if not shares:
            return []
        first = accruals[0]
        day = first.context.calendar.day(first.posting.at)
        estimates = [self._estimate(share.portfolio, day) for share in shares]
        money = purchase.currency
        for one in estimates:
            _check_money(purchase, one)
        revenue = max(0, totals_of(purchase).revenue)
        if all(share.portfolio.kind == "paid" for share in shares):
            amounts = allocate(revenue, [share.points for share in shares])
        else:
            options = [
                Option(share.points, one.price, one.redemption)
                for share, one in zip(shares, estimates, strict=True)
            ]
            amounts = allocate_sale(revenue, revenue, options).options
        return [
            (share, SharePrice(amount, money))
            for share, amount in zip(shares, amounts, strict=True)
        ]

    def _estimate(self, portfolio: Portfolio, day: int) -> Estimate:
        known = self._holding.get((portfolio, day))
        if known is None:
            known = self._estimates.holding(portfolio, day).estimate
            self._holding[portfolio, day] = known
        return known


def sold_shares(accrual: Accrual) -> Iterable[PricedShare]:
    """Yield the shares that can have a price: not promotional, and not of a qualifying currency."""
    posting, context = accrual.posting, accrual.context
    if posting.currency in context.qualifying:
        return
    for place, share in enumerate(posting.shares):
        if share.terms.kind != "promotional":
            portfolio = context.of_lot(posting.currency, share.terms)
            yield PricedShare(accrual.position, place, portfolio, share.points)


def _check_money(purchase: PurchaseMade, estimate: Estimate) -> None:
    if purchase.currency != estimate.money:
        message = (
            f"{estimate.portfolio}: expected sales in {estimate.money}, in which it is valued, "
            f"found one in {purchase.currency}; convert by a published rate, or give points of "
            "another issuer for such sales"
        )
        raise RevenueError(message)
