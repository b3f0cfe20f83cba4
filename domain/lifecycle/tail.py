"""Where the machine stands after a party's last input: all that going on from there needs."""

from __future__ import annotations

import msgspec

from domain.lifecycle.inputs import Kind
from domain.lifecycle.rules import NEVER
from domain.lifecycle.stages import Stage, Timer


class Signal(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """A competitor's offer or a cancel intent: the one of its kind that lives longest.

    Args:
        kind: which of the two.
        ends: first instant at which it no longer lives (microseconds since 1970).
        entry_id: of the touchpoint.

    """

    kind: Kind
    ends: int
    entry_id: bytes


class Incident(msgspec.Struct, array_like=True, gc=False, frozen=True, order=True):
    """An incident that is open.

    Args:
        code: the publisher's code of it.
        opened_at: when it was opened or, after it had ended, reopened.
        severity: 1 to 4 as its last opening stated it; 0 if no opening is known.
        entry_id: of the touchpoint that opened it.

    """

    code: str
    opened_at: int
    severity: int
    entry_id: bytes


class Tail(msgspec.Struct, array_like=True, gc=False):
    """The machine after the last input, a function of inputs, rules and calendar alone.

    No timer later than the last input has left a trace here: a horizon is run on a copy. So a
    touchpoint that comes after a timer fired, but happened before, needs no refold.

    Args:
        at: instant of the last input.
        stage: the party's.
        since: when it came there, ``-NEVER`` before the first judgement.
        cause: entry id of the touchpoint that moved it there, or that set the timer that did.
        timer: which timer moved it there; none if a touchpoint did.
        held: kinds of signals that keep it in prevention even when they run out (ruling 20):
            1 << kind, added.
        purchase_days: n.
        first_day: of the purchase days (days since 1970-01-01).
        last_day: of the purchase days; S, the sum of the gaps, is last_day − first_day.
        silent_since: day from which silence counts: the last purchase day, or a later reopening.
        silent_cause: entry id of the touchpoint that made it so.
        won_back_counter: purchase days that still count as won back.
        reopened_on: day of the last reopening, ``-NEVER`` if there was none.
        ended: why the relationship ended; empty while it lasts.
        signals: at most one of each kind, sorted; those that ran out are dropped now and then.
        incidents: those open, sorted.

    """

    at: int
    stage: Stage = Stage.PROSPECT
    since: int = -NEVER
    cause: bytes = b""
    timer: Timer = Timer.NONE
    held: int = 0
    purchase_days: int = 0
    first_day: int = 0
    last_day: int = 0
    silent_since: int = 0
    silent_cause: bytes = b""
    won_back_counter: int = 0
    reopened_on: int = -NEVER
    ended: str = ""
    signals: list[Signal] = msgspec.field(default_factory=list)
    incidents: list[Incident] = msgspec.field(default_factory=list)
