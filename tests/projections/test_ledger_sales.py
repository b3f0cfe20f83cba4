"""The price of points of a sale: whose part of what was paid it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.estimates import EstimateError
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import Option, allocate_sale
from domain.calendar import UTC_CALENDAR
from domain.ledger.decisions import Balance, PointsAccrued
from domain.ledger.terms import LotKind, LotTerms, Share
from domain.touchpoints import IdentifierLinked
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.commercial import Line, PurchaseMade, Tender
from projections.ledger.movements import Prices, SharePrice
from projections.ledger.portfolios import AccountContext
from projections.ledger.sales import Accrual, SalePricing
from tests.domain.accounting_samples import approved, estimate

DAY = 86_400_000_000
SALE = b"s" * 16
AT = 20_500 * DAY


def portfolio(programme: str = "club", currency: str = "points", kind: LotKind = "earned") -> Any:
    return Portfolio(programme, currency, "", kind)


ESTIMATES = approved(
    estimate(),
    estimate(portfolio("club", "miles"), redemption=5_000, price=2_000),
    estimate(portfolio("pro")),
    estimate(portfolio(kind="paid")),
)


def accrued(
    position: int, *shares: tuple[int, LotKind], programme: str = "club", currency: str = "points",
    touchpoint: bytes = SALE, qualifying: frozenset[str] = frozenset(), at: int = AT,
) -> Accrual:  # fmt: skip
    posting = PointsAccrued(
        currency=currency, at=at, before=Balance(), after=Balance(), posting_id=b"p" * 16,
        touchpoint=touchpoint, cause=touchpoint, version="v1", day=at // DAY, first_lot=1,
        shares=tuple(Share("base", points, LotTerms(0, 9, kind)) for points, kind in shares),
    )  # fmt: skip
    return Accrual(position, AccountContext(programme, UTC_CALENDAR, qualifying), posting)


def bought(amount: int, *, tax: int = 0, **further: Any) -> PurchaseMade:
    line = Line(product="P1", quantity=1_000, amount=amount, tax=tax)
    return PurchaseMade(number="1", currency="EUR", lines=(line,), **further)


def priced(touchpoint: Touchpoint, *accruals: Accrual) -> dict[int, Prices]:
    return SalePricing(ESTIMATES).price(accruals, {SALE: touchpoint})


def euros(amount: int) -> SharePrice:
    return SharePrice(amount, "EUR")


def test_the_example_of_the_domain_net_of_tax() -> None:
    purchase = bought(121_000, tax=21_000)
    assert {3: {0: euros(8_676)}} == priced(purchase, accrued(3, (10_000, "earned")))


def test_gift_cards_sold_and_points_spent_are_no_revenue_to_divide() -> None:
    card = Line(product="GIFT", quantity=1_000, amount=5_000, kind="stored_value")
    line = Line(product="P1", quantity=1_000, amount=100_700)
    purchase = PurchaseMade(
        number="1", currency="EUR", lines=(line, card), tenders=(Tender("points", 700),)
    )
    assert {3: {0: euros(8_676)}} == priced(purchase, accrued(3, (10_000, "earned")))


def test_points_of_one_sale_are_priced_together_whatever_their_currency_and_programme() -> None:
    goods = 100_000
    options = [Option(1_000, 1_000, 9_500), Option(700, 2_000, 5_000), Option(400, 1_000, 9_500)]
    points, miles, pro = allocate_sale(goods, goods, options).options
    found = priced(
        bought(goods),
        accrued(3, (1_000, "earned")),
        accrued(5, (700, "earned"), currency="miles"),
        accrued(9, (400, "earned"), programme="pro"),
    )
    assert {3: {0: euros(points)}, 5: {0: euros(miles)}, 9: {0: euros(pro)}} == found


def test_promotional_points_of_a_sale_bear_no_price() -> None:
    found = priced(bought(100_000), accrued(3, (50, "promotional"), (10_000, "earned")))
    assert {3: {1: euros(8_676)}} == found


def test_points_that_only_qualify_bear_no_price() -> None:
    status = accrued(3, (500, "earned"), currency="status", qualifying=frozenset({"status"}))
    assert {} == priced(bought(100_000), status)


def test_paid_points_take_all_that_was_paid() -> None:
    found = priced(bought(1_001), accrued(3, (100, "paid"), (100, "paid")))
    assert {3: {0: euros(501), 1: euros(500)}} == found


def test_what_is_no_purchase_has_no_price() -> None:
    assert {} == priced(IdentifierLinked(), accrued(3, (500, "earned")))
    assert {} == SalePricing(ESTIMATES).price([accrued(3, (500, "earned"))], {})


def test_a_return_that_was_a_sale_below_nothing_gives_no_negative_price() -> None:
    purchase = bought(100, tenders=(Tender("points", 500),))
    assert {3: {0: euros(0)}} == priced(purchase, accrued(3, (500, "earned")))


def test_a_sale_is_valued_by_the_estimate_of_its_day_not_of_today() -> None:
    later = approved(estimate(), estimate(redemption=0, effective_from="2026-12-01"))
    pricing = SalePricing(later)
    found = pricing.price([accrued(3, (10_000, "earned"))], {SALE: bought(100_000)})
    assert {3: {0: euros(8_676)}} == found
    early = accrued(3, (10, "earned"), at=10 * DAY)
    with pytest.raises(EstimateError, match="1970-01-11"):
        pricing.price([early], {SALE: bought(100_000)})


@given(
    amount=st.integers(0, 10**7),
    points=st.lists(st.integers(1, 10**6), min_size=1, max_size=6),
    other=st.integers(1, 10**6),
)
def test_parts_never_exceed_what_was_paid(amount: int, points: list[int], other: int) -> None:
    found = priced(
        bought(amount),
        accrued(1, *((each, "earned") for each in points)),
        accrued(2, (other, "earned"), currency="miles"),
    )
    parts = [price.amount for prices in found.values() for price in prices.values()]
    assert len(points) + 1 == len(parts)
    assert min(parts) >= 0
    assert sum(parts) <= amount
