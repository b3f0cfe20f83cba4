"""Tiers as they are written: what is measured, over which period, and how long a tier holds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from domain.programmes.kinds import MonthCount, PointsAmount, RuleCode, Written
from domain.programmes.lifetimes import Until
from domain.touchpoints.base import Label


class CalendarYear(Written, frozen=True, kw_only=True, tag_field="kind", tag="calendar_year"):
    """Points count from 1 January to 31 December of the business zone."""


class RollingMonths(Written, frozen=True, kw_only=True, tag_field="kind", tag="rolling_months"):
    """Points of the running calendar month and of the months before it count.

    Args:
        months: how many in all, the running one included.

    """

    months: MonthCount


class MembershipYear(Written, frozen=True, kw_only=True, tag_field="kind", tag="membership_year"):
    """Points count from one anniversary of the account's opening to the next."""


Period = CalendarYear | RollingMonths | MembershipYear
"""Every qualification period; written out, for exhaustive matching."""


class BalanceMeasure(Written, frozen=True, kw_only=True, tag_field="kind", tag="balance"):
    """A tier is earned by the points available.

    Args:
        currency: code of a currency of points of this version.

    """

    currency: RuleCode


class PeriodMeasure(Written, frozen=True, kw_only=True, tag_field="kind", tag="points_in_period"):
    """A tier is earned by the points that came in during a period, less those clawed back.

    Args:
        currency: code of a currency of points of this version.
        period: over which they are counted, by value date.

    """

    currency: RuleCode
    period: Period


class HoldsForMonths(Written, frozen=True, kw_only=True, tag_field="kind", tag="months"):
    """A tier holds a number of months from the day on which it was earned.

    Args:
        months: where the month is shorter, its last day.
        until: to the end of that day, or of its month.

    """

    months: MonthCount
    until: Until = "day"


class HoldsToNextPeriodEnd(
    Written, frozen=True, kw_only=True, tag_field="kind", tag="end_of_next_period"
):
    """A tier holds to the end of the period that follows the one in which it was earned."""


class Level(Written, frozen=True, kw_only=True):
    """One tier.

    Args:
        code: of the tier.
        threshold: points from which it is earned.
        name: as customers see it.

    """

    code: RuleCode
    threshold: PointsAmount
    name: Label | None = None


class TierRules(Written, frozen=True, kw_only=True):
    """The tiers of a programme. Upgrades come at once, downgrades when a tier ends.

    Args:
        measure: by what a tier is earned.
        levels: from the lowest to the highest; below the first there is no tier.
        validity: how long a tier holds.
        downgrade: what follows a tier that was not earned again: the tier that the points of its
            last day earn, at worst the next lower one, or the same tier for ever.
        extension: whether earning a tier again while it holds moves its end at once, or only a
            look at its last day does.

    """

    measure: BalanceMeasure | PeriodMeasure
    levels: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=20)]
    validity: HoldsForMonths | HoldsToNextPeriodEnd
    downgrade: Literal["to_earned", "one_level", "never"] = "to_earned"
    extension: Literal["at_once", "at_end"] = "at_once"
