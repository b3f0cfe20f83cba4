"""The business calendar of a tenant: which day an instant falls on (ruling 11)."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, time
from zoneinfo import ZoneInfo

import msgspec

from domain.instants import DAY, MICROSECOND, SECOND, date_of, day_of, instant_of, moment_of

# All instants of a quarter of an hour fall on one business day, but for a few in which a clock or a
# zone was changed (in Newfoundland at 00:01, until 2011); those are not remembered.
_QUARTER = 15 * 60 * SECOND
_CACHE_QUARTERS_MAX = 200_000


class ZonePeriod(msgspec.Struct, frozen=True):
    """From this instant on (microseconds since 1970), the business reckons in this zone."""

    effective_from: int
    zone: str


class Calendar:
    """Reckon business days in a tenant's zone, effective-dated.

    Args:
        periods: the zones in force, in any order; before the first one its zone holds too.

    """

    def __init__(self, periods: tuple[ZonePeriod, ...]) -> None:
        ordered = sorted(periods, key=lambda period: period.effective_from)
        self.periods = tuple(ordered)
        self._starts = [period.effective_from for period in ordered]
        self._zones = [ZoneInfo(period.zone) for period in ordered]
        self._days: dict[int, int] = {}

    @classmethod
    def in_zone(cls, zone: str) -> Calendar:
        """Return a calendar that has always reckoned in one zone, such as ``Europe/London``."""
        return cls((ZonePeriod(effective_from=-(2**62), zone=zone),))

    def zone_at(self, instant: int) -> ZoneInfo:
        """Return the zone in force at an instant."""
        return self._zones[max(0, bisect_right(self._starts, instant) - 1)]

    def day(self, instant: int) -> int:
        """Return the business day (days since 1970-01-01) on which an instant falls."""
        quarter = instant // _QUARTER
        day = self._days.get(quarter)
        if day is None:
            day = self._reckon(instant)
            first, last = quarter * _QUARTER, (quarter + 1) * _QUARTER - MICROSECOND
            whole = self._reckon(first) == self._reckon(last)
            if whole and len(self._days) < _CACHE_QUARTERS_MAX:
                self._days[quarter] = day
        return day

    def start(self, day: int) -> int:
        """Return the first instant of a business day."""
        midnight = datetime.combine(date_of(day), time())
        zone = self._zones[0]
        for _ in self._zones:
            guess = instant_of(midnight.replace(tzinfo=zone))
            if self.zone_at(guess) is zone:
                return guess
            zone = self.zone_at(guess)
        return self._search(day, instant_of(midnight.replace(tzinfo=zone)))

    def _search(self, day: int, near: int) -> int:
        """Find the start of a day whose midnight no zone in force has: the zone changed over it."""
        low, high = near - 2 * DAY, near + 2 * DAY
        while low + MICROSECOND < high:
            middle = (low + high) // 2
            if self._reckon(middle) < day:
                low = middle
            else:
                high = middle
        return high

    def end(self, day: int) -> int:
        """Return the last instant of a business day: one microsecond before the next begins."""
        return self.start(day + 1) - MICROSECOND

    def _reckon(self, instant: int) -> int:
        local = moment_of(instant).astimezone(self.zone_at(instant))
        return day_of(local.date())


UTC_CALENDAR = Calendar.in_zone("UTC")
