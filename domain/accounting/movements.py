"""Movements of points, and the roll-forward of a month: opening + movements = closing = ledger.

A movement counts in the month of its value date while that month is open, else in the first month
that is: there it is a *prior-period* movement, marked with its original month (DOMAIN, section 5).
Whether a month was open is a matter of positions in the decisions log, not of clocks: a month's
close names the position up to which it looked, and what stands behind that came too late for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec

from domain.accounting.months import month_of, month_text
from domain.accounting.portfolios import Portfolio
from domain.errors import VinculoError

OVERDRAWN = 0
"""The cohort of redemptions that no lot covered, until points that come later pay them off."""

MovementKind: TypeAlias = Literal[
    "issued", "redeemed", "expired", "clawed_back", "adjusted", "transferred"
]


class RollForwardError(VinculoError):
    """A roll-forward and the ledger disagree, or a roll-forward with itself.

    Args:
        portfolio: where.
        expected: points by opening and movements.
        found: points by the ledger.

    """

    def __init__(self, portfolio: Portfolio, expected: int, found: int, where: str) -> None:
        super().__init__(
            f"{portfolio}: expected {expected} points by opening and movements, found {found} "
            f"{where}; do not close, compare the movements with the decisions log"
        )
        self.portfolio = portfolio
        self.expected = expected
        self.found = found


class Movement(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Points of one portfolio that came or went; pending and reserved points are outstanding.

    Args:
        portfolio: whose points.
        kind: which line of the roll-forward.
        points: what it adds to the outstanding points: issued above 0, redeemed below; a reversal
            is of the same kind with the other sign. It is what the nominal book of the ledger
            moved by, with the sign turned.
        day: the value date, days since 1970-01-01 in the business zone.
        position: in the decisions log.
        cohort: the month in which these points were first issued (their lot's), months since
            1970-01; of points clawed back that no lot held any more the month of the sale. A
            redemption that no lot covered has OVERDRAWN; when later points pay it off that is
            taken back there, and redeemed from the cohort and portfolio of those points.
        price: of issued points the part of the sale's price that was allocated to them
            (:func:`~domain.accounting.revenue.allocate_sale`), of paid ones what was paid: minor
            units, net of tax. 0 where there was no sale.
        money: the ISO 4217 currency of the price, "" without one.
        reference: what the reader of a prior-period list looks it up by, such as a posting id.

    """

    portfolio: Portfolio
    kind: MovementKind
    points: int
    day: int
    position: int
    cohort: int
    price: int = 0
    money: str = ""
    reference: str = ""


class Activity(msgspec.Struct, array_like=True, gc=False):
    """Sums of movements by kind, each as added to the outstanding points; grows in place.

    Args:
        issued: at least 0 but for corrections.
        redeemed: below 0.
        expired: below 0.
        clawed_back: below 0.
        adjusted: of either sign.
        transferred: of either sign; 0 over all accounts of a programme.
        price: allocated to issued points, minor units.
        unpriced: of the issued points those of a kind that is sold which came without a sale.

    """

    issued: int = 0
    redeemed: int = 0
    expired: int = 0
    clawed_back: int = 0
    adjusted: int = 0
    transferred: int = 0
    price: int = 0
    unpriced: int = 0

    def add(self, movement: Movement) -> None:
        """Count one movement."""
        points = movement.points
        match movement.kind:
            case "issued":
                self.issued += points
                self.price += movement.price
                if not movement.money and movement.portfolio.kind != "promotional":
                    self.unpriced += points
            case "redeemed":
                self.redeemed += points
            case "expired":
                self.expired += points
            case "clawed_back":
                self.clawed_back += points
            case "adjusted":
                self.adjusted += points
            case "transferred":
                self.transferred += points

    def include(self, other: Activity) -> None:
        """Count all that another counted."""
        self.issued += other.issued
        self.redeemed += other.redeemed
        self.expired += other.expired
        self.clawed_back += other.clawed_back
        self.adjusted += other.adjusted
        self.transferred += other.transferred
        self.price += other.price
        self.unpriced += other.unpriced

    @property
    def points(self) -> int:
        """What all kinds together add to the outstanding points."""
        gained = self.issued + self.adjusted + self.transferred
        return gained + self.redeemed + self.expired + self.clawed_back


