"""The totals of one receipt, by which the commercial and the financial part agree (ruling 21).

The formula of revenue, in minor units of one currency:

    revenue = Σ (amount − tax) over the lines that are not stored value
            + shipping charged on the receipt
            − what was tendered in points

A line's amount is already after discount. Shipping that the receipt charges states no tax, so it
counts in full; a publisher who knows its tax sends a line of kind ``shipping`` instead. Paying
with a gift card is revenue, selling one is not. Points are taken off the whole receipt.
"""

from __future__ import annotations

import msgspec

from domain.touchpoints.commercial import PurchaseMade, PurchaseReturned

Receipt = PurchaseMade | PurchaseReturned


class Totals(msgspec.Struct, gc=False):
    """Sums over one receipt, in minor units of its currency; never negative but for revenue.

    Args:
        gross: all that was charged (or given back): lines of every kind and shipping.
        discount: what was taken off before.
        tax: contained in the lines that are not stored value.
        shipping: charged for shipping, on the receipt and in lines of that kind.
        stored_value: of the lines that sell gift cards and the like.
        points: tendered in points.
        cost: cost of goods of the lines that state it.
        costed: number of the lines that state their cost, stored value left out.
        uncosted: amount less tax of the lines that do not, stored value left out.
        units: of goods and services, in thousandths.
        revenue: by the formula of this module.

    """

    gross: int = 0
    discount: int = 0
    tax: int = 0
    shipping: int = 0
    stored_value: int = 0
    points: int = 0
    cost: int = 0
    costed: int = 0
    uncosted: int = 0
    units: int = 0
    revenue: int = 0


class _Memory:
    """The totals of the latest receipt: two parts ask for them, one after the other."""

    latest: tuple[Receipt | None, Totals] = (None, Totals())


def totals_of(receipt: Receipt) -> Totals:
    """Return the totals of a receipt. They are shared: do not change them."""
    known, totals = _Memory.latest
    if known is not receipt:
        totals = _add_up(receipt)
        _Memory.latest = (receipt, totals)
    return totals


def _add_up(receipt: Receipt) -> Totals:
    # One pass, for this is the hottest loop of all folds.
    gross = shipping = receipt.shipping
    discount = tax = stored_value = cost = costed = uncosted = units = 0
    for line in receipt.lines:
        amount = line.amount
        kind = line.kind
        gross += amount
        discount += line.discount
        if kind == "stored_value":
            stored_value += amount
            continue
        tax += line.tax
        if kind == "shipping":
            shipping += amount
        else:
            units += line.quantity
        if line.cost is None:
            uncosted += amount - line.tax
        else:
            cost += line.cost
            costed += 1
    points = 0
    for tender in receipt.tenders:
        if tender.kind == "points":
            points += tender.amount
    revenue = gross - stored_value - tax - points
    # By place: eleven names would cost as much as the sums.
    return Totals(
        gross, discount, tax, shipping, stored_value, points, cost, costed, uncosted, units, revenue
    )
