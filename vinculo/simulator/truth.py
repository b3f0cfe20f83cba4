"""What really happened, as plain totals that the generator keeps while it makes things happen.

They are kept beside the messages and not read back from them, so that a test can hold the
engine's figures against something that no fold has touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from domain.touchpoints import PurchaseMade, PurchaseReturned


class Sale(msgspec.Struct, kw_only=True):
    """A purchase as it stands in the end.

    Args:
        source: the place of its source in ``sources.PROFILES``.
        id: its CloudEvents id.
        at: when it happened; microseconds since 1970-01-01T00:00Z.
        subject: the identifier under which it was rung up.
        purchase: what was bought, errors already mended.
        known: it counts for its customer; if not, it is a receipt that nobody claimed.
        points: points it earned so far.
        returned: what was given back of it.

    """

    source: int
    id: str
    at: int
    subject: str
    purchase: PurchaseMade
    known: bool = True
    points: int = 0
    returned: list[PurchaseReturned] = []


class SalesTotals(msgspec.Struct, kw_only=True):
    """Sums over purchases and returns; money in minor units of EUR.

    Args:
        purchases: how many, voided ones left out.
        gross: line amounts and shipping, tax and gift cards sold included.
        shipping: the part of it that is shipping.
        tax: contained in the lines.
        discount: taken off the lines.
        cost: cost of goods.
        stored_value: gift cards sold.
        points_tender: paid with points.
        gift_card_tender: paid with gift cards.
        returns: how many.
        returned: their line amounts.
        returned_tax: contained in them.
        first_at: the first purchase; microseconds since 1970-01-01T00:00Z, None if there is none.
        last_at: the last purchase.

    """

    purchases: int = 0
    gross: int = 0
    shipping: int = 0
    tax: int = 0
    discount: int = 0
    cost: int = 0
    stored_value: int = 0
    points_tender: int = 0
    gift_card_tender: int = 0
    returns: int = 0
    returned: int = 0
    returned_tax: int = 0
    first_at: int | None = None
    last_at: int | None = None


class CustomerTruth(msgspec.Struct, kw_only=True):
    """One simulated person's totals.

    Args:
        ordinal: their number in the simulation.
        subject: the identifier by which they are always found: ``crm:…``, a lead's ``email:…``.
        identifiers: all that lead to them once every message has arrived, sorted.
        sales: what they bought and gave back, claimed receipts included.
        unclaimed: what they bought without being known, which nobody can tell was theirs.
        touchpoints: how many were stated of them, by type and whatever became of them later.
        cost_to_serve: minor units of EUR.
        points_earned: sum of all statements, likewise the next three.
        points_redeemed: spent.
        points_expired: gone by time.
        points_adjusted: balance of the upstream system's own corrections.
        incidents_open: neither resolved nor closed at the end.
        survey_scores: sum of the raw answers, by survey.

    """

    ordinal: int
    subject: str
    identifiers: tuple[str, ...]
    sales: SalesTotals
    unclaimed: SalesTotals
    touchpoints: dict[str, int]
    cost_to_serve: int = 0
    points_earned: int = 0
    points_redeemed: int = 0
    points_expired: int = 0
    points_adjusted: int = 0
    incidents_open: int = 0
    survey_scores: dict[str, int] = {}

    @property
    def points_balance(self) -> int:
        """Return the points that are left on the account, pending ones included."""
        gained = self.points_earned + self.points_adjusted
        return gained - self.points_redeemed - self.points_expired


class Truth(msgspec.Struct, kw_only=True):
    """All customers' totals, in the order of their ordinals."""

    customers: tuple[CustomerTruth, ...]

    def touchpoints(self) -> Counter[str]:
        """Return how many touchpoints were stated, by type: each is one fact in the journal."""
        total: Counter[str] = Counter()
        for customer in self.customers:
            total.update(customer.touchpoints)
        return total


def total_sales(sales: Iterable[Sale]) -> SalesTotals:
    """Return the sums over sales."""
    totals = SalesTotals()
    for sale in sales:
        _add_purchase(totals, sale.purchase)
        for back in sale.returned:
            totals.returns += 1
            totals.returned += sum(line.amount for line in back.lines)
            totals.returned_tax += sum(line.tax for line in back.lines)
        totals.first_at = sale.at if totals.first_at is None else min(totals.first_at, sale.at)
        totals.last_at = sale.at if totals.last_at is None else max(totals.last_at, sale.at)
    return totals


def _add_purchase(totals: SalesTotals, purchase: PurchaseMade) -> None:
    totals.purchases += 1
    totals.shipping += purchase.shipping
    totals.gross += purchase.shipping
    for line in purchase.lines:
        totals.gross += line.amount
        totals.tax += line.tax
        totals.discount += line.discount
        totals.cost += line.cost or 0
        if line.kind == "stored_value":
            totals.stored_value += line.amount
    for tender in purchase.tenders:
        if tender.kind == "points":
            totals.points_tender += tender.amount
        elif tender.kind == "gift_card":
            totals.gift_card_tender += tender.amount
