"""Liability by month of expiry: now, out of accounts as they stand, or as of a past day.

As of a day it is out of the decisions with a value date up to that day (ruling 13), which are read
account by account.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec
import psycopg

from domain.accounting.estimates import Estimates
from domain.accounting.liability import LiabilityLine, OpenLot, liability
from domain.calendar import Calendar
from journal.accounting import read_estimates
from journal.connecting import Uuid, UuidArray, binary_cursor
from journal.decisions.mapper import DecisionMapper
from journal.ledger.states import decode_account
from journal.queries import queries
from journal.reading import head_of
from projections.ledger.lots import AccountLots
from projections.ledger.outstanding import lots_of
from projections.ledger.portfolios import AccountContext
from projections.ledger.reading import Contexts, contexts_at, in_one_snapshot

ACCOUNTS_BATCH = 1_000
_SQL = queries("projections.ledger", "reading.sql")
_decision = DecisionMapper().decision


class Liability(msgspec.Struct, frozen=True):
    """What open points are expected to cost.

    Args:
        day: of which it is told, days since 1970-01-01 in the business zone.
        decisions: position up to which is known.
        lines: by portfolio and month of expiry.

    """

    day: int
    decisions: int
    lines: tuple[LiabilityLine, ...]


def liability_now(
    connection: psycopg.Connection, log_id: int, calendar: Calendar, day: int
) -> Liability:
    """Return the liability of the accounts as they stand.

    Args:
        connection: in autocommit.
        log_id: of the decisions log.
        calendar: of the tenant.
        day: today, whose estimates value the points.

    Raises:
        EstimateError: if a portfolio has no approved estimate on that day.
        UnbalancedLedgerError: if a row contradicts itself.

    """
    sums = _Sums()
    with in_one_snapshot(connection):
        position = head_of(connection, log_id)
        contexts = contexts_at(connection, log_id, position, calendar)
        estimates = read_estimates(connection, log_id, position)
        with connection.cursor("states", binary=True) as cursor:
            cursor.itersize = ACCOUNTS_BATCH
            cursor.execute(_SQL["states"], (log_id,))
            for account_id, version, state in cursor:
                account = decode_account(account_id, version, state)
                sums.add(lots_of(account, contexts.of(account.programme)))
    return _valued(sums, estimates, position, day, calendar)


def liability_as_of(
    connection: psycopg.Connection, log_id: int, calendar: Calendar, day: int
) -> Liability:
    """Return the liability as of the end of a day, as it is known now.

    Args:
        connection: in autocommit.
        log_id: of the decisions log.
        calendar: of the tenant.
        day: days since 1970-01-01; its estimates value the points.

    Raises:
        EstimateError: if a portfolio has no approved estimate on that day.

    """
    position = head_of(connection, log_id)
    contexts = contexts_at(connection, log_id, position, calendar)
    estimates = read_estimates(connection, log_id, position)
    sums, after = _Sums(), bytes(16)
    while accounts := _accounts(connection, log_id, after):
        for lots in _lots_as_of(connection, log_id, position, accounts, contexts, day):
            sums.add(lots)
        after = max(accounts)
    return _valued(sums, estimates, position, day, calendar)


def _accounts(connection: psycopg.Connection, log_id: int, after: bytes) -> dict[bytes, str]:
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["account_programmes"], (log_id, Uuid(after), ACCOUNTS_BATCH))
    return dict(cursor.fetchall())


def _lots_as_of(
    connection: psycopg.Connection,
    log_id: int,
    known_at: int,
    accounts: dict[bytes, str],
    contexts: Contexts,
    day: int,
) -> Iterator[Iterator[OpenLot]]:
    cursor = binary_cursor(connection)
    cursor.execute(_SQL["streams"], (log_id, UuidArray(accounts), known_at))
    for account_id, entries in groupby(cursor, key=lambda row: row[0]):
        context: AccountContext = contexts.of(accounts[account_id])
        lots = AccountLots(context, day)
        for _, topic, body in entries:
            lots.follow(_decision(topic, body))
        yield lots.open()


class _Sums:
    """Open points by portfolio and expiry: as many as there are of these, not of lots."""

    def __init__(self) -> None:
        self._points: dict[OpenLot, int] = {}

    def add(self, lots: Iterator[OpenLot]) -> None:
        """Count lots."""
        points = self._points
        for lot in lots:
            key = OpenLot(lot.portfolio, lot.expires_at, 1)
            points[key] = points.get(key, 0) + lot.remaining

    def lots(self) -> Iterator[OpenLot]:
        """Yield a lot for each portfolio and expiry."""
        for key, points in self._points.items():
            yield OpenLot(key.portfolio, key.expires_at, points)


def _valued(
    sums: _Sums, estimates: Estimates, position: int, day: int, calendar: Calendar
) -> Liability:
    lines = liability(sums.lots(), estimates, day=day, calendar=calendar)
    return Liability(day, position, lines)
