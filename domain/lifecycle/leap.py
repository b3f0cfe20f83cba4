"""The short way over plain purchases: no signal, no incident, no end, no optional rule.

Most purchases of most parties are plain. Between two of them only silence can have moved the
party, and the second one ends that; so nothing needs to be weighed, and one loop replaces the
machine. It must leave the very tail that the machine leaves: a property test holds it to that.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.lifecycle.inputs import RECORD, RECORD_BYTES
from domain.lifecycle.rules import NEVER, Timetable
from domain.lifecycle.stages import Stage, Timer
from domain.lifecycle.tail import Tail

WON_BACK, LOYALTY, DEVELOPMENT = Stage.WON_BACK, Stage.LOYALTY, Stage.DEVELOPMENT
NO_TIMER = Timer.NONE


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
    if tail.signals or tail.incidents or tail.ended:
        return 0
    day_of, applied = timetable.calendar.day, 0
    count, counter, stage = tail.purchase_days, tail.won_back_counter, tail.stage
    first_day, last_day, silent_since = tail.first_day, tail.last_day, tail.silent_since
    until, prior, weight, risk, lapse, back, loyal = timetable.stretch(silent_since).terms
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
        input or is to be judged by other rules before the horizon: ask the machine.

    """
    count = tail.purchase_days
    if not count or tail.held or tail.signals or tail.incidents or tail.ended:
        return None
    until, prior, weight, risk, lapse, _, _ = timetable.stretch(tail.silent_since).terms
    if until == -NEVER:
        return None
    rules_at = risk_at = lapse_at = timetable.start(until)
    if intervals := 10 * (weight + count - 1):
        days = prior + tail.last_day - tail.first_day
        risk_at = timetable.start(tail.silent_since + risk * days // intervals + 1)
        lapse_at = timetable.start(tail.silent_since + lapse * days // intervals + 1)
    if rules_at <= horizon or min(risk_at, lapse_at, rules_at) <= tail.at:
        return None
    if lapse_at <= horizon:
        risky = risk_at <= horizon
        return Rest(Stage.LAPSED, lapse_at, risky, rules_at if risky else min(risk_at, rules_at))
    if risk_at <= horizon:
        return Rest(Stage.PREVENTION, risk_at, at_risk=True, due=min(lapse_at, rules_at))
    return Rest(tail.stage, tail.since, at_risk=False, due=min(risk_at, lapse_at, rules_at))
