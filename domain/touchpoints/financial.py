"""Financial: what a relationship costs to maintain and to serve."""

from __future__ import annotations

from domain.money import Amount, Currency
from domain.touchpoints.base import Label, Touchpoint


class CostToServeRecorded(Touchpoint, frozen=True, kw_only=True):
    """Serving this customer cost an amount (minor units): a visit, a call, a send, a repair."""

    currency: Currency
    amount: Amount
    kind: Label | None = None
