"""Liability now and by month of expiry, from open lots."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.estimates import EstimateError
from domain.accounting.liability import (
    LiabilityError,
    LiabilityLine,
    OpenLot,
    liability,
    value_of,
)
from domain.accounting.tables import liability_csv
from domain.calendar import UTC_CALENDAR, Calendar
from domain.instants import DAY, instant_of
from domain.ledger.terms import NEVER
from tests.domain.accounting_samples import (
    EARNED,
    NOVEMBER,
    PAID,
    PORTFOLIOS,
    approved,
    day,
    estimate,
)

TODAY = day("2026-11-30")
MADRID = Calendar.in_zone("Europe/Madrid")
ALL = approved(*(estimate(portfolio, 9_500, 1_234) for portfolio in PORTFOLIOS))


def at(text: str) -> int:
    """The instant of a moment in UTC."""
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_open_points_are_valued_by_portfolio_and_month_of_expiry() -> None:
    estimates = approved(estimate(EARNED, 9_000, 500), estimate(PAID, 10_000, 2_000))
    lots = [
        OpenLot(EARNED, NEVER, 10),
        OpenLot(EARNED, at("2026-12-24T00:00"), 100),
        OpenLot(EARNED, at("2026-12-31T22:59:59"), 100),
        OpenLot(EARNED, at("2026-12-31T23:00"), 1_000),  # midnight in Madrid: gone in January
        OpenLot(PAID, NEVER, 7),
    ]
    found = liability(lots, estimates, day=TODAY, calendar=MADRID)
    assert (
        LiabilityLine(EARNED, NOVEMBER + 1, 200, "EUR", 90),
        LiabilityLine(EARNED, NOVEMBER + 2, 1_000, "EUR", 450),
        LiabilityLine(EARNED, None, 10, "EUR", 5),
        LiabilityLine(PAID, None, 7, "EUR", 14),
    ) == found
    assert "club,points,,earned,2026-12,200,EUR,90\r\n" in liability_csv(found)
    assert "club,points,,paid,never,7,EUR,14\r\n" in liability_csv(found)


@given(
    st.lists(
        st.builds(
            OpenLot,
            st.sampled_from(PORTFOLIOS),
            st.integers(0, 20_000).map(lambda days: days * DAY) | st.just(NEVER),
            st.integers(1, 10**9),
        )
    )
)
def test_months_sum_up_to_the_portfolio_and_no_point_is_lost(lots: list[OpenLot]) -> None:
    found = liability(lots, ALL, day=TODAY, calendar=UTC_CALENDAR)
    assert sum(lot.remaining for lot in lots) == sum(line.points for line in found)
    assert len(found) == len({(line.portfolio, line.month) for line in found})
    for portfolio in PORTFOLIOS:
        points = sum(lot.remaining for lot in lots if lot.portfolio == portfolio)
        lines = [line for line in found if line.portfolio == portfolio]
        whole = value_of(points, estimate(portfolio, 9_500, 1_234))
        assert whole == sum(line.amount for line in lines)
        assert (2 * points * 1_234 * 9_500 + 10**7) // (2 * 10**7) == whole
        for line in lines:
            assert abs(line.amount - value_of(line.points, estimate(portfolio, 9_500, 1_234))) <= 1


def test_a_spent_lot_is_no_liability_and_refused() -> None:
    with pytest.raises(LiabilityError, match="at least 1 point, found 0"):
        liability([OpenLot(EARNED, NEVER, 0)], ALL, day=TODAY, calendar=UTC_CALENDAR)


def test_points_without_an_approved_estimate_have_no_value() -> None:
    with pytest.raises(EstimateError, match="2019-12-31"):
        liability([OpenLot(EARNED, NEVER, 1)], ALL, day=day("2019-12-31"), calendar=UTC_CALENDAR)
