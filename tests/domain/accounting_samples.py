"""Sums of money and points that several tests of the accounting use."""

from datetime import date

from domain.accounting.estimates import Estimate, Estimates, approve, evolve, publish
from domain.accounting.months import first_day, month_named
from domain.accounting.movements import Movement, MovementKind
from domain.accounting.portfolios import Portfolio
from domain.instants import day_of

EARNED = Portfolio("club", "points", "", "earned")
PAID = Portfolio("club", "points", "", "paid")
PROMOTIONAL = Portfolio("club", "points", "", "promotional")
PARTNER = Portfolio("club", "points", "Partner S.A.", "earned")
PORTFOLIOS = (EARNED, PAID, PROMOTIONAL, PARTNER)
NOVEMBER = month_named("2026-11")


def day(text: str) -> int:
    """The number of a date."""
    return day_of(date.fromisoformat(text))


def estimate(
    portfolio: Portfolio = EARNED,
    redemption: int = 9_500,
    price: int = 1_000,
    effective_from: str = "2020-01-01",
    money: str = "EUR",
) -> Estimate:
    """An estimate; by default a point is worth 1 minor unit and 95 % are redeemed."""
    return Estimate(
        portfolio=portfolio,
        effective_from=day(effective_from),
        money=money,
        price=price,
        redemption=redemption,
    )


def approved(*estimates: Estimate) -> Estimates:
    """Estimates that Ann published and Bob approved."""
    state = Estimates()
    for one in estimates:
        for published in publish(state, one, by="ann"):
            state = evolve(state, published)
            for decision in approve(state, published.number, by="bob"):
                state = evolve(state, decision)
    return state


def movement(
    kind: MovementKind,
    points: int,
    month: int = NOVEMBER,
    position: int = 1,
    portfolio: Portfolio = EARNED,
    cohort: int | None = None,
    price: int = 0,
) -> Movement:
    """A movement on the fifth day of a month."""
    return Movement(
        portfolio=portfolio,
        kind=kind,
        points=points,
        day=first_day(month) + 4,
        position=position,
        cohort=month if cohort is None else cohort,
        price=price,
        money="EUR" if price else "",
    )
