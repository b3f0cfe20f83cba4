"""Taking in one more touchpoint: at the tail if it is the latest, else for the next refold."""

from __future__ import annotations

from domain.lifecycle.inputs import RECORD, Event, Inputs, purchase_count
from domain.lifecycle.leap import leap
from domain.lifecycle.machine import Walk, happen, pass_by
from domain.lifecycle.rules import NEVER, Timetable
from domain.lifecycle.tail import Tail


def follow_known(inputs: Inputs, tail: Tail | None, at: int, entry_id: bytes) -> Tail | None:
    """Take in a touchpoint that moves no stage but may be the first one.

    Args:
        inputs: changed in place.
        tail: where the machine stands; None if a refold is due.
        at: when it happened (microseconds since 1970).
        entry_id: of the touchpoint.

    Returns:
        the tail, or None if the machine must be folded anew from the inputs.

    """
    return None if inputs.add_known(at, entry_id) else tail


def follow_purchase(
    inputs: Inputs, tail: Tail | None, at: int, entry_id: bytes, timetable: Timetable
) -> Tail | None:
    """Take in a purchase; arguments and result as of :func:`follow_known`."""
    if tail is None or at <= tail.at:
        known = at <= inputs.first_at and inputs.add_known(at, entry_id)
        return None if inputs.add_purchase(at, entry_id) or known else tail
    seen = purchase_count(inputs.purchases)
    inputs.purchases += RECORD.pack(at, entry_id)
    if not leap(tail, inputs.purchases, seen, NEVER, timetable):
        happen(tail, at, (), Walk(inputs, timetable, seen))
    return tail


def follow_event(
    inputs: Inputs, tail: Tail | None, event: Event, timetable: Timetable
) -> Tail | None:
    """Take in any other touchpoint that may move a stage; result as of :func:`follow_known`."""
    if tail is None or event.at <= tail.at:
        inputs.add_known(event.at, event.entry_id)
        inputs.add_event(event)
        return None
    inputs.events.append(event)
    walk = Walk(inputs, timetable, purchase_count(inputs.purchases))
    if not pass_by(tail, event.at, (event,), walk):
        happen(tail, event.at, (event,), walk)
    return tail
