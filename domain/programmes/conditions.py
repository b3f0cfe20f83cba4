"""Conditions of earn rules: all of a rule's conditions must hold for it to fire."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from domain.money import Amount, Currency
from domain.programmes.kinds import RuleCode, Written
from domain.touchpoints.base import Channel, Code

_VALUES_MAX = 10_000
_VALUES = Meta(max_length=_VALUES_MAX)
_DAYS_OF_WEEK = Meta(min_length=1, max_length=7)

Codes = Annotated[tuple[Code, ...], _VALUES]
Channels = Annotated[tuple[Channel, ...], _VALUES]
DayOfWeek = Annotated[int, Meta(ge=1, le=7, description="1 is Monday, 7 is Sunday.")]
FieldValue = bool | int | Annotated[str, Meta(max_length=200)]


class OnWeekdays(Written, frozen=True, kw_only=True, tag_field="kind", tag="weekday"):
    """The touchpoint happened on one of these days of the week, in the business zone.

    Args:
        days: 1 is Monday, 7 is Sunday.

    """

    days: Annotated[tuple[DayOfWeek, ...], _DAYS_OF_WEEK]


class BetweenDays(Written, frozen=True, kw_only=True, tag_field="kind", tag="days_between"):
    """The touchpoint happened on a business day from the first to the last, both included.

    Args:
        first: absent means since ever.
        last: absent means for ever.

    """

    first: date | None = None
    last: date | None = None


class ByChannel(Written, frozen=True, kw_only=True, tag_field="kind", tag="channel"):
    """The touchpoint took place in one of these channels, or in none of those.

    Args:
        any_of: empty means any, even none stated.
        none_of: a touchpoint that states no channel is in none of them.

    """

    any_of: Channels = ()
    none_of: Channels = ()


class ByLocation(Written, frozen=True, kw_only=True, tag_field="kind", tag="location"):
    """The location or the store of the touchpoint is one of these, or neither is one of those.

    Args:
        any_of: empty means any, even none stated.
        none_of: a touchpoint that states neither is in none of them.

    """

    any_of: Codes = ()
    none_of: Codes = ()


class ByAgent(Written, frozen=True, kw_only=True, tag_field="kind", tag="agent"):
    """The agent of the touchpoint is one of these, or none of those.

    Args:
        any_of: empty means any, even none stated.
        none_of: a touchpoint that states no agent is none of them.

    """

    any_of: Codes = ()
    none_of: Codes = ()


class ByOffer(Written, frozen=True, kw_only=True, tag_field="kind", tag="offer"):
    """The offer (brand or line) of the touchpoint is one of these, or none of those.

    Args:
        any_of: empty means any, even none stated.
        none_of: a touchpoint that states no offer is none of them.

    """

    any_of: Codes = ()
    none_of: Codes = ()


class BySource(Written, frozen=True, kw_only=True, tag_field="kind", tag="source"):
    """The touchpoint was stated by one of these sources, or by none of those.

    Args:
        any_of: empty means any.
        none_of: sources that do not count.

    """

    any_of: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], _VALUES] = ()
    none_of: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], _VALUES] = ()


class AmountAtLeast(Written, frozen=True, kw_only=True, tag_field="kind", tag="amount_at_least"):
    """What was paid, tax included, for the lines that the rule counts reaches an amount.

    Shipping does not count, nor the part that was paid with the tenders that the rule leaves out
    (points, where it does not say).

    Args:
        currency: ISO 4217; a touchpoint in another one does not hold.
        amount: minor units.

    """

    currency: Currency
    amount: Amount


class FieldIs(Written, frozen=True, kw_only=True, tag_field="kind", tag="field_is"):
    """A field of the touchpoint has one of these values. Fields that identify a person are closed.

    Args:
        field: as the touchpoint's schema names it.
        any_of: of the field's own type.

    """

    field: Code
    any_of: Annotated[tuple[FieldValue, ...], Meta(min_length=1, max_length=_VALUES_MAX)]


class FieldAtLeast(Written, frozen=True, kw_only=True, tag_field="kind", tag="field_at_least"):
    """A whole number in a field of the touchpoint reaches a value; absent never does.

    Args:
        field: as the touchpoint's schema names it.
        least: the least value that holds.

    """

    field: Code
    least: Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)]


class TierAtLeast(Written, frozen=True, kw_only=True, tag_field="kind", tag="tier_at_least"):
    """The account held this tier, or a higher one, when the touchpoint happened.

    Args:
        tier: code of a level of this version.

    """

    tier: RuleCode


class FirstPurchase(Written, frozen=True, kw_only=True, tag_field="kind", tag="first"):
    """The touchpoint is the account's first purchase."""


Condition = (
    OnWeekdays
    | BetweenDays
    | ByChannel
    | ByLocation
    | ByAgent
    | ByOffer
    | BySource
    | AmountAtLeast
    | FieldIs
    | FieldAtLeast
    | TierAtLeast
    | FirstPurchase
)
"""Every condition; written out, for exhaustive matching."""

ListCondition = ByChannel | ByLocation | ByAgent | ByOffer | BySource
"""Conditions that list what is in and what is not."""
