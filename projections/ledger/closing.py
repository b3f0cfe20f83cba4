"""A month out of the decisions log: prepared from what is known, and listed again for ever after.

A close reads from where the one before it said that its successor's decisions begin, in windows,
and holds the roll-forward against the accounts' rows. What happened after the month, known already,
is taken off those rows: they stand as of now, not as of the month's end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import psycopg

from domain.accounting.books import Books, Coordinate, MonthClosed, Preparation, check_next
from domain.accounting.closing import evolve
from domain.accounting.months import first_day, month_text
from domain.accounting.movements import (
    Movement,
    Periods,
    PriorPeriod,
    prior_period_list,
)
from domain.accounting.portfolios import Portfolio
from domain.accounting.reckoning import prepare
from domain.calendar import Calendar
from domain.errors import VinculoError
from journal.accounting import read_books, read_closes, read_estimates
from journal.queries import queries
from journal.reading import head_of
from journal.tenants import Logs
from projections.ledger.reading import LedgerReader, standing

_SQL = queries("projections.ledger", "reading.sql")


class NotClosedError(VinculoError):
    """A month that was never closed was asked for."""


class Prepared(msgspec.Struct, frozen=True):
    """A month ready to be closed, and what a controller should know first.

    Args:
        preparation: what the month would be closed as.
        decisions: how many were read.
        accounts_due: accounts with a timer due in the month that nobody has run: what it brings
            will be a prior-period movement.
        facts_waiting: facts that were not judged yet.

    """

    preparation: Preparation
    decisions: int
    accounts_due: int
    facts_waiting: int


def prepare_month(
    connection: psycopg.Connection, logs: Logs, month: int, calendar: Calendar
) -> Prepared:
    """Reckon a month from the log as it would be closed now. Records nothing.

    Args:
        connection: in autocommit.
        logs: of the tenant.
        month: the first open one; any if none was ever closed.
        calendar: of the tenant.

    Raises:
        ClosingError: if the month is not the next one.
        RollForwardError: if the roll-forward does not end where the accounts stand.
        EstimateError: if a portfolio has no approved estimate on the month's last day.
        HoleError: if a decision is missing.

    """
    held = standing(connection, logs.decisions, calendar)
    # The decisions' head was read first, so that no decision precedes its cause (ruling 9).
    coordinate = Coordinate(head_of(connection, logs.facts), held.position)
    books = read_books(connection, logs.decisions, held.position)
    check_next(books, month, coordinate)
    reader = LedgerReader.at(connection, logs, coordinate, calendar)
    ahead = _Ahead(books.periods, month, dict(held.points))
    preparation = prepare(
        books,
        month=month,
        coordinate=coordinate,
        movements=ahead.pass_on(reader.movements(connection, books.read_after)),
        ledger=ahead.ledger,
        estimates=read_estimates(connection, logs.decisions, held.position),
    )
    return Prepared(
        msgspec.structs.replace(preparation, ahead=ahead.first),
        reader.decisions,
        _count(connection, "due", logs.decisions, calendar.start(first_day(month + 1)) - 1),
        coordinate.facts - _count(connection, "judged", logs.decisions),
    )


def closed_month(connection: psycopg.Connection, log_id: int, month: int) -> MonthClosed:
    """Return the close of a month as it was recorded.

    Raises:
        NotClosedError: if there is none.

    """
    for closed in read_closes(connection, log_id):
        if closed.month == month:
            return closed
    message = (
        f"{month_text(month)}: expected a closed month, found none; close it with 'vinculo close'"
    )
    raise NotClosedError(message)


def prior_period(
    connection: psycopg.Connection, logs: Logs, closed: MonthClosed, calendar: Calendar
) -> Iterator[PriorPeriod]:
    """Yield the movements that a close counts though they happened in an earlier month.

    They are read again from the log, by what was known at the close, so they are the same for ever.

    Args:
        connection: in autocommit.
        logs: of the tenant.
        closed: a close, recorded or not.
        calendar: of the tenant.

    """
    before = Books()
    for earlier in read_closes(connection, logs.decisions):
        if earlier.month < closed.month:
            before = evolve(before, earlier)
    if not before.periods.positions:
        return
    reader = LedgerReader.at(connection, logs, closed.coordinate, calendar)
    movements = reader.movements(connection, before.read_after)
    yield from prior_period_list(movements, before.periods, closed.month)


class _Ahead:
    """Look for what counts in months after the one to be closed, while movements pass by.

    Args:
        periods: what was closed before.
        month: to be closed.
        ledger: outstanding points as of now; those of later months are taken off, so it is the
            ledger at the month's end once all movements have passed.

    """

    def __init__(self, periods: Periods, month: int, ledger: dict[Portfolio, int]) -> None:
        self._periods = periods
        self._month = month
        self.ledger = ledger
        self.first = 0

    def pass_on(self, movements: Iterable[Movement]) -> Iterator[Movement]:
        """Yield the movements, all of them."""
        after = first_day(self._month + 1)
        for movement in movements:
            # Nothing counts earlier than it happened, and what is open counts when it happened.
            if movement.day >= after:
                portfolio = movement.portfolio
                self.ledger[portfolio] = self.ledger.get(portfolio, 0) - movement.points
                self.first = self.first or movement.position
            yield movement


def _count(connection: psycopg.Connection, name: str, *values: int) -> int:
    found = connection.execute(_SQL[name], values).fetchone()
    return int(found[0]) if found else 0
