"""How much of a touchpoint a rule counts: an amount, a quantity, or that there is something at all.

A measure is a fraction of two integers, for a tender that earns nothing takes its part from all
lines alike: with lines of 40 and 60 and 30 of 100 paid in points, the first line counts 40·70/100.
Nothing is rounded here.

A receipt of which no line is left counts for nothing, whatever of its shipping was kept: what is
bought and given back has never earned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

import msgspec

from domain.programmes.earn_rules import (
    EarnRule,
    Fixed,
    LineFilter,
    PerAmount,
    PerQuantity,
    TenderKind,
)
from domain.touchpoints.base import Touchpoint
from domain.touchpoints.commercial import Line

Measure = Callable[[Any], tuple[int, int]]
"""From a touchpoint of one type to (numerator, denominator): numerator at least 0, denominator at
least 1."""

NOTHING = (0, 1)
ONCE = (1, 1)
_POINTS_TENDER: tuple[TenderKind, ...] = ("points",)


def has_lines(kind: type[Touchpoint]) -> bool:
    """Say whether touchpoints of a type are receipts: they have lines."""
    return "lines" in kind.__struct_fields__


def measure_of(rule: EarnRule, kind: type[Touchpoint]) -> Measure:
    """Return what a rule counts on a type of touchpoint."""
    match rule.earn:
        case PerAmount() as earn:
            return _line_amounts(rule.lines, earn) if has_lines(kind) else _amount(earn.currency)
        case PerQuantity(field=str(field)):
            return _field(field)
        case PerQuantity():
            return _quantities(rule.lines)
        case Fixed():
            return _anything(rule.lines) if has_lines(kind) else _once
        case _:
            assert_never(rule.earn)


def paid_for(rule: EarnRule, kind: type[Touchpoint], currency: str) -> Measure:
    """Return what was paid in a currency for what a rule counts: the measure of a threshold."""
    excepted = rule.earn.tenders_except if isinstance(rule.earn, PerAmount) else _POINTS_TENDER
    paid = PerAmount(points=1, per=1, currency=currency, tenders_except=excepted)
    return _line_amounts(rule.lines, paid) if has_lines(kind) else _amount(currency)


def same_measure(rule: EarnRule, kind: type[Touchpoint]) -> object:
    """Return what two rules have in common, hashable, if they count the same on a type."""
    rate = {"points": 1} if isinstance(rule.earn, Fixed) else {"points": 1, "per": 1}
    return kind, rule.lines, msgspec.structs.replace(rule.earn, **rate)


def line_counts(lines: LineFilter) -> Callable[[Line], bool]:
    """Return whether a line passes a filter and is not wholly given back."""
    kinds = frozenset(lines.kinds)
    passes = _code_passes(lines)

    def counts(line: Line) -> bool:
        return (
            line.kind in kinds
            and (line.amount > 0 or line.quantity > 0)
            and (passes is None or passes(line))
        )

    return counts


def _code_passes(lines: LineFilter) -> Callable[[Line], bool] | None:
    """Return whether product and category of a line pass; None if any do."""
    products, no_products = frozenset(lines.products), frozenset(lines.products_except)
    categories, no_categories = frozenset(lines.categories), frozenset(lines.categories_except)
    if passes_all(lines):
        return None
    if categories and not (products or no_products):
        # The commonest filter in one look: whatever is also excepted does not count.
        counted = categories - no_categories
        return lambda line: line.category in counted
    return lambda line: (
        (not products or line.product in products)
        and line.product not in no_products
        and (not categories or line.category in categories)
        and line.category not in no_categories
    )


def passes_all(lines: LineFilter) -> bool:
    """Say whether a filter looks at the kind of line only."""
    return not (
        lines.products or lines.products_except or lines.categories or lines.categories_except
    )


def _line_amounts(lines: LineFilter, earn: PerAmount) -> Measure:
    currency, net, shipping = earn.currency, earn.basis == "net_of_tax", earn.shipping
    excepted, left_out = frozenset(earn.tenders_except), _left_out
    if passes_all(lines) and not net:
        count = _paid_by_kind(frozenset(lines.kinds))
    else:
        count = _counted(lines, net=net)

    def measure(receipt: Any) -> tuple[int, int]:  # noqa: ANN401 - a purchase or its like
        if receipt.currency != currency:
            return NOTHING
        amount = count(receipt.lines)
        if shipping and receipt.shipping and any(map(_is_left, receipt.lines)):
            amount += receipt.shipping
        if receipt.tenders and amount:
            return left_out(receipt, amount, excepted)
        return amount, 1

    return measure


def _paid_by_kind(kinds: frozenset[str]) -> Callable[[tuple[Line, ...]], int]:
    """Return the commonest count without a call for each line."""

    def count(lines: tuple[Line, ...]) -> int:
        amount = 0
        for line in lines:
            if line.kind in kinds:
                amount += line.amount
        return amount

    return count


def _counted(lines: LineFilter, *, net: bool) -> Callable[[tuple[Line, ...]], int]:
    kinds = frozenset(lines.kinds)
    passes = _code_passes(lines) or _every

    def count(lines: tuple[Line, ...]) -> int:
        amount = 0
        for line in lines:
            if passes(line) and line.kind in kinds:
                amount += max(0, line.amount - line.tax) if net else line.amount
        return amount

    return count


def _every(_: Line) -> bool:
    return True


def _left_out(receipt: Any, amount: int, excepted: frozenset[str]) -> tuple[int, int]:  # noqa: ANN401 - a receipt
    """Return an amount less its part of what was paid with tenders that earn nothing."""
    paid_so = 0
    for tender in receipt.tenders:
        if tender.kind in excepted:
            paid_so += tender.amount
    if not paid_so:
        return amount, 1
    due = receipt.shipping + sum(line.amount for line in receipt.lines)
    return (amount * (due - paid_so), due) if paid_so < due else NOTHING


def _quantities(lines: LineFilter) -> Measure:
    counts = line_counts(lines)

    def measure(receipt: Any) -> tuple[int, int]:  # noqa: ANN401 - a receipt
        return sum(line.quantity for line in receipt.lines if counts(line)), 1

    return measure


def _anything(lines: LineFilter) -> Measure:
    counts = line_counts(lines)

    def measure(receipt: Any) -> tuple[int, int]:  # noqa: ANN401 - a receipt
        return ONCE if any(map(counts, receipt.lines)) else NOTHING

    return measure


def _amount(currency: str) -> Measure:
    def measure(touchpoint: Any) -> tuple[int, int]:  # noqa: ANN401 - has amount and currency
        if touchpoint.currency != currency:
            return NOTHING
        return max(0, touchpoint.amount or 0), 1

    return measure


def _field(name: str) -> Measure:
    def measure(touchpoint: Touchpoint) -> tuple[int, int]:
        return max(0, getattr(touchpoint, name) or 0), 1

    return measure


def _once(_: Touchpoint) -> tuple[int, int]:
    return ONCE


def _is_left(line: Line) -> bool:
    return bool(line.amount or line.quantity)