class RollForward(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A portfolio's month in points; each movement as added to the outstanding points.

    Args:
        opening: outstanding points at its beginning, pending and reserved ones among them.
        issued: and the five after it as in :class:`Activity`.
        closing: outstanding points at its end.

    """

    opening: int
    issued: int
    redeemed: int
    expired: int
    clawed_back: int
    adjusted: int
    transferred: int
    closing: int


def roll(opening: int, activity: Activity) -> RollForward:
    """Return the roll-forward of a month that began with so many points."""
    return RollForward(
        opening,
        activity.issued,
        activity.redeemed,
        activity.expired,
        activity.clawed_back,
        activity.adjusted,
        activity.transferred,
        opening + activity.points,
    )


def check_roll_forward(portfolio: Portfolio, row: RollForward) -> None:
    """Check that opening and movements make the closing.

    Raises:
        RollForwardError: with both sides if they do not.

    """
    gained = row.issued + row.adjusted + row.transferred
    expected = row.opening + gained + row.redeemed + row.expired + row.clawed_back
    if expected != row.closing:
        raise RollForwardError(portfolio, expected, row.closing, "as closing")


def check_ledger(rows: Mapping[Portfolio, RollForward], ledger: Mapping[Portfolio, int]) -> None:
    """Check that each roll-forward closes with what the ledger holds.

    Args:
        rows: by portfolio.
        ledger: outstanding points by portfolio, reckoned from balances or lots and not from
            movements; one that is missing on either side has 0.

    Raises:
        RollForwardError: with both sides at the first portfolio that differs.

    """
    for portfolio, row in sorted(rows.items()):
        check_roll_forward(portfolio, row)
    for portfolio in sorted(rows.keys() | ledger.keys()):
        expected = rows[portfolio].closing if portfolio in rows else 0
        if expected != ledger.get(portfolio, 0):
            raise RollForwardError(portfolio, expected, ledger.get(portfolio, 0), "in the ledger")


class Periods(msgspec.Struct, frozen=True, gc=False):
    """Which months are closed, and up to which position of the decisions log each close looked.

    Args:
        first: the first month that was closed; 0 while none is.
        positions: of the decisions log, that of the first month first, never decreasing.

    """

    first: int = 0
    positions: tuple[int, ...] = ()

    @property
    def first_open(self) -> int | None:
        """The month to close next; None while none was ever closed."""
        return self.first + len(self.positions) if self.positions else None

    def is_closed(self, month: int) -> bool:
        """Tell whether a month is closed; those before the first close are, by its opening."""
        return bool(self.positions) and month < self.first + len(self.positions)

    def accounting_month(self, movement: Movement) -> int:
        """Return the month in which a movement counts.

        It is the first one, from its value date's on, that is open or was closed with a look at
        the movement's position. What had happened before the first close counts in its opening,
        that is in the month before it.
        """
        month = month_of(movement.day)
        if not self.positions:
            return month
        month = max(month, self.first - 1)
        while self.is_closed(month):
            looked = self.positions[max(month - self.first, 0)]
            if movement.position <= looked:
                break
            month += 1
        return month

    def is_prior_period(self, movement: Movement) -> bool:
        """Tell whether a movement counts later than its value date says."""
        counted = self.accounting_month(movement)
        return counted >= self.first and counted != month_of(movement.day)


class PriorPeriod(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A movement that came too late for its month.

    Args:
        month: in which it counts.
        original: the month of its value date.
        movement: itself.

    """

    month: int
    original: int
    movement: Movement


def prior_period_list(
    movements: Iterable[Movement], periods: Periods, month: int
) -> Iterator[PriorPeriod]:
    """Yield the movements that count in a month and belong to an earlier one, in their order.

    Args:
        movements: any that contain them.
        periods: what was closed.
        month: closed, or the first open one.

    """
    for movement in movements:
        if periods.accounting_month(movement) == month and periods.is_prior_period(movement):
            yield PriorPeriod(month, month_of(movement.day), movement)


class Tally(msgspec.Struct, frozen=True, gc=False):
    """A month's movements, summed up.

    Args:
        before: by portfolio and cohort, what happened before the first month ever closed; empty
            later on.
        month: by portfolio and cohort, what counts in the month, prior-period movements included.
        prior: by portfolio, the prior-period movements alone.

    """

    before: dict[tuple[Portfolio, int], Activity]
    month: dict[tuple[Portfolio, int], Activity]
    prior: dict[Portfolio, Activity]


def tally(movements: Iterable[Movement], periods: Periods, month: int, known_at: int) -> Tally:
    """Sum up what counts in a month, in one pass over movements in any order.

    Args:
        movements: any that contain the month's: those of other months and those that stand behind
            ``known_at`` are passed over. Enough are those up to ``known_at`` with a value date in
            the month, or before it and a position behind the previous close.
        periods: what was closed before.
        month: the first open one, or any if none was ever closed.
        known_at: the position of the decisions log that the close looks up to.

    """
    sums = Tally({}, {}, {})
    for movement in movements:
        if movement.position > known_at:
            continue
        counted = periods.accounting_month(movement)
        place = (movement.portfolio, movement.cohort)
        if counted == month:
            sums.month.setdefault(place, Activity()).add(movement)
            if periods.is_prior_period(movement):
                sums.prior.setdefault(movement.portfolio, Activity()).add(movement)
        elif counted < month and not periods.positions:
            sums.before.setdefault(place, Activity()).add(movement)
    return sums


def by_portfolio(
    activities: Mapping[tuple[Portfolio, int], Activity],
) -> dict[Portfolio, Activity]:
    """Return the sums over cohorts."""
    sums: dict[Portfolio, Activity] = {}
    for (portfolio, _), activity in activities.items():
        sums.setdefault(portfolio, Activity()).include(activity)
    return sums


def describe(periods: Periods) -> str:
    """Return in words which months are closed."""
    if not periods.positions:
        return "no month is closed"
    last = periods.first + len(periods.positions) - 1
    return f"closed are {month_text(periods.first)} to {month_text(last)}"
