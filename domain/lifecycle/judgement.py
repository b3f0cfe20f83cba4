"""How a party stands at an instant, and how it came there."""

from __future__ import annotations

from copy import copy

import msgspec

from domain.calendar import Calendar
from domain.lifecycle.cadence import cadence, expected_day
from domain.lifecycle.inputs import Inputs, purchase_count
from domain.lifecycle.machine import Transition, Walk, refold, run
from domain.lifecycle.quiet import Quiet, quiet
from domain.lifecycle.rules import NEVER, LifecycleRulebook, Timetable
from domain.lifecycle.stages import Stage, Timer
from domain.lifecycle.tail import Tail
from domain.lifecycle.verdict import Moment, weigh


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """A party's lifecycle at a horizon.

    Args:
        stage: where it stands.
        since: instant at which it came there (microseconds since 1970).
        cause: entry id of the touchpoint that moved it there, or that set the timer that did.
        timer: the timer that moved it there, if one did.
        reasons: all that is true, in the order of the rules.
        at_risk: a risk is among the reasons, whatever the stage.
        renewal_due_on: day around which the rules set a renewal window, None without one.
        cadence_days: numerator of g, k0·G0 + S; 0 where g is not defined.
        cadence_intervals: denominator of g, k0 + n − 1; 0 where g is not defined.
        expected_next_purchase_on: last + g rounded half up, as a day since 1970-01-01; None before
            the first purchase and after the end.
        won_back_counter: purchase days that still count as won back.
        next_due: next instant at which time alone changes anything here but itself, or None.
        rules: version of the rules in force; after the end those of the last input.
        transitions: every change of stage; empty where they were not asked for.

    """

    stage: Stage
    since: int
    cause: bytes
    timer: Timer
    reasons: tuple[str, ...]
    at_risk: bool
    renewal_due_on: int | None
    cadence_days: int
    cadence_intervals: int
    expected_next_purchase_on: int | None
    won_back_counter: int
    next_due: int | None
    rules: str
    transitions: tuple[Transition, ...] = ()


def judge(inputs: Inputs, timetable: Timetable, horizon: int) -> Judgement | None:
    """Judge a party from its inputs alone, with every transition.

    Args:
        inputs: the party's. All of them count, even those later than the horizon.
        timetable: rules and business days.
        horizon: timers are run up to and including it (microseconds since 1970).

    Returns:
        None if nothing is known of the party.

    """
    if inputs.first_at == NEVER:
        return None
    transitions: list[Transition] = []
    tail = refold(inputs, timetable, transitions)
    walk = Walk(inputs, timetable, purchase_count(inputs.purchases), transitions)
    return _run(tail, horizon, walk)


def stand(inputs: Inputs, tail: Tail, timetable: Timetable, horizon: int) -> Judgement:
    """Return how a party stands at a horizon, from its tail, without the transitions."""
    found = quiet(tail, horizon, timetable)
    if found is not None:
        return _describe_quiet(tail, found)
    return _run(copy(tail), horizon, Walk(inputs, timetable, purchase_count(inputs.purchases)))


def history(
    inputs: Inputs, rules: LifecycleRulebook, calendar: Calendar, horizon: int
) -> tuple[Transition, ...]:
    """Return every change of stage up to a horizon, in the order of time."""
    judgement = judge(inputs, rules.timetable(calendar), horizon)
    return judgement.transitions if judgement else ()


def _run(tail: Tail, horizon: int, walk: Walk) -> Judgement:
    """Run a tail that is ours to change up to the horizon, and describe it."""
    moment, dues = run(tail, horizon, walk)
    return _describe(tail, moment, dues[0].at if dues else NEVER, walk)


def _describe_quiet(tail: Tail, found: Quiet) -> Judgement:
    stretch = found.stretch
    days, intervals = cadence(tail, stretch)
    return Judgement(
        stage=found.stage,
        since=found.since,
        cause=found.cause,
        timer=found.timer,
        reasons=found.reasons,
        at_risk=found.at_risk,
        renewal_due_on=None,
        cadence_days=days,
        cadence_intervals=intervals,
        expected_next_purchase_on=expected_day(tail.last_day, days, intervals)
        if intervals
        else None,
        won_back_counter=tail.won_back_counter,
        next_due=found.due if found.due < NEVER else None,
        rules=stretch.rules.version,
    )


def _describe(tail: Tail, moment: Moment, due: int, walk: Walk) -> Judgement:
    verdict = weigh(tail, moment, walk.inputs, walk.timetable)
    expected, renewal = _expected(tail, moment)
    days, intervals = cadence(tail, moment.stretch)
    return Judgement(
        stage=tail.stage,
        since=tail.since,
        cause=tail.cause,
        timer=tail.timer,
        reasons=verdict.reasons,
        at_risk=verdict.at_risk,
        renewal_due_on=renewal,
        cadence_days=days,
        cadence_intervals=intervals,
        expected_next_purchase_on=expected,
        won_back_counter=tail.won_back_counter,
        next_due=due if due < NEVER else None,
        rules=moment.stretch.rules.version,
        transitions=tuple(walk.transitions or ()),
    )


def _expected(tail: Tail, moment: Moment) -> tuple[int | None, int | None]:
    """Return the day of the next purchase by the own cadence, and of the renewal if one is set."""
    days, intervals = cadence(tail, moment.stretch)
    if tail.ended or intervals == 0:
        return None, None
    expected = expected_day(tail.last_day, days, intervals)
    return expected, expected if moment.stretch.rules.renewal_window_days else None
