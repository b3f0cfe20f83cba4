"""What touchpoints do to the tail, before it is judged."""

from __future__ import annotations

from domain.instants import DAY
from domain.lifecycle.cadence import cadence
from domain.lifecycle.inputs import Event, Inputs, Kind
from domain.lifecycle.rules import LifecycleRules
from domain.lifecycle.tail import Incident, Signal, Tail
from domain.lifecycle.verdict import FINAL_END, Moment


def buy(tail: Tail, entry_id: bytes, moment: Moment) -> None:
    """Apply a purchase: it ends what prevention holds, and may start a purchase day."""
    reopened = _reopen(tail, entry_id, moment)
    tail.held = 0
    if tail.purchase_days and moment.day <= tail.last_day:
        return
    if not reopened:
        _count(tail, moment)
    if tail.purchase_days == 0:
        tail.first_day = moment.day
    tail.purchase_days += 1
    tail.last_day = tail.silent_since = moment.day
    tail.silent_cause = entry_id


def apply(tail: Tail, event: Event, moment: Moment, inputs: Inputs) -> None:
    """Apply any other touchpoint."""
    match event.kind:
        case Kind.REGISTERED:
            _reopen(tail, event.entry_id, moment)
        case Kind.COMPETITOR_OFFER | Kind.CANCEL_INTENT:
            _signal(tail, event, moment.stretch.rules)
        case Kind.INCIDENT_OPENED:
            _open(tail, event, event.number)
        case Kind.INCIDENT_REOPENED:
            _open(tail, event, _severity(event, inputs))
        case Kind.INCIDENT_ENDED:
            tail.incidents = [one for one in tail.incidents if one.code != event.code]
        case Kind.RELATIONSHIP_ENDED:
            if tail.ended != FINAL_END:
                tail.ended = event.code


def _reopen(tail: Tail, entry_id: bytes, moment: Moment) -> bool:
    """Begin anew after an end that was not final: what was signalled or opened before is over."""
    if not tail.ended or tail.ended == FINAL_END:
        return False
    tail.ended, tail.held = "", 0
    tail.signals, tail.incidents = [], []
    tail.won_back_counter = moment.stretch.rules.won_back_days
    tail.reopened_on = tail.silent_since = moment.day
    tail.silent_cause = entry_id
    return True


def _count(tail: Tail, moment: Moment) -> None:
    """Set the won-back counter after a lapse; a later purchase day takes one off."""
    days, intervals = cadence(tail, moment.stretch)
    rules = moment.stretch.rules
    if 10 * (moment.day - tail.silent_since) * intervals > rules.lapse_tenths * days:
        tail.won_back_counter = rules.won_back_days
    elif tail.won_back_counter and moment.day > tail.reopened_on:
        tail.won_back_counter -= 1


def _signal(tail: Tail, event: Event, rules: LifecycleRules) -> None:
    """Keep a signal unless one of its kind lives as long."""
    life = event.number if event.number >= 0 else rules.signal_days
    signal = Signal(event.kind, event.at + life * DAY, event.entry_id)
    others = [one for one in tail.signals if one.kind is not event.kind]
    same = [one for one in tail.signals if one.kind is event.kind]
    if not same or same[0].ends < signal.ends:
        tail.signals = sorted([*others, signal])


def _open(tail: Tail, event: Event, severity: int) -> None:
    """Open an incident; one that is open stays as it is."""
    if all(one.code != event.code for one in tail.incidents):
        opened = Incident(event.code, event.at, severity, event.entry_id)
        tail.incidents = sorted([*tail.incidents, opened])


def _severity(reopened: Event, inputs: Inputs) -> int:
    """Return the severity that the last opening before a reopening stated, 0 if none is known."""
    stated = 0
    for event in inputs.events:
        if event >= reopened:
            break
        if event.kind is Kind.INCIDENT_OPENED and event.code == reopened.code:
            stated = event.number
    return stated
