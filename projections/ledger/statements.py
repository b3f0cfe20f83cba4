"""The statement of an account, out of its stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args
from uuid import UUID

import msgspec
import psycopg

from domain.accounting.statement import Posting as Recorded
from domain.accounting.statement import Statement, statement
from domain.calendar import Calendar
from domain.errors import VinculoError
from domain.ledger import decisions as made
from journal.connecting import Uuid, binary_cursor
from journal.decisions.mapper import DecisionMapper
from journal.queries import queries

BalanceName = Literal["available", "pending", "reserved", "total"]
BALANCES: tuple[BalanceName, ...] = get_args(BalanceName)
DECISIONS_MAX = 100_000
_SQL = queries("projections.ledger", "reading.sql")
_decision = DecisionMapper().decision
_POINTS: dict[BalanceName, Callable[[made.Balance], int]] = {
    "available": lambda balance: balance.available,
    "pending": lambda balance: balance.pending,
    "reserved": lambda balance: balance.reserved,
    "total": lambda balance: balance.available + balance.pending + balance.reserved,
}


class UnknownAccountError(VinculoError):
    """There is no such account, or it has no points of the currency that was asked for."""


class LongStatementError(VinculoError):
    """An account with more decisions than one answer looks at."""


class StatementAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Which statement is asked for.

    Args:
        account_id: 16 bytes.
        first: the first day, days since 1970-01-01.
        last: the last day, inclusive.
        currency: of this currency alone; None for all, in the order in which they came into use.
        balance: which balance; ``total`` is available, pending and reserved together.

    """

    account_id: bytes
    first: int
    last: int
    currency: str | None = None
    balance: BalanceName = "available"


def read_statements(
    connection: psycopg.Connection, log_id: int, calendar: Calendar, asked: StatementAsked
) -> tuple[Statement, ...]:
    """Return the statements of an account, one for each currency of points.

    Args:
        connection: to the journal.
        log_id: of the decisions log.
        calendar: of the tenant.
        asked: which statement.

    Raises:
        UnknownAccountError: if there is no such account, or no such currency in it.
        LongStatementError: if it has more than 100,000 decisions.
        StatementError: if the period ends before it begins, or the log is damaged.

    """
    postings = _postings(connection, log_id, asked.account_id)
    currencies = list(dict.fromkeys(one.currency for _, one in postings))
    name = str(UUID(bytes=asked.account_id))
    if asked.currency is not None and asked.currency not in currencies:
        found = ", ".join(currencies) or "none"
        message = f"{name}: expected a currency of this account ({found}), found another one"
        raise UnknownAccountError(message)
    points = _POINTS[asked.balance]
    return tuple(
        statement(
            _recorded(postings, one, points, calendar),
            account=name,
            currency=one,
            first=asked.first,
            last=asked.last,
        )
        for one in currencies
        if asked.currency in (None, one)
    )


def _postings(
    connection: psycopg.Connection, log_id: int, account_id: bytes
) -> list[tuple[int, made.Posting]]:
    stream = Uuid(account_id)
    cursor = binary_cursor(connection)
    if cursor.execute(_SQL["account"], (log_id, stream)).fetchone() is None:
        message = (
            f"{UUID(bytes=account_id)}: expected an account of this tenant, found none; ask by the "
            "id of the account, not of the customer"
        )
        raise UnknownAccountError(message)
    rows = cursor.execute(_SQL["stream"], (log_id, stream, DECISIONS_MAX + 1)).fetchall()
    if len(rows) > DECISIONS_MAX:
        message = f"expected at most {DECISIONS_MAX} decisions of an account, found more; export it"
        raise LongStatementError(message)
    decided = ((version, _decision(topic, body)) for version, topic, body in rows)
    return [(version, one) for version, one in decided if isinstance(one, made.Posting)]


def _recorded(
    postings: Sequence[tuple[int, made.Posting]],
    currency: str,
    points: Callable[[made.Balance], int],
    calendar: Calendar,
) -> list[Recorded]:
    """Return what changed a balance; what left it as it was is no line of a statement."""
    return [
        Recorded(version, calendar.day(one.at), _code(one), before, after, _reference(one))
        for version, one in postings
        if one.currency == currency
        for before, after in ((points(one.before), points(one.after)),)
        if before != after
    ]


def _code(posting: made.Posting) -> str:
    return posting.topic.split(".")[1]


def _reference(posting: made.Posting) -> str:
    """Return what a line is about: the words of who asked, or the entry it was earned by."""
    match posting:
        case made.PointsAccrued() | made.PointsClawedBack():
            return str(UUID(bytes=posting.touchpoint))
        case made.RedemptionMade() | made.RedemptionReserved() | made.OpeningBalanceSet():
            return posting.reference
        case made.BalanceAdjusted():
            return posting.reason
        case _:
            return ""
