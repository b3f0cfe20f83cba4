"""Earn rules as they are written: which touchpoints give points, how many, and on which terms."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from domain.ledger.terms import LotKind
from domain.money import Currency
from domain.programmes.conditions import Codes, Condition
from domain.programmes.kinds import (
    DayCount,
    Hundredths,
    PointsAmount,
    Rate,
    RuleCode,
    TypeCode,
    Written,
)
from domain.programmes.lifetimes import Expiry
from domain.touchpoints.base import Code, Label

LineKind = Literal["goods", "service", "stored_value", "shipping"]
TenderKind = Literal["card", "cash", "gift_card", "points", "account", "other"]
CapPeriod = Literal["touchpoint", "day", "week", "month", "year", "ever"]
Rounding = Literal["down", "half_up", "up"]


class LineFilter(Written, frozen=True, kw_only=True):
    """Which lines of a receipt a rule counts; a line must pass every part.

    Args:
        products: product codes that count; empty means all.
        products_except: product codes that do not count.
        categories: categories that count; empty means all, even none stated.
        categories_except: categories that do not count.
        kinds: kinds of lines that count. Gift cards sold (stored_value) do not, unless named here:
            what is bought with them does.

    """

    products: Codes = ()
    products_except: Codes = ()
    categories: Annotated[tuple[Label, ...], Meta(max_length=10_000)] = ()
    categories_except: Annotated[tuple[Label, ...], Meta(max_length=10_000)] = ()
    kinds: Annotated[tuple[LineKind, ...], Meta(min_length=1, max_length=4)] = ("goods", "service")


class PerAmount(Written, frozen=True, kw_only=True, tag_field="kind", tag="per_amount"):
    """Points for an amount: of the lines counted, or of the touchpoint's own field ``amount``.

    Points = points × amount ÷ per, reckoned exactly and rounded once.

    Args:
        points: for each ``per``.
        per: minor units.
        currency: ISO 4217; touchpoints in another one earn nothing here.
        basis: what was paid, tax included, or net of tax.
        shipping: whether shipping counts; its tax is not stated, so only with basis paid.
        tenders_except: what was paid with these earns nothing; the part is taken from all lines
            alike.

    """

    points: Rate
    per: Rate
    currency: Currency
    basis: Literal["paid", "net_of_tax"] = "paid"
    shipping: bool = False
    tenders_except: Annotated[tuple[TenderKind, ...], Meta(max_length=6)] = ("points",)


class PerQuantity(Written, frozen=True, kw_only=True, tag_field="kind", tag="per_quantity"):
    """Points for a quantity: of the lines counted, or of a whole number in a field.

    Args:
        points: for each ``per``.
        per: thousandths of a unit for lines (1000 is one piece); for a field as the field counts.
        field: of the touchpoint, such as duration_seconds; absent means the quantity of lines.

    """

    points: Rate
    per: Rate
    field: Code | None = None


class Fixed(Written, frozen=True, kw_only=True, tag_field="kind", tag="fixed"):
    """The same points each time. For a receipt: if a line that counts is left of it.

    Args:
        points: each time.

    """

    points: Rate


Earning = PerAmount | PerQuantity | Fixed
"""Every way of earning; written out, for exhaustive matching."""


class Cap(Written, frozen=True, kw_only=True):
    """The most points that a rule gives an account in a period of the business calendar.

    Args:
        period: one touchpoint, a day, a week from Monday, a month, a year, or ever.
        points: the most; what goes beyond is not given.

    """

    period: CapPeriod
    points: PointsAmount


class SharedCap(Written, frozen=True, kw_only=True):
    """The most points that several rules together give an account in a period.

    Args:
        code: unique among rules and shared caps.
        period: one touchpoint, a day, a week from Monday, a month, a year, or ever.
        points: the most; the rules draw on it in the order in which they are written.
        rules: codes of rules, all of one currency of points.

    """

    code: RuleCode
    period: CapPeriod
    points: PointsAmount
    rules: Annotated[tuple[RuleCode, ...], Meta(min_length=1, max_length=500)]


class EarnRule(Written, frozen=True, kw_only=True):
    """One rule: on which touchpoints, under which conditions, how many points, on which terms.

    Args:
        code: unique in the version; what it gives is known by it.
        touchpoints: types on which it fires, such as purchase_made.
        currency: code of the currency of points that it gives.
        earn: how many points.
        name: as people read it.
        lines: which lines of a receipt count.
        when: conditions, all of which must hold.
        rounding: of what is not a whole number of points.
        tiers: factor by tier held, in hundredths; 100 for tiers that are not named.
        caps: the most that it gives, by period; at most one for each period.
        group: of the rules of one group only one gives points: of those that would, the one with
            the least priority number.
        priority: within the group.
        pending_days: before the points may be spent; absent means as the currency says.
        expiry: absent means as the currency says.
        kind: of the points: earned with a sale, promotional, or paid for.
        issuer: legal entity that owes the points; absent means the programme's own.
        funder: partner who pays for the points; absent means nobody.

    """

    code: RuleCode
    touchpoints: Annotated[tuple[TypeCode, ...], Meta(min_length=1, max_length=100)]
    currency: RuleCode
    earn: Earning
    name: Label | None = None
    lines: LineFilter = LineFilter()
    when: Annotated[tuple[Condition, ...], Meta(max_length=50)] = ()
    rounding: Rounding = "down"
    tiers: dict[RuleCode, Hundredths] = msgspec.field(default_factory=dict)
    caps: Annotated[tuple[Cap, ...], Meta(max_length=6)] = ()
    group: RuleCode | None = None
    priority: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    pending_days: DayCount | None = None
    expiry: Expiry | None = None
    kind: LotKind = "earned"
    issuer: Code | None = None
    funder: Code | None = None
