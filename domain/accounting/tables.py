"""A close as CSV (RFC 4180): a header, CRLF, quotes where needed. Amounts are minor units."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from domain.accounting.books import MonthClosed
from domain.accounting.journal import JournalLine
from domain.accounting.liability import LiabilityLine
from domain.accounting.months import month_text
from domain.accounting.movements import PriorPeriod
from domain.accounting.portfolios import Portfolio
from domain.instants import date_of

_PORTFOLIO = ("programme", "points_currency", "legal_entity", "kind")
_POINTS = (
    "opening", "issued", "redeemed", "expired", "clawed_back", "adjusted", "transferred", "closing",
)  # fmt: skip
JOURNAL = (
    "month", "account", "debit_minor_units", "credit_minor_units", "money", *_PORTFOLIO, "text",
)  # fmt: skip
ROLL_FORWARD = (
    "month", *_PORTFOLIO, *_POINTS, *(f"prior_period_{one}" for one in _POINTS[1:-1]), "money",
    "liability_opening", "liability_added", "liability_released", "liability_closing", "catch_up",
    "unpriced",
)  # fmt: skip
PRIOR_PERIOD = (
    "month", "original_month", "value_date", *_PORTFOLIO, "movement", "points", "price_minor_units",
    "money", "position", "reference",
)  # fmt: skip
LIABILITY = (*_PORTFOLIO, "expires_in", "points", "money", "amount_minor_units")


def journal_csv(lines: Iterable[JournalLine]) -> str:
    """Return journal lines as CSV."""
    return _csv(
        JOURNAL,
        (
            (
                month_text(line.month), line.account, line.debit, line.credit, line.money,
                *_names(line.portfolio), line.text,
            )
            for line in lines
        ),
    )  # fmt: skip


def roll_forward_csv(closed: MonthClosed) -> str:
    """Return the roll-forward of a closed month as CSV, one row a portfolio."""
    return _csv(
        ROLL_FORWARD,
        (
            (
                month_text(closed.month), *_names(total.portfolio),
                *(getattr(total.points, one) for one in _POINTS),
                *(getattr(total.prior, one) for one in _POINTS[1:-1]),
                total.value.money, total.value.opening, total.value.added, total.value.released,
                total.value.closing, total.value.catch_up, total.unpriced,
            )
            for total in closed.totals
        ),
    )  # fmt: skip


def prior_period_csv(rows: Iterable[PriorPeriod]) -> str:
    """Return a prior-period list as CSV."""
    return _csv(
        PRIOR_PERIOD,
        (
            (
                month_text(row.month), month_text(row.original), date_of(row.movement.day),
                *_names(row.movement.portfolio), row.movement.kind, row.movement.points,
                row.movement.price, row.movement.money, row.movement.position,
                row.movement.reference,
            )
            for row in rows
        ),
    )  # fmt: skip


def liability_csv(lines: Iterable[LiabilityLine]) -> str:
    """Return a liability by month of expiry as CSV; ``never`` for points that do not expire."""
    return _csv(
        LIABILITY,
        (
            (
                *_names(line.portfolio),
                "never" if line.month is None else month_text(line.month),
                line.points, line.money, line.amount,
            )
            for line in lines
        ),
    )  # fmt: skip


def _names(portfolio: Portfolio) -> tuple[str, str, str, str]:
    return portfolio.programme, portfolio.currency, portfolio.issuer, portfolio.kind


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
