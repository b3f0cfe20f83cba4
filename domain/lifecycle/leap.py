"""The short way over what is plain: no signal, no end, no optional rule, no incident that matters.

Most purchases of most parties are plain. Between two of them only silence can have moved the
party, and the second one ends that; so nothing needs to be weighed, and one loop replaces the
machine. An incident matters from the instant on at which it has been open too long: what happens
before that, incidents that open and end among it, is plain too. All this must leave the very tail
that the machine leaves: a property test holds it to that.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.lifecycle.inputs import RECORD, RECORD_BYTES, Kind
from domain.lifecycle.rules import NEVER, LifecycleRules, Timetable
from domain.lifecycle.stages import Stage, Timer
from domain.lifecycle.tail import Tail
from domain.lifecycle.timers import LAST_INSTANT
from domain.lifecycle.verdict import incident_due

WON_BACK, LOYALTY, DEVELOPMENT = Stage.WON_BACK, Stage.LOYALTY, Stage.DEVELOPMENT
PREVENTION, LAPSED = Stage.PREVENTION, Stage.LAPSED
NO_TIMER = Timer.NONE
QUIET_KINDS = frozenset({Kind.INCIDENT_OPENED, Kind.INCIDENT_REOPENED, Kind.INCIDENT_ENDED})
"""Kinds of events that move nobody at their own instant, see :func:`is_quiet`."""


def leap(tail: Tail, purchases: bytearray, seen: int, before: int, timetable: Timetable) -> int:  # noqa: C901 - one loop without calls: they would double its price
    """Apply purchases to a tail as long as they are plain.

    Args:
        tail: changed in place.
        purchases: packed records.
        seen: how many of them are applied already.
        before: instant at which to stop (exclusive).
        timetable: rules and business days.

    Returns:
        how many purchases were applied; the next one, if any, is for the machine.

    """
    if tail.signals or tail.ended or (tail.incidents and not tail.purchase_days):
        return 0
    day_of, applied = timetable.calendar.day, 0
    count, counter, stage = tail.purchase_days, tail.won_back_counter, tail.stage
    first_day, last_day, silent_since = tail.first_day, tail.last_day, tail.silent_since
    stretch = timetable.stretch(silent_since)
    until, prior, weight, risk, lapse, back, loyal = stretch.terms
    if tail.incidents:
        before = min(before, _alarm(tail, stretch.rules))
    for at, entry_id in RECORD.iter_unpack(memoryview(purchases)[seen * RECORD_BYTES :]):
        day = day_of(at)
        if count == 0:
            until, prior, weight, risk, lapse, back, loyal = timetable.stretch(day).terms
            first_day, last_day, silent_since = day, day - 1, day
        if at >= before or day >= until:
            break
        silent = lapsed = False
        if day > last_day:
            if count:
                intervals = 10 * (weight + count - 1)
                silence = (day - silent_since) * intervals
                days = prior + last_day - first_day
                lapsed = silence > lapse * days
                silent = lapsed or silence > risk * days
                if silent and at == timetable.start(day):  # a timer due just now is absorbed
                    silence -= intervals
                    silent = silence > lapse * days or silence > risk * days
            if lapsed:
                counter = back
            elif counter and day > tail.reopened_on:
                counter -= 1
            count += 1
            last_day = silent_since = day
            tail.silent_cause = entry_id
        reached = WON_BACK if counter else LOYALTY if count >= loyal else DEVELOPMENT
        if silent or reached is not stage:
            stage = reached
            tail.since, tail.cause, tail.timer = at, entry_id, NO_TIMER
        tail.at = at
        applied += 1
    if applied:
        tail.stage, tail.held, tail.won_back_counter = stage, 0, counter
        tail.purchase_days, tail.first_day, tail.last_day = count, first_day, last_day
        tail.silent_since = silent_since
    return applied


class Rest(NamedTuple):
    """Where silence alone has led a plain party by a horizon.

    Args:
        stage: of the party.
        since: when it came there (microseconds since 1970).
        at_risk: silence is over the risk.
        due: the next instant at which time alone changes anything; ``NEVER`` if none does.

    """

    stage: Stage
    since: int
    at_risk: bool
    due: int


def rest(tail: Tail, horizon: int, timetable: Timetable) -> Rest | None:
    """Return where a plain party stands at a horizon.

    Returns:
        None if the party is not plain, has bought nothing, was moved by time before its last
        input or is to be judged by other rules, or for an incident, before the horizon: ask the
        machine.

    """
    if not tail.purchase_days or tail.held or tail.signals or tail.ended:
        return None
    risk_at, lapse_at, other_at = _timers(tail, tail.silent_since, timetable)
    if other_at <= horizon or risk_at <= tail.at or lapse_at <= tail.at or other_at <= tail.at:
        return None
    if lapse_at <= horizon:
        risky = risk_at <= horizon
        return Rest(LAPSED, lapse_at, risky, other_at if risky else min(risk_at, other_at))
    if risk_at <= horizon:
        return Rest(PREVENTION, risk_at, at_risk=True, due=min(lapse_at, other_at))
    return Rest(tail.stage, tail.since, at_risk=False, due=min(risk_at, lapse_at, other_at))


def is_quiet(tail: Tail, at: int, timetable: Timetable) -> bool:
    """Say whether no timer of a plain party is due up to and including an instant.

    If so, an event of :data:`QUIET_KINDS` at that instant changes the incidents of the tail and
    nothing else: an incident that opens does not matter yet, one that ends did not matter so far.

    Args:
        tail: as its last input left it.
        at: later than that input.
        timetable: rules and business days.

    """
    if tail.since == -NEVER or tail.held or tail.signals or tail.ended:
        return False
    judged_on = tail.silent_since if tail.purchase_days else timetable.calendar.day(tail.at)
    return min(_timers(tail, judged_on, timetable)) > at


def _timers(tail: Tail, judged_on: int, timetable: Timetable) -> tuple[int, int, int]:
    """Return when silence is over the risk, when over the lapse, and when anything else is due.

    The last one is ``-NEVER`` where an optional rule is on.
    """
    stretch, start = timetable.stretch(judged_on), timetable.start
    until, prior, weight, risk, lapse, _, _ = stretch.terms
    if until == -NEVER:
        return NEVER, NEVER, -NEVER
    risk_at = lapse_at = NEVER
    other_at = start(until)
    count = tail.purchase_days
    if count and (intervals := 10 * (weight + count - 1)):
        days = prior + tail.last_day - tail.first_day
        risk_at = start(judged_on + risk * days // intervals + 1)
        lapse_at = start(judged_on + lapse * days // intervals + 1)
    if tail.incidents:
        other_at = min(other_at, _alarm(tail, stretch.rules))
    return risk_at, lapse_at, other_at


def _alarm(tail: Tail, rules: LifecycleRules) -> int:
    """Return from when on an open incident matters; ``NEVER`` if none will."""
    severe = rules.incident_severity
    dues = [incident_due(one, rules) for one in tail.incidents if one.severity >= severe]
    first = min(dues, default=NEVER)
    return first if first <= LAST_INSTANT else NEVER
