"""Commercial: buying, giving back, and signs of leaving."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.money import Amount, Currency, MinorUnits, Thousandths
from domain.touchpoints.base import Code, Days, Label, Touchpoint

LINES_MAX = 2_000


class Line(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,
):
    """One line of a receipt (ruling 21).

    Args:
        product: the product's code.
        quantity: thousandths of a unit.
        amount: what is due for the line: after discount, tax included; minor units.
        category: the product's category.
        discount: what was taken off; minor units.
        tax: what the amount contains; minor units.
        cost: cost of goods; minor units, absent if not known.
        kind: ``stored_value`` (a gift card sold) is no revenue.

    """

    product: Code
    quantity: Thousandths
    amount: Amount
    category: Label | None = None
    discount: Amount = 0
    tax: Amount = 0
    cost: Amount | None = None
    kind: Literal["goods", "service", "stored_value", "shipping"] = "goods"


class Tender(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """What a purchase was paid with; minor units. Points are no revenue, a gift card is."""

    kind: Literal["card", "cash", "gift_card", "points", "account", "other"]
    amount: Amount


Lines = Annotated[tuple[Line, ...], Meta(min_length=1, max_length=LINES_MAX)]


class PurchaseMade(Touchpoint, frozen=True, kw_only=True):
    """A customer bought.

    Args:
        number: business number of the ticket or invoice, unique in its source.
        currency: ISO 4217.
        lines: what was bought.
        tenders: what it was paid with; empty if not stated.
        shipping: charged for shipping, tax included; minor units.
        store: code of the shop.
        till: code of the till.

    """

    number: Code
    currency: Currency
    lines: Lines
    tenders: Annotated[tuple[Tender, ...], Meta(max_length=20)] = ()
    shipping: Amount = 0
    store: Code | None = None
    till: Code | None = None


class PurchaseReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Names a purchase of any source by its business number."""

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    number: Code


class PurchaseReturned(Touchpoint, frozen=True, kw_only=True):
    """A customer gave back what was bought; amounts are what was given back, not negative."""

    number: Code
    currency: Currency
    lines: Lines
    purchase: PurchaseReference | None = None
    shipping: Amount = 0
    tenders: Annotated[tuple[Tender, ...], Meta(max_length=20)] = ()
    reason: Label | None = None
    store: Code | None = None


class CancelIntentDeclared(Touchpoint, frozen=True, kw_only=True):
    """A customer said that they mean to leave. The signal lives 90 days unless it says so."""

    reason: Label | None = None
    lives_days: Days | None = None


class CompetitorOfferSeen(Touchpoint, frozen=True, kw_only=True):
    """A customer has, or told of, a competitor's offer. It lives 90 days unless it says so."""

    competitor: Label | None = None
    currency: Currency | None = None
    amount: MinorUnits | None = None
    lives_days: Days | None = None
