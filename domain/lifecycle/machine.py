"""The lifecycle machine: walks a party's inputs and timers in the order of time.

What happens at one instant is applied together and judged once; a timer that is due at that very
instant is absorbed by it. From the last input on, only timers move a party: they are run on a copy
of the tail, up to and including a horizon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from domain.instants import MICROSECOND
from domain.lifecycle.happenings import apply, buy
from domain.lifecycle.inputs import RECORD, RECORD_BYTES, Event, Inputs, purchase_count
from domain.lifecycle.leap import QUIET_KINDS, is_quiet, leap
from domain.lifecycle.rules import NEVER, Timetable
from domain.lifecycle.stages import Reason, Stage, Timer
from domain.lifecycle.tail import Tail
from domain.lifecycle.timers import Due, decisive, next_due
from domain.lifecycle.verdict import Moment, Verdict, weigh


class Transition(msgspec.Struct, frozen=True, gc=False):
    """A change of stage.

    Args:
        at: when (microseconds since 1970): of a timer the instant it was due.
        from_stage: None before the party was known.
        to_stage: where it came.
        reasons: all that was true then.
        cause: entry id of the touchpoint that made it, or that set the timer.
        timer: which timer made it; ``Timer.NONE`` if a touchpoint did.
        rules: version of the rules that judged it.

    """

    at: int
    from_stage: Stage | None
    to_stage: Stage
    reasons: tuple[str, ...]
    cause: bytes
    timer: Timer
    rules: str


class Walk(msgspec.Struct, gc=False):
    """What a walk through a party's time carries along.

    Args:
        inputs: of the party.
        timetable: rules and business days.
        seen: how many records of the purchases have been applied.
        transitions: collects them where they are wanted.

    """

    inputs: Inputs
    timetable: Timetable
    seen: int = 0
    transitions: list[Transition] | None = None


def refold(
    inputs: Inputs, timetable: Timetable, transitions: list[Transition] | None = None
) -> Tail:
    """Return the tail of a party from its inputs alone.

    Args:
        inputs: with at least a first touchpoint.
        timetable: rules and business days.
        transitions: appended to, if given.

    """
    tail, events, judged, seen = Tail(at=inputs.first_at), inputs.events, 0, 0
    if transitions is None and not events and inputs.purchases:
        seen = leap(tail, inputs.purchases, 0, NEVER, timetable)
        if seen == purchase_count(inputs.purchases):
            return tail
    walk = Walk(inputs, timetable, seen, transitions)
    while True:
        event_at = events[judged].at if judged < len(events) else NEVER
        if transitions is None:
            walk.seen += leap(tail, inputs.purchases, walk.seen, event_at, timetable)
        at = min(event_at, _purchase_at(walk))
        if tail.since == -NEVER:
            at = inputs.first_at
        if at == NEVER:
            return tail
        first = judged
        while judged < len(events) and events[judged].at == at:
            judged += 1
        if transitions is not None or not pass_by(tail, at, events[first:judged], walk):
            happen(tail, at, events[first:judged], walk)


def pass_by(tail: Tail, at: int, events: Sequence[Event], walk: Walk) -> bool:
    """Apply events of one instant if they move nobody; say whether they were applied.

    Arguments as of :func:`happen`, which would leave the same tail.
    """
    if not events or _purchase_at(walk) == at or not is_quiet(tail, at, walk.timetable):
        return False
    if any(event.kind not in QUIET_KINDS for event in events):
        return False
    moment = moment_at(at, walk)
    for event in events:
        apply(tail, event, moment, walk.inputs)
    tail.at = at
    return True


def happen(tail: Tail, at: int, events: Sequence[Event], walk: Walk) -> None:
    """Apply all that happens at one instant, later than everything before, and judge it.

    Args:
        tail: changed in place.
        at: the instant.
        events: of that instant, in order.
        walk: where the party stands; a purchase of that instant is its next record.

    """
    dues = run(tail, at - MICROSECOND, walk)[1] if tail.since != -NEVER else []
    moment = moment_at(at, walk)
    absorbed = _absorbed(tail, moment, dues, walk)
    purchase_id = _purchase(tail, moment, walk)
    for event in events:
        apply(tail, event, moment, walk.inputs)
    tail.at = at
    tail.signals = [signal for signal in tail.signals if signal.ends > at]
    moment = moment._replace(seen=walk.seen)
    verdict = weigh(tail, moment, walk.inputs, walk.timetable)
    if not _moves(tail, verdict):
        tail.held = verdict.held
    elif absorbed is not None and absorbed.stage is verdict.stage:
        _move(tail, verdict, moment, absorbed.due, walk)
    else:
        cause = _cause(tail, verdict.stage, purchase_id, events) or walk.inputs.first_id
        _move(tail, verdict, moment, Due(at, moment.day, Timer.NONE, cause), walk)


def run(tail: Tail, limit: int, walk: Walk) -> tuple[Moment, list[Due]]:
    """Fire the timers of a tail up to and including an instant, in place.

    Args:
        tail: as its last input left it.
        limit: microseconds since 1970.
        walk: where the party stands.

    Returns:
        the last moment at which something happened or a timer fired, and the timers that are due
        next, all of one instant; none if none is set.

    """
    moment = moment_at(tail.at, walk)
    dues = next_due(tail, moment, walk.inputs, walk.timetable)
    while dues and dues[0].at <= limit:
        moment = _fired(dues, walk)
        verdict = weigh(tail, moment, walk.inputs, walk.timetable)
        if _moves(tail, verdict):
            _move(tail, verdict, moment, _label(tail, verdict, moment, dues, walk), walk)
        else:
            tail.held = verdict.held
        dues = next_due(tail, moment, walk.inputs, walk.timetable)
    return moment, dues


class _Absorbed(NamedTuple):
    """What a timer would have done at an instant at which something happened too."""

    stage: Stage
    due: Due


def _absorbed(tail: Tail, moment: Moment, dues: list[Due], walk: Walk) -> _Absorbed | None:
    if not dues or dues[0].at != moment.at:
        return None
    alone = weigh(tail, moment, walk.inputs, walk.timetable)
    return _Absorbed(alone.stage, _label(tail, alone, moment, dues, walk))


def moment_at(at: int, walk: Walk) -> Moment:
    """Return the moment of an instant at which a walk has arrived."""
    day = walk.timetable.calendar.day(at)
    return Moment(at, day, walk.timetable.stretch(day), walk.seen)


def _fired(dues: list[Due], walk: Walk) -> Moment:
    day = max(due.day for due in dues)
    return Moment(dues[0].at, day, walk.timetable.stretch(day), walk.seen)


def _purchase(tail: Tail, moment: Moment, walk: Walk) -> bytes:
    """Apply the next record if it is of this instant, and return its entry id."""
    if _purchase_at(walk) != moment.at:
        return b""
    entry_id: bytes = RECORD.unpack_from(walk.inputs.purchases, walk.seen * RECORD_BYTES)[1]
    walk.seen += 1
    buy(tail, entry_id, moment)
    return entry_id


def _purchase_at(walk: Walk) -> int:
    if walk.seen * RECORD_BYTES >= len(walk.inputs.purchases):
        return NEVER
    return walk.inputs.purchase_at(walk.seen)


def _moves(tail: Tail, verdict: Verdict) -> bool:
    return verdict.stage is not tail.stage or tail.since == -NEVER


def _move(tail: Tail, verdict: Verdict, moment: Moment, due: Due, walk: Walk) -> None:
    """Take another stage over into the tail, dated, and tell it where that is wanted."""
    if walk.transitions is not None:
        walk.transitions.append(
            Transition(
                at=moment.at,
                from_stage=None if tail.since == -NEVER else tail.stage,
                to_stage=verdict.stage,
                reasons=verdict.reasons,
                cause=due.cause,
                timer=due.timer,
                rules=moment.stretch.rules.version,
            )
        )
    tail.stage, tail.since = verdict.stage, moment.at
    tail.cause, tail.timer, tail.held = due.cause, due.timer, verdict.held


def _cause(tail: Tail, stage: Stage, purchase_id: bytes, events: Sequence[Event]) -> bytes:
    """Return which touchpoint of an instant made a stage: seldom is there more than one."""
    if stage is Stage.CLOSED:
        return events[-1].entry_id
    if stage is Stage.PREVENTION:
        signals = {signal.entry_id for signal in tail.signals}
        for event in events:
            if event.entry_id in signals:
                return event.entry_id
    return purchase_id or (events[0].entry_id if events else b"")


def _label(tail: Tail, verdict: Verdict, moment: Moment, dues: list[Due], walk: Walk) -> Due:
    """Return which timer made a verdict: new rules, if the old ones would have judged otherwise."""
    others = [due for due in dues if due.timer is not Timer.RULES]
    if len(others) < len(dues):
        former = moment._replace(stretch=walk.timetable.stretch(moment.day - 1))
        if weigh(tail, former, walk.inputs, walk.timetable).stage is not verdict.stage:
            cause = _evidence(tail, verdict) or walk.inputs.first_id
            return Due(moment.at, moment.day, Timer.RULES, cause)
    return decisive(others or dues, verdict.stage)


def _evidence(tail: Tail, verdict: Verdict) -> bytes:
    """Return the touchpoint on which a stage rests that new rules brought."""
    if verdict.stage is Stage.PREVENTION:
        for incident in tail.incidents:
            if f"{Reason.INCIDENT_OPEN}:{incident.code}" in verdict.reasons:
                return incident.entry_id
    return tail.silent_cause
