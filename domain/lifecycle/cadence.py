"""A customer's own cadence and the days that follow from it, in whole numbers.

g = (k0·G0 + S) / (k0 + n − 1) days is kept as numerator and denominator: ties must fall the same
way on every machine (DOMAIN, section 4).
"""

from __future__ import annotations

from domain.calendar import Calendar
from domain.lifecycle.inputs import Inputs
from domain.lifecycle.rules import NEVER, LifecycleRules, Stretch
from domain.lifecycle.tail import Tail


def cadence(tail: Tail, stretch: Stretch) -> tuple[int, int]:
    """Return g as (days, intervals); (0, 0) where it is not defined: n = 0, or k0 = 0 and n = 1."""
    intervals = stretch.rules.prior_weight + tail.purchase_days - 1
    if tail.purchase_days == 0 or intervals == 0:
        return 0, 0
    return stretch.prior_days + tail.last_day - tail.first_day, intervals


def days_until_over(tenths: int, days: int, intervals: int) -> int:
    """Return the least silence d, in days, with 10·d·intervals > tenths·days."""
    return tenths * days // (10 * intervals) + 1


def expected_day(last_day: int, days: int, intervals: int) -> int:
    """Return the day last + g, rounded half up (days since 1970-01-01)."""
    return last_day + (2 * days + intervals) // (2 * intervals)


def renewal_window(last_day: int, days: int, intervals: int, half_width: int) -> tuple[int, int]:
    """Return the first and the last day whose distance from last + g is at most ``half_width``."""
    earliest = last_day - (-days // intervals) - half_width
    return earliest, last_day + days // intervals + half_width


def falling_day(tail: Tail, stretch: Stretch, inputs: Inputs, seen: int, calendar: Calendar) -> int:
    """Return the first day on which purchases count as falling if no other follows.

    They fall when the purchase days of the last w days are fewer than f % of w / g, judged of a
    customer who was there for w days since the first purchase or the last reopening.

    Args:
        tail: the party.
        stretch: the rules in force.
        inputs: those of the party.
        seen: how many records of its purchases are judged.
        calendar: business days.

    Returns:
        days since 1970-01-01; ``NEVER`` if that day does not come.

    """
    days, intervals = cadence(tail, stretch)
    if intervals == 0:
        return NEVER
    window = stretch.rules.falling_window_days
    too_few = _too_few(stretch.rules, days, intervals)
    if too_few < 0:
        return NEVER
    observed = max(tail.first_day, tail.reopened_on) + window
    if too_few >= tail.purchase_days:
        return observed
    return max(observed, _day_from_end(inputs, seen, too_few, calendar) + window)


def _too_few(rules: LifecycleRules, days: int, intervals: int) -> int:
    """Return the greatest count with 100·count·days < f·w·intervals; -1 if there is none."""
    return (rules.falling_percent * rules.falling_window_days * intervals - 1) // (100 * days)


def _day_from_end(inputs: Inputs, seen: int, rank: int, calendar: Calendar) -> int:
    """Return the purchase day with a rank from the end; 0 is the last one."""
    found: list[int] = []
    for index in range(seen - 1, -1, -1):
        day = calendar.day(inputs.purchase_at(index))
        if not found or day < found[-1]:
            found.append(day)
        if len(found) > rank:
            break
    return found[-1]
