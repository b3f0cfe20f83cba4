"""Finance over HTTP: liability by month of expiry, and the statement of an account."""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Any

import msgspec
import psycopg

from api.answers import Answer, json_answer
from api.calls import Call
from api.parameters import Parameter, one_of, short_text
from api.problems import bad_parameter, problem_answer
from domain.accounting.estimates import EstimateError
from domain.accounting.liability import LiabilityLine
from domain.accounting.months import month_text
from domain.accounting.statement import Statement
from domain.calendar import Calendar
from domain.instants import date_of, day_of
from projections.customer.shown import uuid_text
from projections.ledger.liability import Liability, liability_as_of, liability_now
from projections.ledger.statements import (
    BALANCES,
    LongStatementError,
    StatementAsked,
    UnknownAccountError,
    read_statements,
)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_YEAR_DAYS = 365
_CONFLICT, _UNPROCESSABLE = 409, 422
_DATE_SCHEMA = {"type": "string", "format": "date", "examples": ["2026-11-30"]}


def _day(text: str) -> int:
    """Return the day of a date, days since 1970-01-01."""
    try:
        return day_of(date.fromisoformat(text if _DAY.match(text) else ""))
    except ValueError:
        message = "a date such as 2026-11-30"
        raise ValueError(message) from None


AS_OF_DAY = Parameter(
    name="as_of_day",
    meaning="As of the end of this business day, as it is known now; today if absent.",
    schema=_DATE_SCHEMA,
    read=_day,
)
STATEMENT_PARAMETERS = (
    Parameter(
        name="from",
        meaning="The first business day; 365 days before the last one if absent.",
        schema=_DATE_SCHEMA,
        read=_day,
    ),
    Parameter(
        name="to",
        meaning="The last business day, inclusive; today if absent.",
        schema=_DATE_SCHEMA,
        read=_day,
    ),
    Parameter(
        name="currency",
        meaning="Of this currency of points alone.",
        schema={"type": "string", "minLength": 1, "maxLength": 200},
        read=short_text,
    ),
    Parameter(
        name="balance",
        meaning="Which balance; total is available, pending and reserved together.",
        schema={"type": "string", "enum": list(BALANCES), "default": "available"},
        read=one_of(BALANCES),
    ),
)


class LiabilityLineShown(msgspec.Struct, frozen=True, gc=False):
    """The open points of a portfolio that expire in one month.

    Args:
        programme: its code.
        currency: of the points.
        legal_entity: that owes them; empty for the programme's own.
        kind: earned, promotional or paid.
        expires_in: month such as 2027-08; null if never.
        points: open, pending and reserved ones included.
        money: ISO 4217.
        amount: what they are expected to cost, minor units.

    """

    programme: str
    currency: str
    legal_entity: str
    kind: str
    expires_in: str | None
    points: int
    money: str
    amount: int


class LiabilityDocument(msgspec.Struct, frozen=True):
    """What open points are expected to cost, by the estimates that hold on the day.

    Args:
        as_of_day: the business day.
        decisions: position in the decisions log up to which is known.
        lines: by portfolio and month of expiry; what never expires comes last.

    """

    as_of_day: date
    decisions: int
    lines: tuple[LiabilityLineShown, ...]


class StatementLineShown(msgspec.Struct, frozen=True, gc=False):
    """One line of a statement.

    Args:
        day: the value date.
        code: of what happened, such as points_accrued.
        points: gained or lost.
        balance: after it.
        reference: what it is about; empty for nothing.

    """

    day: date
    code: str
    points: int
    balance: int
    reference: str


class CurrencyStatement(msgspec.Struct, frozen=True):
    """The statement of one currency of points.

    Args:
        currency: of the points.
        opening: balance at the beginning of the first day.
        lines: by value date, then in the order of the ledger.
        closing: balance at the end of the last day.
        version: of the account, up to which is known.

    """

    currency: str
    opening: int
    lines: tuple[StatementLineShown, ...]
    closing: int
    version: int


class StatementDocument(msgspec.Struct, frozen=True):
    """The statement of an account.

    Args:
        account_id: whose it is.
        first: the first day.
        last: the last day, inclusive.
        balance: which balance is told.
        statements: one for each currency of points.

    """

    account_id: str
    first: date = msgspec.field(name="from")
    last: date = msgspec.field(name="to")
    balance: str
    statements: tuple[CurrencyStatement, ...]


async def tell_liability(call: Call) -> Answer:
    """Tell the liability by month of expiry."""
    services = call.services
    calendar: Calendar = services.settings.context.calendar
    day = call.parameters().get("as_of_day")
    log_id = services.logs.decisions
    ask: Any = liability_now if day is None else liability_as_of
    if day is None:
        day = calendar.day(services.clock())
    try:
        found: Liability = await services.desk.run(ask, log_id, calendar, day)
    except EstimateError as error:
        return problem_answer(_CONFLICT, "no_estimate", str(error))
    return json_answer(
        LiabilityDocument(date_of(found.day), found.decisions, tuple(map(_shown, found.lines)))
    )


async def tell_statement(call: Call) -> Answer:
    """Tell the statement of an account."""
    services = call.services
    calendar: Calendar = services.settings.context.calendar
    asked = _asked(call, calendar.day(services.clock()))
    read = partial(_read, log_id=services.logs.decisions, calendar=calendar, asked=asked)
    try:
        found = await services.desk.run(read)
    except UnknownAccountError as error:
        return problem_answer(404, "unknown_account", str(error))
    except LongStatementError as error:
        return problem_answer(_UNPROCESSABLE, "statement_too_long", str(error))
    return json_answer(
        StatementDocument(
            uuid_text(asked.account_id),
            date_of(asked.first),
            date_of(asked.last),
            asked.balance,
            tuple(map(_statement, found)),
        )
    )


def _read(
    connection: psycopg.Connection, log_id: int, calendar: Calendar, asked: StatementAsked
) -> tuple[Statement, ...]:
    return read_statements(connection, log_id, calendar, asked)


def _asked(call: Call, today: int) -> StatementAsked:
    given = call.parameters()
    last = given.get("to", today)
    first = given.get("from", max(last - _YEAR_DAYS, day_of(date.min)))
    if first > last:
        expected = f"a day up to {date_of(last)}, the last one"
        raise bad_parameter("from", expected, str(date_of(first)))
    return StatementAsked(
        account_id=call.uuid("account_id"),
        first=first,
        last=last,
        currency=given.get("currency"),
        balance=given.get("balance", "available"),
    )


def _shown(line: LiabilityLine) -> LiabilityLineShown:
    whose = line.portfolio
    month = None if line.month is None else month_text(line.month)
    return LiabilityLineShown(
        whose.programme, whose.currency, whose.issuer, whose.kind, month, line.points, line.money,
        line.amount,
    )  # fmt: skip


def _statement(statement: Statement) -> CurrencyStatement:
    lines = tuple(
        StatementLineShown(date_of(one.day), one.code, one.points, one.balance, one.reference)
        for one in statement.lines
    )
    return CurrencyStatement(
        statement.currency, statement.opening, lines, statement.closing, statement.version
    )
