"""Reading the decisions log for finance: whole transactions, a window at a time, with their sales.

Never more than a window is in memory. Each query looks at one log: what points were earned by is
asked of the facts log in a statement of its own, once a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

import msgspec
import psycopg

from domain.accounting.books import Coordinate
from domain.accounting.estimates import Estimates
from domain.accounting.movements import Movement
from domain.accounting.portfolios import Portfolio
from domain.calendar import Calendar
from domain.decisions.base import Decision
from domain.errors import VinculoError
from domain.ledger.decisions import PointsAccrued
from domain.touchpoints.base import Touchpoint
from journal.accounting import read_estimates
from journal.connecting import UuidArray, binary_cursor
from journal.decisions.mapper import DecisionMapper
from journal.history import Histories
from journal.ledger.states import decode_account
from journal.programmes.reading import programmes_at
from journal.queries import queries
from journal.reading import FactReader, HoleError, head_of
from journal.tenants import Logs
from projections.ledger.movements import ACCOUNT_DECISIONS, Prices, movements_of
from projections.ledger.outstanding import add_outstanding
from projections.ledger.portfolios import AccountContext, only_qualifying
from projections.ledger.sales import Accrual, SalePricing, sold_shares

WINDOW = 10_000
_WINDOW_GROWS = (1, 2, 4)
_STATES_BATCH = 1_000
_NOTHING: Prices = {}
_SQL = queries("projections.ledger", "reading.sql")
_decision = DecisionMapper().decision
_OF_ACCOUNTS = frozenset(kind.topic for kind in ACCOUNT_DECISIONS)

WindowRow = tuple[int, bytes, int, str, bytes]
"""position, stream_id, recorded_at (server's epoch), type, body."""


class MissingAccountError(VinculoError):
    """The log speaks of an account that has no row."""


class Contexts:
    """What must be known of accounts, as it was known at a position of the decisions log.

    Args:
        calendar: of the tenant.
        qualifying: by programme, the currencies that nobody redeems.

    """

    def __init__(self, calendar: Calendar, qualifying: dict[str, frozenset[str]]) -> None:
        self.calendar = calendar
        self._qualifying = qualifying
        self._known: dict[str, AccountContext] = {}

    def of(self, programme: str) -> AccountContext:
        """Return what must be known of the accounts of a programme."""
        known = self._known.get(programme)
        if known is None:
            qualifying = self._qualifying.get(programme, frozenset())
            known = AccountContext(programme, self.calendar, qualifying)
            self._known[programme] = known
        return known


def contexts_at(
    connection: psycopg.Connection, log_id: int, known_at: int, calendar: Calendar
) -> Contexts:
    """Return contexts by the programmes that were approved up to a position."""
    known = programmes_at(connection, log_id, known_at)
    versions = [record.rules for one in known.programmes() for record in one.approved()]
    return Contexts(calendar, only_qualifying(versions))


class Standing(msgspec.Struct, frozen=True):
    """What the ledger holds at one moment.

    Args:
        position: of the decisions log at that moment.
        points: outstanding, by portfolio.

    """

    position: int
    points: dict[Portfolio, int]


def standing(connection: psycopg.Connection, log_id: int, calendar: Calendar) -> Standing:
    """Return outstanding points by portfolio out of every account's row, seen at one moment.

    Args:
        connection: in autocommit.
        log_id: of the decisions log.
        calendar: of the tenant.

    Raises:
        UnbalancedLedgerError: if a row contradicts itself.

    """
    points: dict[Portfolio, int] = {}
    with in_one_snapshot(connection):
        position = head_of(connection, log_id)
        contexts = contexts_at(connection, log_id, position, calendar)
        with connection.cursor("states", binary=True) as cursor:
            cursor.itersize = _STATES_BATCH
            cursor.execute(_SQL["states"], (log_id,))
            for account_id, version, state in cursor:
                account = decode_account(account_id, version, state)
                add_outstanding(points, account, contexts.of(account.programme))
    return Standing(position, points)


class LedgerReader:
    """Read movements out of a decisions log, as known at a coordinate.

    Args:
        logs: of the tenant.
        coordinate: what is known.
        contexts: of accounts, as known there.
        estimates: as known there.
        window: positions that are read at a time; up to four times as many where a transaction is
            longer.

    """

    def __init__(
        self,
        logs: Logs,
        coordinate: Coordinate,
        contexts: Contexts,
        estimates: Estimates,
        window: int = WINDOW,
    ) -> None:
        self._logs = logs
        self._coordinate = coordinate
        self._contexts = contexts
        self._pricing = SalePricing(estimates)
        self._histories = Histories(logs.facts, FactReader())
        self._window = window
        self.decisions = 0

    @classmethod
    def at(
        cls,
        connection: psycopg.Connection,
        logs: Logs,
        coordinate: Coordinate,
        calendar: Calendar,
        window: int = WINDOW,
    ) -> LedgerReader:
        """Return a reader that knows what was known at a coordinate."""
        contexts = contexts_at(connection, logs.decisions, coordinate.decisions, calendar)
        estimates = read_estimates(connection, logs.decisions, coordinate.decisions)
        return cls(logs, coordinate, contexts, estimates, window)

    def movements(self, connection: psycopg.Connection, after: int) -> Iterator[Movement]:
        """Yield the movements behind a position up to the coordinate, in the order of the log.

        Args:
            connection: in autocommit.
            after: position; 0 begins with the first.

        Raises:
            HoleError: if a position is missing.
            UnreadableDecisionError: if a decision is not understood.
            EstimateError: if points of a sale have no estimate on its day.

        """
        last = self._coordinate.decisions
        while after < last:
            rows = self._whole_transactions(connection, after)
            after = rows[-1][0]
            self.decisions += len(rows)
            yield from self._mapped(connection, rows)

    def _whole_transactions(self, connection: psycopg.Connection, after: int) -> list[WindowRow]:
        """Return the next rows, cut between two transactions: a sale's points are priced at once.

        What was recorded at one instant counts as one transaction. The window grows for a long one;
        beyond its greatest size it is cut after all.
        """
        rows: list[WindowRow] = []
        for size in (self._window * times for times in _WINDOW_GROWS):
            rows = self._rows(connection, after, size)
            whole = _whole(rows, self._coordinate.decisions)
            if whole:
                return whole
        return rows

    def _rows(self, connection: psycopg.Connection, after: int, size: int) -> list[WindowRow]:
        log_id, until = self._logs.decisions, min(after + size, self._coordinate.decisions)
        cursor = binary_cursor(connection)
        rows: list[WindowRow] = cursor.execute(_SQL["window"], (log_id, after, until)).fetchall()
        if len(rows) != until - after:
            message = (
                f"log {log_id}: expected {until - after} decisions behind position {after}, found "
                f"{len(rows)}; compare with a backup: an entry was removed"
            )
            raise HoleError(message)
        return rows

    def _mapped(
        self, connection: psycopg.Connection, rows: Sequence[WindowRow]
    ) -> Iterator[Movement]:
        programmes = self._programmes(connection, rows)
        decided = [
            (position, self._contexts.of(_programme(programmes, position, stream)), decision)
            for position, stream, _, topic, body in rows
            if topic in _OF_ACCOUNTS
            for decision in (_decision(topic, body),)
        ]
        prices = self._prices(connection, decided)
        for position, context, decision in decided:
            yield from movements_of(position, context, decision, prices.get(position, _NOTHING))

    def _programmes(
        self, connection: psycopg.Connection, rows: Sequence[WindowRow]
    ) -> dict[bytes, str]:
        streams = {row[1] for row in rows if row[3] in _OF_ACCOUNTS}
        cursor = binary_cursor(connection)
        cursor.execute(_SQL["programmes"], (self._logs.decisions, UuidArray(streams)))
        return dict(cursor.fetchall())

    def _prices(
        self,
        connection: psycopg.Connection,
        decided: Sequence[tuple[int, AccountContext, Decision]],
    ) -> dict[int, Prices]:
        accruals = [
            Accrual(position, context, decision)
            for position, context, decision in decided
            if isinstance(decision, PointsAccrued)
        ]
        sold = [one for one in accruals if any(sold_shares(one))]
        if not sold:
            return {}
        wanted = {one.posting.touchpoint for one in sold}
        facts = self._histories.by_ids(connection, wanted, self._coordinate.facts)
        touchpoints: dict[bytes, Touchpoint] = {fact.entry_id: fact.touchpoint for fact in facts}
        return self._pricing.price(sold, touchpoints)


def _programme(programmes: Mapping[bytes, str], position: int, account_id: bytes) -> str:
    programme = programmes.get(account_id)
    if programme is None:
        message = (
            f"position {position}: expected a row of account {UUID(bytes=account_id)}, found none; "
            "a row of the ledger was removed: stop, and compare with a backup"
        )
        raise MissingAccountError(message)
    return programme


def _whole(rows: list[WindowRow], last: int) -> list[WindowRow]:
    """Return rows without those of a transaction that may go on behind them."""
    if rows[-1][0] >= last:
        return rows
    whole = len(rows)
    while whole and rows[whole - 1][2] == rows[-1][2]:
        whole -= 1
    return rows[:whole]


@contextmanager
def in_one_snapshot(connection: psycopg.Connection) -> Iterator[None]:
    """Let all queries see the database at one moment; not within a transaction."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
