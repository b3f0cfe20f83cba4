"""Liability now, and by month of expiry: what open points are expected to cost.

``points × price / 1,000 × expected redemption / 10,000``, by the estimate that holds on the day. It
is a manager's figure, from the open lots of this moment; the contract liability of IFRS 15, from
the prices that were paid, stands in the books (:mod:`domain.accounting.revenue`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.accounting.estimates import PRICED_POINTS, WHOLE, Estimate, Estimates
from domain.accounting.months import month_of
from domain.accounting.portfolios import Portfolio
from domain.accounting.rounding import allocate, half_up
from domain.calendar import Calendar
from domain.errors import VinculoError
from domain.ledger.terms import NEVER


class LiabilityError(VinculoError):
    """A lot that is not open."""


class OpenLot(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Points that can still be redeemed, pending and reserved ones included.

    Args:
        portfolio: whose points.
        expires_at: gone from this instant on (microseconds since 1970), or NEVER.
        remaining: at least 1.

    """

    portfolio: Portfolio
    expires_at: int
    remaining: int


class LiabilityLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The open points of a portfolio that expire in one month.

    Args:
        portfolio: whose points.
        month: in which they are gone, months since 1970-01, that in which the roll-forward will
            show them as expired; None if never. Points valid up to the end of a month are gone at
            the first instant of the next one.
        points: open.
        money: ISO 4217 currency.
        amount: what they are expected to cost, minor units.

    """

    portfolio: Portfolio
    month: int | None
    points: int
    money: str
    amount: int


def liability(
    lots: Iterable[OpenLot], estimates: Estimates, *, day: int, calendar: Calendar
) -> tuple[LiabilityLine, ...]:
    """Return the liability by portfolio and month of expiry, points that never expire last.

    A portfolio's amount is exact to the nearest minor unit, halves up; it is divided over months by
    largest remainders, so that they sum up to it.

    Args:
        lots: open ones, in any order; what accounts are overdrawn by is no lot, see
            :data:`domain.accounting.movements.OVERDRAWN`.
        estimates: as they stand.
        day: whose estimates value the points, days since 1970-01-01.
        calendar: which tells the month of an instant.

    Raises:
        LiabilityError: if a lot has no points left.
        EstimateError: if a portfolio has no approved estimate on that day.

    """
    sums = _by_month(lots, calendar)
    return tuple(
        line
        for portfolio in sorted(sums)
        for line in _lines(sums[portfolio], estimates.holding(portfolio, day).estimate)
    )


def value_of(points: int, estimate: Estimate) -> int:
    """Return what points are expected to cost, to the nearest minor unit, halves up."""
    return half_up(points * estimate.price * estimate.redemption, PRICED_POINTS * WHOLE)


def _by_month(
    lots: Iterable[OpenLot], calendar: Calendar
) -> dict[Portfolio, dict[int | None, int]]:
    sums: dict[Portfolio, dict[int | None, int]] = {}
    for lot in lots:
        if lot.remaining < 1:
            message = (
                f"{lot.portfolio}: expected an open lot with at least 1 point, found "
                f"{lot.remaining}; leave spent lots out"
            )
            raise LiabilityError(message)
        month = None if lot.expires_at >= NEVER else month_of(calendar.day(lot.expires_at))
        months = sums.setdefault(lot.portfolio, {})
        months[month] = months.get(month, 0) + lot.remaining
    return sums


def _lines(months: dict[int | None, int], estimate: Estimate) -> Iterable[LiabilityLine]:
    ordered = sorted(months.items(), key=lambda item: (item[0] is None, item[0] or 0))
    points = [count for _, count in ordered]
    amounts = allocate(value_of(sum(points), estimate), points)
    for (month, count), amount in zip(ordered, amounts, strict=True):
        yield LiabilityLine(estimate.portfolio, month, count, estimate.money, amount)
