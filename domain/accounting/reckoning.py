"""Reckoning a month: movements, ledger and estimates to what the month would be closed as.

The first close opens the books: what happened before its month is summed up as its opening, valued
by the estimates of that month.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from domain.accounting.books import Books, Coordinate, Preparation, Total, Value, check_next
from domain.accounting.estimates import EstimatePublished, Estimates
from domain.accounting.months import last_day
from domain.accounting.movements import (
    Activity,
    Movement,
    RollForward,
    Tally,
    by_portfolio,
    check_ledger,
    roll,
    tally,
)
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import Pool, RevenueError, advance, begin, estimate_anew


def prepare(
    books: Books,
    *,
    month: int,
    coordinate: Coordinate,
    movements: Iterable[Movement],
    ledger: Mapping[Portfolio, int],
    estimates: Estimates,
) -> Preparation:
    """Reckon a month as it would be closed.

    Args:
        books: as they stand.
        month: the first open one; any if none was ever closed.
        coordinate: what is known.
        movements: those of the month, as :func:`~domain.accounting.movements.tally` takes them;
            before the first close those of all earlier months too.
        ledger: points outstanding at the month's end at that coordinate, by portfolio, reckoned
            from balances or lots, not from these movements.
        estimates: as they stand.

    Raises:
        ClosingError: if the month is not the next one, or the coordinate lies before the last one.
        RollForwardError: if the roll-forward does not end where the ledger does.
        EstimateError: if a portfolio has no approved estimate on the month's last day.
        RevenueError: if promotional points carry a price, or a price is in another currency.

    """
    check_next(books, month, coordinate)
    priced = _in_its_currency(movements, estimates)
    sums = tally(priced, books.periods, month, coordinate.decisions)
    rows = _roll_forward(books, sums)
    check_ledger(rows, ledger)
    used = {one: estimates.holding(one, last_day(month)) for one in sorted(rows)}
    opening = _moved(_valued(books.pools, used, sums.before), sums.before)
    # Before the first close there are no earlier estimates for anything to catch up with.
    before = books.pools if books.periods.positions else opening
    valued = _valued(before, used, sums.month)
    pools = _moved(valued, sums.month)
    values = _values(before, valued, pools, used)
    totals = tuple(_total(one, rows[one], sums, values[one]) for one in sorted(rows))
    changed = [place for place in sorted(pools) if pools[place] != books.pools.get(place)]
    return Preparation(
        month=month,
        coordinate=coordinate,
        totals=totals,
        pools=tuple(pools[place] for place in changed),
        estimates=tuple(used[one] for one in sorted(rows)),
        previous=books.digest,
    )


def _total(portfolio: Portfolio, row: RollForward, sums: Tally, value: Value) -> Total:
    prior = roll(0, sums.prior.get(portfolio, Activity()))
    unpriced = sum(one.unpriced for (whose, _), one in sums.month.items() if whose == portfolio)
    return Total(portfolio, row, prior, value, unpriced)


def _in_its_currency(movements: Iterable[Movement], estimates: Estimates) -> Iterator[Movement]:
    """Yield movements, each price checked to be in the currency of its portfolio."""
    money = {one.estimate.portfolio: one.estimate.money for one in estimates.published}
    for movement in movements:
        expected = money.get(movement.portfolio, movement.money)
        if movement.price and movement.money != expected:
            message = (
                f"{movement.portfolio}: expected prices in {expected}, found {movement.price} minor"
                f" units of {movement.money!r} ({movement.reference}); convert by a published rate"
            )
            raise RevenueError(message)
        yield movement


def _roll_forward(books: Books, sums: Tally) -> dict[Portfolio, RollForward]:
    """Return the points of every portfolio that has or ever had any."""
    before, month = by_portfolio(sums.before), by_portfolio(sums.month)
    opening = {one: total.points.closing for one, total in books.totals.items()}
    for one, activity in before.items():
        opening[one] = opening.get(one, 0) + activity.points
    nothing = Activity()
    portfolios = opening.keys() | month.keys()
    return {one: roll(opening.get(one, 0), month.get(one, nothing)) for one in portfolios}


def _valued(
    pools: Mapping[tuple[Portfolio, int], Pool],
    used: Mapping[Portfolio, EstimatePublished],
    activities: Mapping[tuple[Portfolio, int], Activity],
) -> dict[tuple[Portfolio, int], Pool]:
    """Return pools by the estimates now used, new ones among them."""
    valued = {
        place: estimate_anew(pool, used[pool.portfolio].estimate) for place, pool in pools.items()
    }
    for portfolio, cohort in activities:
        if (portfolio, cohort) not in valued:
            fresh = begin(portfolio, cohort, used[portfolio].estimate)
            valued[portfolio, cohort] = fresh
    return valued


def _moved(
    pools: Mapping[tuple[Portfolio, int], Pool],
    activities: Mapping[tuple[Portfolio, int], Activity],
) -> dict[tuple[Portfolio, int], Pool]:
    moved = {place: advance(pools[place], activity) for place, activity in activities.items()}
    return {**pools, **moved}


def _values(
    before: Mapping[tuple[Portfolio, int], Pool],
    valued: Mapping[tuple[Portfolio, int], Pool],
    after: Mapping[tuple[Portfolio, int], Pool],
    used: Mapping[Portfolio, EstimatePublished],
) -> dict[Portfolio, Value]:
    """Return each portfolio's month in money."""
    sums = {one: [0, 0, 0, 0, 0] for one in used}
    for (portfolio, cohort), pool in after.items():
        was = before.get((portfolio, cohort)) or msgspec.structs.replace(
            pool, granted=0, redeemed=0, expired=0, added=0, released=0
        )
        anew = valued[portfolio, cohort]
        promotional = portfolio.kind == "promotional"
        catch_up = anew.added - was.added if promotional else anew.released - was.released
        added, released = pool.added - was.added, pool.released - was.released
        figures = (was.liability, added, released, pool.liability, catch_up)
        for place, figure in enumerate(figures):
            sums[portfolio][place] += figure
    return {one: Value(used[one].estimate.money, *figures) for one, figures in sums.items()}
