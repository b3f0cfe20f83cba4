"""What judging looks at, and what it answers."""

from __future__ import annotations

import msgspec

from domain.calendar import Calendar
from domain.fact import Fact
from domain.ledger.terms import Share
from domain.touchpoints.base import Touchpoint

_DAYS_A_WEEK = 7
_THURSDAY = 3  # 1970-01-01 was one


class Occasion(msgspec.Struct, gc=False):
    """A touchpoint as rules see it.

    Args:
        touchpoint: effective (corrections applied), less what was returned of it.
        occurred_at: microseconds since 1970.
        day: business day, days since 1970-01-01.
        weekday: of that day, 1 is Monday, 7 is Sunday.
        source: who stated it.

    """

    touchpoint: Touchpoint
    occurred_at: int
    day: int
    weekday: int
    source: str


class Award(msgspec.Struct, frozen=True, gc=False):
    """What an occasion earns in one currency of points.

    Args:
        currency: code of the currency of points.
        shares: one of each rule that gives points, in the order of the rules; at least one.

    """

    currency: str
    shares: tuple[Share, ...]


def weekday_of(day: int) -> int:
    """Return the day of the week of a day number: 1 is Monday, 7 is Sunday."""
    return (day + _THURSDAY) % _DAYS_A_WEEK + 1


def occasion_of(fact: Fact, calendar: Calendar) -> Occasion:
    """Return the occasion that a fact is, in the tenant's calendar."""
    day = calendar.day(fact.occurred_at)
    return Occasion(fact.touchpoint, fact.occurred_at, day, weekday_of(day), fact.source)
