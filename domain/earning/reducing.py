"""What is left of a purchase after returns: the touchpoint that rules are asked about again.

A returned line takes off what it can from the lines of the same product, in their order, and what
is left of it from the other lines, in theirs. Nothing falls below zero: whoever gives back more
than was bought gives back all of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from domain.touchpoints.commercial import Line, PurchaseMade, PurchaseReturned, Tender


class _Left:
    """A line, and what is left of it."""

    __slots__ = ("amount", "line", "quantity")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.amount = line.amount
        self.quantity = line.quantity

    def take(self, amount: int, quantity: int) -> tuple[int, int]:
        """Take off and return what is still to be taken off others."""
        taken_amount, taken_quantity = min(amount, self.amount), min(quantity, self.quantity)
        self.amount -= taken_amount
        self.quantity -= taken_quantity
        return amount - taken_amount, quantity - taken_quantity

    def rest(self) -> Line | None:
        """Return the line as it is now, None if nothing is left; tax, discount and cost in part."""
        if not self.amount and (not self.quantity or self.line.amount):
            return None
        line = self.line
        if self.amount == line.amount and self.quantity == line.quantity:
            return line
        whole = line.amount or 1
        return msgspec.structs.replace(
            line,
            amount=self.amount,
            quantity=max(self.quantity, 1),
            discount=line.discount * self.amount // whole,
            tax=line.tax * self.amount // whole,
            cost=None if line.cost is None else line.cost * self.amount // whole,
        )


def purchase_less(
    purchase: PurchaseMade, returns: Iterable[PurchaseReturned]
) -> PurchaseMade | None:
    """Return what is left of a purchase, None if that is nothing.

    Args:
        purchase: effective.
        returns: effective, all that name it; those in another currency are left out, for nobody
            can tell what they take off.

    """
    left = [_Left(line) for line in purchase.lines]
    shipping = purchase.shipping
    tenders = list(purchase.tenders)
    any_return = False
    for returned in returns:
        if returned.currency != purchase.currency:
            continue
        any_return = True
        for line in returned.lines:
            _take_line(left, line)
        shipping -= min(shipping, returned.shipping)
        tenders = _less_tenders(tenders, returned.tenders)
    if not any_return:
        return purchase
    lines = tuple(rest for one in left if (rest := one.rest()) is not None)
    if not lines:
        return None
    return msgspec.structs.replace(purchase, lines=lines, shipping=shipping, tenders=tuple(tenders))


def _take_line(left: list[_Left], line: Line) -> None:
    amount, quantity = line.amount, line.quantity
    for same in (True, False):
        for one in left:
            if (one.line.product == line.product) is same:
                amount, quantity = one.take(amount, quantity if same else 0)
        if not amount:
            return


def _less_tenders(tenders: list[Tender], returned: Iterable[Tender]) -> list[Tender]:
    """Return tenders less what was given back in the same kind."""
    for back in returned:
        amount = back.amount
        kept: list[Tender] = []
        for tender in tenders:
            part = min(amount, tender.amount) if tender.kind == back.kind else 0
            amount -= part
            if tender.amount > part:
                kept.append(Tender(tender.kind, tender.amount - part))
        tenders = kept
    return tenders
