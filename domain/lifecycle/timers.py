"""Timers: the instants at which time alone changes what is true of a party."""

from __future__ import annotations

from typing import NamedTuple

from domain.instants import DAY
from domain.lifecycle.cadence import cadence, days_until_over, falling_day, renewal_window
from domain.lifecycle.inputs import Inputs
from domain.lifecycle.rules import DAY_MAX, NEVER, Timetable
from domain.lifecycle.stages import Stage, Timer
from domain.lifecycle.tail import Tail
from domain.lifecycle.verdict import Moment, incident_due

LAST_INSTANT = DAY_MAX * DAY
_LABELS: dict[Stage, tuple[Timer, ...]] = {
    Stage.LAPSED: (Timer.SILENCE_LAPSE,),
    Stage.PREVENTION: (Timer.SILENCE_RISK, Timer.INCIDENT, Timer.FALLING),
    Stage.RENEWAL: (Timer.RENEWAL_OPENS, Timer.SIGNAL),
}


class Due(NamedTuple):
    """A timer.

    Args:
        at: the first instant of what it brings (microseconds since 1970).
        day: the business day from which that is judged.
        timer: which one.
        cause: entry id of the touchpoint that set it; empty where none did.

    """

    at: int
    day: int
    timer: Timer
    cause: bytes


def next_due(tail: Tail, after: Moment, inputs: Inputs, timetable: Timetable) -> list[Due]:
    """Return the earliest timers later than a moment: all of one instant; none if none is set.

    Whatever is returned changes a reason, so that a document shown before it may be kept until
    then.
    """
    if tail.ended:
        return []
    dues = _instants(tail, after, timetable)
    days = [(after.stretch.until, Timer.RULES, b"")]
    if tail.purchase_days:
        days += _purchase_days(tail, after, inputs, timetable)
    for day, timer, cause in days:
        if day > after.day:
            dues.append(Due(timetable.start(day), day, timer, cause))
    later = [due for due in dues if after.at < due.at < NEVER]
    earliest = min((due.at for due in later), default=NEVER)
    return [due for due in later if due.at == earliest]


def decisive(dues: list[Due], stage: Stage) -> Due:
    """Return which of several timers of one instant brought a stage."""
    for label in _LABELS.get(stage, (Timer.RENEWAL_PASSES,)):
        for due in dues:
            if due.timer is label:
                return due
    return dues[0]


def _instants(tail: Tail, after: Moment, timetable: Timetable) -> list[Due]:
    rules = after.stretch.rules
    found = [(signal.ends, Timer.SIGNAL, signal.entry_id) for signal in tail.signals]
    found += [
        (incident_due(incident, rules), Timer.INCIDENT, incident.entry_id)
        for incident in tail.incidents
        if incident.severity >= rules.incident_severity
    ]
    return [
        Due(at, timetable.calendar.day(at), timer, cause)
        for at, timer, cause in found
        if after.at < at <= LAST_INSTANT
    ]


def _purchase_days(
    tail: Tail, after: Moment, inputs: Inputs, timetable: Timetable
) -> list[tuple[int, Timer, bytes]]:
    """Return the days on which timers that a purchase set are due, past or to come."""
    days, intervals = cadence(tail, after.stretch)
    if intervals == 0:
        return []
    rules, since, cause = after.stretch.rules, tail.silent_since, tail.silent_cause
    found = [
        (since + days_until_over(rules.risk_tenths, days, intervals), Timer.SILENCE_RISK, cause),
        (since + days_until_over(rules.lapse_tenths, days, intervals), Timer.SILENCE_LAPSE, cause),
    ]
    if rules.renewal_window_days:
        opens, closes = renewal_window(tail.last_day, days, intervals, rules.renewal_window_days)
        found.append((opens, Timer.RENEWAL_OPENS, cause))
        found.append((closes + 1, Timer.RENEWAL_PASSES, cause))
    if rules.falling_on:
        falls = falling_day(tail, after.stretch, inputs, after.seen, timetable.calendar)
        found.append((falls, Timer.FALLING, cause))
    return found
