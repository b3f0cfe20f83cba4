"""Closing a month: decided once, in order, after it is over; checked again whenever it is read.

``prepare`` (:mod:`domain.accounting.reckoning`) reckons, ``close`` decides, ``evolve`` keeps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from domain.accounting.books import (
    Books,
    BooksDamagedError,
    ClosingError,
    MonthClosed,
    Preparation,
    Total,
    check_next,
    preparation_of,
    reopen,
)
from domain.accounting.months import first_day, month_text
from domain.accounting.movements import Periods, check_roll_forward
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import Pool
from domain.decisions.base import projector
from domain.errors import VinculoError
from domain.instants import date_of


def close(books: Books, prepared: Preparation, *, by: str, today: int) -> tuple[MonthClosed, ...]:
    """Decide that a month is closed as prepared; nothing to decide if exactly this was decided.

    Args:
        books: as they stand.
        prepared: from these books.
        by: the person who closes it.
        today: the business day that time has come to, days since 1970-01-01.

    Raises:
        ClosingError: if the month is not over or not the next one, or the books have moved on.
        ReopeningRefusedError: if it is closed, and otherwise than prepared.

    """
    if books.periods.is_closed(prepared.month):
        if books.digest == prepared.digest:
            return ()
        reopen(books, prepared.month)
    check_next(books, prepared.month, prepared.coordinate)
    if today < first_day(prepared.month + 1):
        message = (
            f"{month_text(prepared.month)}: expected a month that is over, found time at "
            f"{date_of(today)}; close it from {date_of(first_day(prepared.month + 1))} on"
        )
        raise ClosingError(message)
    if prepared.previous != books.digest or not by.strip():
        message = (
            f"{month_text(prepared.month)}: expected the name of a person and a preparation from "
            f"books {books.digest[:12]!r}, found {by!r} and {prepared.previous[:12]!r}; prepare "
            "again"
        )
        raise ClosingError(message)
    return (
        MonthClosed(
            month=prepared.month,
            coordinate=prepared.coordinate,
            totals=prepared.totals,
            pools=prepared.pools,
            estimates=prepared.estimates,
            previous=prepared.previous,
            digest=prepared.digest,
            by=by,
            ahead=prepared.ahead,
        ),
    )


def evolve(books: Books, closed: MonthClosed) -> Books:
    """Return the books after a close.

    Raises:
        BooksDamagedError: if the close does not follow from the books, or is not what its digest
            says.

    """
    prepared = preparation_of(closed)
    pools = {**books.pools, **{(one.portfolio, one.cohort): one for one in closed.pools}}
    _check_follows(books, prepared, closed.digest, pools)
    periods = books.periods
    first = periods.first if periods.positions else closed.month
    positions = (*periods.positions, closed.coordinate.decisions)
    return msgspec.structs.replace(
        books,
        periods=Periods(first, positions),
        totals={total.portfolio: total for total in closed.totals},
        pools=pools,
        digest=closed.digest,
        ahead=closed.ahead,
    )


def _check_follows(
    books: Books,
    prepared: Preparation,
    digest: str,
    pools: Mapping[tuple[Portfolio, int], Pool],
) -> None:
    """Check on reading what was reckoned when writing."""
    try:
        check_next(books, prepared.month, prepared.coordinate)
        for total in prepared.totals:
            check_roll_forward(total.portfolio, total.points)
    except VinculoError as error:
        message = f"{error}; the decisions log is damaged"
        raise BooksDamagedError(message) from error
    expected = (books.digest, prepared.digest)
    if expected != (prepared.previous, digest):
        message = (
            f"{month_text(prepared.month)}: expected digests {expected}, found "
            f"{(prepared.previous, digest)}; the decisions log is damaged"
        )
        raise BooksDamagedError(message)
    liabilities: dict[Portfolio, int] = {}
    for pool in pools.values():
        liabilities[pool.portfolio] = liabilities.get(pool.portfolio, 0) + pool.liability
    for total in prepared.totals:
        _check_total(books, total, liabilities.get(total.portfolio, 0))


def _check_total(books: Books, total: Total, liability: int) -> None:
    """Check that a portfolio's month begins where the last one ended, and ends with its pools."""
    last, value = books.totals.get(total.portfolio), total.value
    opening = (total.points.opening, value.opening)
    if last is not None:
        expected = (last.points.closing, last.value.closing)
    else:
        expected = (0, 0) if books.periods.positions else opening
    closing = value.opening + value.added - value.released
    if (*expected, closing, liability) != (*opening, value.closing, value.closing):
        message = (
            f"{total.portfolio}: expected opening points and liability {expected}, closing "
            f"{closing}, which is that of its pools, {liability}; found {opening} and "
            f"{value.closing}; the decisions log is damaged"
        )
        raise BooksDamagedError(message)


project_books = projector(Books, evolve)
"""The projector function of the books, for the library's repository."""
