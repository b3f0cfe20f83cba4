"""The rules by which the lifecycle is judged, effective-dated."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from functools import cached_property
from typing import Annotated

import msgspec
from msgspec import Meta

from domain.calendar import Calendar
from domain.instants import day_of

NonNegative = Annotated[int, Meta(ge=0)]

DAY_MAX = day_of(date.max)
NEVER = 2**62
_STARTS_CACHED_MAX = 200_000


class LifecycleRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the machine; integers only. Defaults as published in DOMAIN, section 4.

    Args:
        version: name of this set of rules, shown with every judgement.
        effective_from: first business day (days since 1970-01-01) that these rules judge.
        prior_weight: k0, the weight of the population's gap in a customer's own cadence.
        population_gap_days: G0, the population's median gap in days.
        loyal_days: n_loyal, purchase days from which a customer counts as consolidated.
        won_back_days: back_n, where the won-back counter starts.
        risk_tenths: u_risk in tenths of the own cadence.
        lapse_tenths: u_lapse in tenths of the own cadence.
        incident_severity: s, the least severity that puts a customer at risk.
        incident_hours: h, hours that such an incident may stay open.
        falling_window_days: w, 0 turns the rule off.
        falling_percent: f, the share of expected purchases below which they are falling.
        renewal_window_days: half-width of the renewal window around last + g; 0 turns it off.
        signal_days: life of a signal that does not state its own, fixed on the day it is seen.

    """

    version: str = "lifecycle-1"
    effective_from: int = -(2**31)
    prior_weight: NonNegative = 2
    population_gap_days: Annotated[int, Meta(ge=1)] = 27
    loyal_days: Annotated[int, Meta(ge=1)] = 4
    won_back_days: NonNegative = 2
    risk_tenths: Annotated[int, Meta(ge=1)] = 48
    lapse_tenths: Annotated[int, Meta(ge=1)] = 85
    incident_severity: Annotated[int, Meta(ge=1, le=4)] = 2
    incident_hours: NonNegative = 72
    falling_window_days: NonNegative = 0
    falling_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    renewal_window_days: NonNegative = 0
    signal_days: Annotated[int, Meta(ge=1)] = 90

    @property
    def falling_on(self) -> bool:
        """Say whether falling purchases are watched for."""
        return self.falling_window_days > 0 and self.falling_percent > 0

    @property
    def plain(self) -> bool:
        """Say whether both optional rules are off: falling purchases and the renewal window."""
        return not self.falling_on and self.renewal_window_days == 0


class Stretch(msgspec.Struct, frozen=True):
    """Days in a row that are judged by one set of rules.

    Args:
        rules: those in force.
        until: first day (days since 1970-01-01) that they no longer judge.
        prior_days: k0·G0, the population's part of a customer's own cadence.
        terms: the same for a loop over plain purchases, that is while falling purchases and the
            renewal window are off: (until, k0·G0, k0, u_risk, u_lapse, back_n, n_loyal). Where they
            are on, ``until`` reads ``-NEVER`` there.

    """

    rules: LifecycleRules
    until: int
    prior_days: int
    terms: tuple[int, int, int, int, int, int, int]


class Timetable:
    """A rulebook laid out over a calendar: what a fold asks for thousands of times.

    Args:
        calendar: business days.
        stretches: in the order of their days; the first one reaches back for ever.

    """

    def __init__(self, calendar: Calendar, stretches: tuple[Stretch, ...]) -> None:
        self.calendar = calendar
        self._stretches = stretches
        self._ends = [stretch.until for stretch in stretches[:-1]]
        self._starts: dict[int, int] = {}

    def stretch(self, day: int) -> Stretch:
        """Return the stretch in which a business day lies."""
        return self._stretches[bisect_right(self._ends, day) if self._ends else 0]

    def start(self, day: int) -> int:
        """Return the first instant of a business day, ``NEVER`` if it is past the year 9999."""
        start = self._starts.get(day)
        if start is None:
            start = self.calendar.start(day) if day <= DAY_MAX else NEVER
            if len(self._starts) < _STARTS_CACHED_MAX:
                self._starts[day] = start
        return start


class LifecycleRulebook(msgspec.Struct, frozen=True, dict=True):
    """All versions of the rules, sorted by the day from which they hold.

    Before the first one its rules hold too.
    """

    versions: tuple[LifecycleRules, ...] = (LifecycleRules(),)

    def on(self, day: int) -> LifecycleRules:
        """Return the rules that judge a business day (days since 1970-01-01)."""
        starts = [rules.effective_from for rules in self.versions]
        return self.versions[max(0, bisect_right(starts, day) - 1)]

    def timetable(self, calendar: Calendar) -> Timetable:
        """Return these rules laid out over a calendar; the same object for the same calendar."""
        found = self._timetables.get(calendar)
        if found is None:
            found = self._timetables[calendar] = Timetable(calendar, self._stretches())
        return found

    @cached_property
    def _timetables(self) -> dict[Calendar, Timetable]:
        return {}

    def _stretches(self) -> tuple[Stretch, ...]:
        ends = [rules.effective_from for rules in self.versions[1:]]
        return tuple(map(_stretch, self.versions, [*ends, NEVER]))


def _stretch(rules: LifecycleRules, until: int) -> Stretch:
    prior_days = rules.prior_weight * rules.population_gap_days
    terms = (
        until if rules.plain else -NEVER,
        prior_days,
        rules.prior_weight,
        rules.risk_tenths,
        rules.lapse_tenths,
        rules.won_back_days,
        rules.loyal_days,
    )
    return Stretch(rules, until, prior_days, terms)
