"""Financial: what a relationship brings in and what it costs to serve, per currency.

    relationship value = revenue − cost to serve            (DOMAIN, section 3)
    margin             = revenue − uncosted revenue − cost of goods

Revenue is that of :mod:`projections.customer.receipt`, purchases − returns. Cost to serve is what
was recorded; the cost of goods belongs to the margin and not here. A line without a stated cost
is not taken for free: its revenue is *uncosted* and left out of the margin, which is null while
no line states a cost. What was paid in points lowers the margin, shipping charged raises it.
"""

from __future__ import annotations

import msgspec

from domain.fact import Fact
from domain.touchpoints.commercial import PurchaseMade, PurchaseReturned
from domain.touchpoints.financial import CostToServeRecorded
from projections.customer.part import Context, Part, Reading
from projections.customer.receipt import Totals, totals_of


class Account(msgspec.Struct, array_like=True, gc=False):
    """Sums in one currency, minor units; purchases − returns.

    Args:
        revenue: by the formula of ruling 21.
        uncosted: amounts less tax of the lines that state no cost.
        cost_of_goods: of the lines that do.
        costed_lines: how many lines, bought or returned, do.
        cost_to_serve: as recorded.
        costs_recorded: how many such records there are.

    """

    revenue: int = 0
    uncosted: int = 0
    cost_of_goods: int = 0
    costed_lines: int = 0
    cost_to_serve: int = 0
    costs_recorded: int = 0


class FinancialState(msgspec.Struct, array_like=True, gc=False):
    """State of this part: accounts by currency."""

    accounts: dict[str, Account] = msgspec.field(default_factory=dict)


class ValueShown(msgspec.Struct, frozen=True, gc=False):
    """What the relationship is worth in one currency, minor units.

    Args:
        currency: ISO 4217.
        revenue: purchases − returns, net of tax, discount, points and stored value.
        uncosted_revenue: the part of it from lines whose cost of goods is not known.
        cost_of_goods: of the other lines.
        margin: revenue − uncosted_revenue − cost_of_goods; null while no cost is known.
        cost_to_serve: as recorded.
        costs_recorded: how many such records there are.
        relationship_value: revenue − cost_to_serve.

    """

    currency: str
    revenue: int
    uncosted_revenue: int
    cost_of_goods: int
    margin: int | None
    cost_to_serve: int
    costs_recorded: int
    relationship_value: int


class Financial(msgspec.Struct, frozen=True, gc=False):
    """What the relationship is worth, per currency, sorted by code; never converted."""

    currencies: tuple[ValueShown, ...]


def _purchased(
    state: FinancialState, _fact: Fact, purchase: PurchaseMade, _context: Context
) -> None:
    _enter(_account(state, purchase.currency), totals_of(purchase), 1)


def _returned(
    state: FinancialState, _fact: Fact, returned: PurchaseReturned, _context: Context
) -> None:
    _enter(_account(state, returned.currency), totals_of(returned), -1)


def _cost_to_serve(
    state: FinancialState, _fact: Fact, cost: CostToServeRecorded, _context: Context
) -> None:
    account = _account(state, cost.currency)
    account.cost_to_serve += cost.amount
    account.costs_recorded += 1


def _account(state: FinancialState, currency: str) -> Account:
    account = state.accounts.get(currency)
    if account is None:
        account = state.accounts[currency] = Account()
    return account


def _enter(account: Account, totals: Totals, sign: int) -> None:
    account.revenue += sign * totals.revenue
    if totals.uncosted:
        account.uncosted += sign * totals.uncosted
    if totals.costed:
        account.cost_of_goods += sign * totals.cost
        account.costed_lines += totals.costed


def _render(state: FinancialState, _reading: Reading) -> Financial:
    return Financial(
        currencies=tuple(_show(code, account) for code, account in sorted(state.accounts.items()))
    )


def _show(currency: str, account: Account) -> ValueShown:
    margin = account.revenue - account.uncosted - account.cost_of_goods
    return ValueShown(
        currency=currency,
        revenue=account.revenue,
        uncosted_revenue=account.uncosted,
        cost_of_goods=account.cost_of_goods,
        margin=margin if account.costed_lines else None,
        cost_to_serve=account.cost_to_serve,
        costs_recorded=account.costs_recorded,
        relationship_value=account.revenue - account.cost_to_serve,
    )


PART = Part(
    name="financial",
    version=1,
    kind="commutative",
    state=FinancialState,
    handlers={
        PurchaseMade: _purchased,
        PurchaseReturned: _returned,
        CostToServeRecorded: _cost_to_serve,
    },
    render=_render,
)
