"""When people buy and write: the year, the week, and the hours of shop, web and office."""

from __future__ import annotations

from datetime import date
from itertools import accumulate
from random import Random

_MONTHS = (0.85, 0.82, 0.92, 1.00, 1.05, 1.02, 0.95, 0.70, 0.95, 1.02, 1.30, 1.65)
_WEEKDAYS = (0.80, 0.82, 0.90, 1.00, 1.25, 1.45, 0.55)
_HIGHEST = max(_MONTHS) * max(_WEEKDAYS)
_HOURS = tuple(range(24))
_HOUR_SECONDS = 3_600

Hours = tuple[float, ...]


def _hours(first: int, weights: tuple[float, ...]) -> Hours:
    late = 24 - first - len(weights)
    return tuple(accumulate((0.0,) * first + weights + (0.0,) * late))


SHOP_HOURS = _hours(9, (2, 5, 7, 7, 5, 2, 2, 4, 7, 9, 8, 4))
WEB_HOURS = _hours(
    0, (2, 1, 0.5, 0.3, 0.3, 0.5, 1, 2, 4, 5, 5, 5, 5, 6, 6, 5, 5, 5, 6, 8, 9, 10, 8, 4)
)
OFFICE_HOURS = _hours(8, (3, 7, 9, 9, 7, 4, 5, 8, 8, 5, 2))


def appetite(day: date) -> float:
    """Return how likely people are to buy on a day, as a share of the likeliest day of all."""
    return _MONTHS[day.month - 1] * _WEEKDAYS[day.weekday()] / _HIGHEST


def second_of_day(hours: Hours, random: Random) -> int:
    """Return a second after midnight, drawn from a profile of hours."""
    hour = random.choices(_HOURS, cum_weights=hours)[0]
    return hour * _HOUR_SECONDS + int(random.random() * _HOUR_SECONDS)
