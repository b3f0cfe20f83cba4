"""Journal lines of a closed month for the general ledger: double entry, zero in each currency.

The till's own system books a sale as revenue in full. A close therefore moves the part allocated to
points from there into the contract liability, and what was redeemed from there into revenue. Paid
points come from a clearing account that the sale of points was booked on; promotional ones are an
expense against a provision, which rewards use up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from domain.accounting.books import MonthClosed, Total, Value
from domain.accounting.portfolios import Portfolio
from domain.errors import VinculoError

EntryText: TypeAlias = Literal["opening", "added", "released"]


class UnbalancedJournalError(VinculoError):
    """Debits and credits that differ."""


class Accounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The general ledger's account codes that a close posts to; any text of its own.

    Args:
        sales: revenue of goods, from which the price of earned points is taken out.
        points_revenue: revenue of points redeemed, breakage included.
        contract_liability: earned points not redeemed yet.
        paid_clearing: where the sale of paid points was booked.
        paid_revenue: revenue of paid points redeemed, breakage included.
        paid_liability: paid points not redeemed yet, shown apart (ruling 28).
        promotional_cost: expense of points given without a sale.
        provision: what they are expected to cost yet.
        rewards: counter-account of what they were redeemed for.
        opening: counter-account of what stood open before the first close.

    """

    sales: str = "4000"
    points_revenue: str = "4100"
    contract_liability: str = "2400"
    paid_clearing: str = "1490"
    paid_revenue: str = "4110"
    paid_liability: str = "2410"
    promotional_cost: str = "6100"
    provision: str = "2450"
    rewards: str = "6190"
    opening: str = "9000"


class JournalLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line: an account and an amount on one of its sides.

    Args:
        month: of the close, months since 1970-01.
        account: code in the general ledger.
        debit: minor units, at least 0.
        credit: minor units, at least 0; one of the two is 0.
        money: ISO 4217 currency.
        portfolio: whose points.
        text: what it is.

    """

    month: int
    account: str
    debit: int
    credit: int
    money: str
    portfolio: Portfolio
    text: EntryText


def journal_lines(closed: MonthClosed, accounts: Accounts | None = None) -> tuple[JournalLine, ...]:
    """Return the journal of a closed month, two lines for each movement of money that is not 0.

    Args:
        closed: the month.
        accounts: the general ledger's; by default codes that need no setting.

    Raises:
        UnbalancedJournalError: if debits and credits of a currency or an issuer differ.

    """
    chart = Accounts() if accounts is None else accounts
    lines = tuple(line for total in closed.totals for line in _lines(closed, total, chart))
    check_balanced(lines)
    return lines


def check_balanced(lines: Iterable[JournalLine]) -> None:
    """Check that debits equal credits for each legal entity in each currency.

    Raises:
        UnbalancedJournalError: with both sums if they do not.

    """
    sums: dict[tuple[str, str, str], list[int]] = {}
    for line in lines:
        whose = (line.money, line.portfolio.programme, line.portfolio.issuer)
        sides = sums.setdefault(whose, [0, 0])
        sides[0] += line.debit
        sides[1] += line.credit
    for whose, (debits, credits_) in sorted(sums.items()):
        if debits != credits_:
            message = (
                f"journal of {'/'.join(whose)}: expected debits equal to credits, found {debits} "
                f"and {credits_} minor units; do not import it, close anew from the same books"
            )
            raise UnbalancedJournalError(message)


def _lines(closed: MonthClosed, total: Total, chart: Accounts) -> Iterator[JournalLine]:
    liability, source, use = _sides(total.portfolio, chart)
    for text, amount, debit, credit in _entries(
        closed, total.value, liability, (source, use), chart
    ):
        # A negative amount is the same entry the other way round, never a negative figure.
        sides = (debit, credit) if amount > 0 else (credit, debit)
        if amount:
            money, whose = total.value.money, total.portfolio
            yield JournalLine(closed.month, sides[0], abs(amount), 0, money, whose, text)
            yield JournalLine(closed.month, sides[1], 0, abs(amount), money, whose, text)


def _entries(
    closed: MonthClosed,
    value: Value,
    liability: str,
    others: tuple[str, str],
    chart: Accounts,
) -> Sequence[tuple[EntryText, int, str, str]]:
    """Return text, amount, account to debit and account to credit."""
    source, use = others
    opening = 0 if closed.previous else value.opening
    return (
        ("opening", opening, chart.opening, liability),
        ("added", value.added, source, liability),
        ("released", value.released, liability, use),
    )


def _sides(portfolio: Portfolio, chart: Accounts) -> tuple[str, str, str]:
    """Return the liability's account, that which adds to it and that which it is released to."""
    match portfolio.kind:
        case "earned":
            return chart.contract_liability, chart.sales, chart.points_revenue
        case "paid":
            return chart.paid_liability, chart.paid_clearing, chart.paid_revenue
        case "promotional":
            return chart.provision, chart.promotional_cost, chart.rewards
