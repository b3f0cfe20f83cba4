"""Tiers: which one holds, until when, and why. Upgrades come at once, downgrades when a tier ends.

A tier is earned by the points of a window of business days that ends on the day in question. When
its end comes, its last day decides: earned again, it is kept; else the version says what follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal, assert_never

import msgspec

from domain.calendar import Calendar
from domain.errors import VinculoError
from domain.instants import date_of, day_of
from domain.ledger.terms import NEVER
from domain.programmes.compiling import CompiledVersion
from domain.programmes.expiring import after_months
from domain.programmes.periods import first_day, month_of, months_later
from domain.programmes.tier_rules import (
    BalanceMeasure,
    CalendarYear,
    HoldsForMonths,
    HoldsToNextPeriodEnd,
    Level,
    MembershipYear,
    PeriodMeasure,
    RollingMonths,
    TierRules,
)

_MONTHS_A_YEAR = 12

TierReason = Literal["reached", "kept", "downgraded", "rules"]
"""Earned at once; earned again or left by the rules; not earned again; not a tier of the rules."""


class Qualification(msgspec.Struct, frozen=True):
    """What an account has to show for a tier, in the currency that is measured.

    Args:
        days: by business day the points that came in, less what was clawed back of them, by the
            day of the touchpoint that had earned them.
        balance: points available; read only where the balance is measured.
        opened_day: business day on which the account was opened.

    """

    days: Mapping[int, int]
    balance: int = 0
    opened_day: int = 0


class TierStep(msgspec.Struct, frozen=True):
    """A tier began, was extended, or ended.

    Args:
        at: from this instant on.
        tier: its code, empty for none.
        was: the tier before.
        until: from this instant on it is judged anew, NEVER if it holds for ever.
        points: that qualified.
        reason: as TierReason says.
        sentence: the same for people.

    """

    at: int
    tier: str
    was: str
    until: int
    points: int
    reason: TierReason
    sentence: str


class TierVerdict(msgspec.Struct, frozen=True):
    """Which tier holds at an instant.

    Args:
        tier: its code, empty for none.
        until: the next change that time alone brings, NEVER if there is none.
        points: that qualify now.
        steps: how it came to this from the tier that was held, in order of time.
        next_tier: the next higher one, empty if there is none.
        missing: points to it.

    """

    tier: str
    until: int
    points: int
    steps: tuple[TierStep, ...]
    next_tier: str
    missing: int


def judge_tier(
    version: CompiledVersion, tier: str, until: int, qualification: Qualification, at: int
) -> TierVerdict:
    """Return which tier holds at an instant.

    A balance is known as it is now only: where it is measured, ends that are past are judged by
    it, so the account must be asked when its timer is due, as whatever is asked of it does.

    Args:
        version: in force at the instant.
        tier: held so far, empty for none.
        until: its end, NEVER if it has none.
        qualification: what the account has to show.
        at: the instant, not before ``tier`` began.

    """
    rules = version.written.tiers
    if rules is None:
        steps = (_gone(tier, at, 0),) if tier else ()
        return TierVerdict("", NEVER, 0, steps, "", 0)
    ladder = _Ladder(rules, version.ranks, version.calendar, qualification)
    steps_made = ladder.ends(tier, until, at)
    if steps_made:
        tier, until = steps_made[-1].tier, steps_made[-1].until
    last = ladder.now(tier, until, at)
    if last is not None:
        steps_made.append(last)
        tier, until = last.tier, last.until
    points = ladder.points(version.calendar.day(at))
    following = ladder.following(tier)
    return TierVerdict(
        tier=tier,
        until=until,
        points=points,
        steps=tuple(steps_made),
        next_tier=following.code if following else "",
        missing=max(0, following.threshold - points) if following else 0,
    )


class _Ladder:
    """The levels of a version, and where an account stands on them."""

    def __init__(
        self,
        rules: TierRules,
        ranks: Mapping[str, int],
        calendar: Calendar,
        qualification: Qualification,
    ) -> None:
        self._rules = rules
        self._ranks = ranks
        self._calendar = calendar
        self._qualification = qualification
        self._counted: dict[int, int] = {}

    def points(self, day: int) -> int:
        """Return the points that qualify on a day."""
        counted = self._counted.get(day)
        if counted is None:
            counted = self._counted[day] = self._count(day)
        return counted

    def _count(self, day: int) -> int:
        shown = self._qualification
        if isinstance(self._rules.measure, BalanceMeasure):
            return shown.balance
        first = _window_start(self._rules.measure, day, shown.opened_day)
        return sum(points for when, points in shown.days.items() if first <= when <= day)

    def following(self, tier: str) -> Level | None:
        """Return the next higher level, None if there is none."""
        rank = self._ranks.get(tier, 0)
        return self._rules.levels[rank] if rank < len(self._rules.levels) else None

    def ends(self, tier: str, until: int, at: int) -> list[TierStep]:
        """Return what came of every end of a tier up to and at an instant."""
        steps: list[TierStep] = []
        while self._ranks.get(tier) and until <= at:
            step = self._end(tier, until)
            steps.append(step)
            tier, until = step.tier, step.until
        return steps

    def now(self, tier: str, until: int, at: int) -> TierStep | None:
        """Return the step that points bring at an instant, None if there is none."""
        day = self._calendar.day(at)
        points = self.points(day)
        earned, held = self._earned(points), self._ranks.get(tier, 0)
        if tier and not held:
            new = self._code(earned)
            return _gone(tier, at, points, new, self._until(day) if earned else NEVER)
        if earned > held:
            return _step(at, self._code(earned), tier, self._until(day), points, "reached")
        extends = self._rules.extension == "at_once" and 0 < held == earned
        if extends and self._until(day) > until:
            return _step(at, tier, tier, self._until(day), points, "kept")
        return None

    def _end(self, tier: str, due: int) -> TierStep:
        last = self._calendar.day(due - 1)
        points = self.points(last)
        earned, held = self._earned(points), self._ranks[tier]
        if earned >= held:
            reason: TierReason = "reached" if earned > held else "kept"
            return _step(due, self._code(earned), tier, self._until(last), points, reason)
        if self._rules.downgrade == "never":
            return _step(due, tier, tier, NEVER, points, "kept")
        least = held - 1 if self._rules.downgrade == "one_level" else 0
        new = max(earned, least)
        until = self._until(last) if new else NEVER
        return _step(due, self._code(new), tier, until, points, "downgraded")

    def _earned(self, points: int) -> int:
        """Return the rank that points earn, 0 for none."""
        return sum(1 for level in self._rules.levels if level.threshold <= points)

    def _code(self, rank: int) -> str:
        return self._rules.levels[rank - 1].code if rank else ""

    def _until(self, day: int) -> int:
        """Return the end of a tier that is earned on a day."""
        match self._rules.validity:
            case HoldsForMonths(months=months, until=until):
                return self._calendar.start(after_months(day, months, until) + 1)
            case HoldsToNextPeriodEnd():
                return self._calendar.start(self._period_start(day, ahead=2))
            case _:
                assert_never(self._rules.validity)

    def _period_start(self, day: int, ahead: int) -> int:
        """Return the first day of a period, counted from the one in which a day lies."""
        measure = self._rules.measure
        if isinstance(measure, PeriodMeasure) and isinstance(measure.period, MembershipYear):
            opened = self._qualification.opened_day
            return _anniversary(opened, _membership_year(day, opened) + ahead)
        if isinstance(measure, PeriodMeasure) and isinstance(measure.period, CalendarYear):
            return day_of(date(date_of(day).year + ahead, 1, 1))
        message = (
            f"tiers: expected a period that ends, found {type(measure).__name__}; give the tiers "
            "a validity in months"
        )
        raise VinculoError(message)


def _window_start(measure: PeriodMeasure, day: int, opened: int) -> int:
    """Return the first day whose points count on a day."""
    match measure.period:
        case CalendarYear():
            return day_of(date(date_of(day).year, 1, 1))
        case RollingMonths(months=months):
            return first_day(month_of(day) - months + 1)
        case MembershipYear():
            return _anniversary(opened, _membership_year(day, opened))
        case _:
            assert_never(measure.period)


def _anniversary(opened: int, years: int) -> int:
    return months_later(opened, _MONTHS_A_YEAR * years)


def _membership_year(day: int, opened: int) -> int:
    """Return how many years a membership is old on a day; 0 in its first."""
    years = date_of(day).year - date_of(opened).year
    return years if _anniversary(opened, years) <= day else years - 1


def _step(at: int, tier: str, was: str, until: int, points: int, reason: TierReason) -> TierStep:
    words = {
        "reached": f"{points} points reach {tier}",
        "kept": f"{points} points: {tier} is kept",
        "downgraded": f"{points} points no longer reach {was}: {tier or 'no tier'} follows",
        "rules": f"the rules know no tier {was}: {points} points earn {tier or 'no tier'}",
    }
    return TierStep(at, tier, was, until, points, reason, words[reason])


def _gone(was: str, at: int, points: int, tier: str = "", until: int = NEVER) -> TierStep:
    """Return the step of a tier that the version in force does not have."""
    return _step(at, tier, was, until, points, "rules")
