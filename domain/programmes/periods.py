"""Periods of the business calendar by day number: months, and the names of cap periods."""

from __future__ import annotations

import calendar as gregorian
from datetime import date
from functools import lru_cache

from domain.instants import date_of, day_of

_MONTHS_A_YEAR = 12
_DAYS_CACHED_MAX = 4_096


def month_of(day: int) -> int:
    """Return the number of the calendar month of a day: 12 × year + month − 1."""
    when = date_of(day)
    return when.year * _MONTHS_A_YEAR + when.month - 1


def first_day(month: int) -> int:
    """Return the first day of a numbered month."""
    return day_of(date(month // _MONTHS_A_YEAR, month % _MONTHS_A_YEAR + 1, 1))


def last_day(month: int) -> int:
    """Return the last day of a numbered month."""
    return first_day(month + 1) - 1


def months_later(day: int, months: int) -> int:
    """Return the same day of the month, months later; the month's last day where it is shorter."""
    when = date_of(day)
    count = when.year * _MONTHS_A_YEAR + when.month - 1 + months
    year, month = count // _MONTHS_A_YEAR, count % _MONTHS_A_YEAR + 1
    return day_of(date(year, month, min(when.day, gregorian.monthrange(year, month)[1])))


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def cap_periods(day: int) -> dict[str, str]:
    """Return by cap period what its key ends with on a day, such as ``|month|2026-03``.

    A week is the ISO week, from Monday, and carries the ISO year. Under the key of a touchpoint
    nothing is remembered.
    """
    when = date_of(day)
    week = when.isocalendar()
    return {
        "touchpoint": "|touchpoint",
        "day": f"|day|{when.isoformat()}",
        "week": f"|week|{week.year:04}-W{week.week:02}",
        "month": f"|month|{when.year:04}-{when.month:02}",
        "year": f"|year|{when.year:04}",
        "ever": "|ever|",
    }
