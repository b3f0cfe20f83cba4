"""How a party stands that nothing but silence, and signals that run out, can move.

Most parties are so most of the time, and what time does to them can be told at once; the machine
would get there timer by timer, at ten times the price. It must be told the same: property tests
hold it to that.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.lifecycle.inputs import Kind
from domain.lifecycle.rules import NEVER, Stretch, Timetable
from domain.lifecycle.stages import Reason, Stage, Timer
from domain.lifecycle.tail import Tail
from domain.lifecycle.timers import LAST_INSTANT

# As plain texts, for the value of a member of an enumeration costs a call each time.
_NO_PURCHASE, _WON_BACK = Reason.NO_PURCHASE.value, Reason.WON_BACK_COUNTER.value
_OVER_RISK, _OVER_LAPSE = Reason.SILENCE_OVER_RISK.value, Reason.SILENCE_OVER_LAPSE.value
_CONSOLIDATED, _NOT_CONSOLIDATED = Reason.CONSOLIDATED.value, Reason.NOT_CONSOLIDATED.value
_SIGNALS = (
    (1 << Kind.COMPETITOR_OFFER, Reason.COMPETITOR_OFFER.value),
    (1 << Kind.CANCEL_INTENT, Reason.CANCEL_INTENT.value),
)


class Quiet(NamedTuple):
    """How such a party stands at a horizon.

    Args:
        stage: of the party.
        since: when it came there (microseconds since 1970).
        cause: entry id of the touchpoint that moved it there, or that set the timer that did.
        timer: the timer that moved it there, if one did.
        reasons: all that is true, in the order of the rules.
        at_risk: a risk is among them.
        due: the next instant at which time alone changes anything; ``NEVER`` if none does.
        stretch: the rules that judge it.

    """

    stage: Stage
    since: int
    cause: bytes
    timer: Timer
    reasons: tuple[str, ...]
    at_risk: bool
    due: int
    stretch: Stretch


def quiet(tail: Tail, horizon: int, timetable: Timetable) -> Quiet | None:
    """Return how a quiet party stands at a horizon.

    Returns:
        None if the party is not quiet, if an optional rule is on, or if it lapsed before its last
        input or is to be judged by other rules before the horizon: ask the machine.

    """
    if tail.incidents or tail.ended:
        return None
    if not tail.purchase_days:
        return _before_purchases(tail, horizon, timetable)
    stretch = timetable.stretch(tail.silent_since)
    until, prior, weight, risk, lapse, _, _ = stretch.terms
    if until == -NEVER:
        return None
    rules_at = risk_at = lapse_at = timetable.start(until)
    if intervals := 10 * (weight + tail.purchase_days - 1):
        days = prior + tail.last_day - tail.first_day
        risk_at = timetable.start(tail.silent_since + risk * days // intervals + 1)
        lapse_at = timetable.start(tail.silent_since + lapse * days // intervals + 1)
    if rules_at <= horizon or min(lapse_at, rules_at) <= tail.at:
        return None
    silent, lapsed = risk_at <= horizon, lapse_at <= horizon
    risks = [_OVER_RISK] if silent else []
    due = min([one for one in (risk_at, lapse_at) if one > horizon], default=rules_at)
    if tail.signals or tail.held:
        due = _add_signals(tail, horizon, risks, due, lapsed=lapsed)
    first = [_OVER_LAPSE] if lapsed else []
    reasons = (*first, *risks, *_standing(tail, stretch))
    stage, since, cause, timer = tail.stage, tail.since, tail.cause, tail.timer
    if lapsed:
        stage, since = Stage.LAPSED, lapse_at
        cause, timer = tail.silent_cause, Timer.SILENCE_LAPSE
    elif silent and stage is not Stage.PREVENTION:
        stage, since = Stage.PREVENTION, risk_at
        cause, timer = tail.silent_cause, Timer.SILENCE_RISK
    return Quiet(stage, since, cause, timer, reasons, bool(risks), min(due, rules_at), stretch)


def _before_purchases(tail: Tail, horizon: int, timetable: Timetable) -> Quiet | None:
    """Return how a party stands that never bought, or not since it was reopened."""
    if tail.signals or tail.held:
        return None
    stretch = timetable.stretch(timetable.calendar.day(tail.at))
    rules_at = timetable.start(stretch.until)
    if stretch.terms[0] == -NEVER or rules_at <= horizon:
        return None
    reasons = (_NO_PURCHASE, _WON_BACK) if tail.won_back_counter else (_NO_PURCHASE,)
    stands = tail.stage, tail.since, tail.cause, tail.timer
    return Quiet(*stands, reasons, at_risk=False, due=rules_at, stretch=stretch)


def _add_signals(tail: Tail, horizon: int, risks: list[str], due: int, *, lapsed: bool) -> int:
    """Add the signals that live, and those that prevention holds; return what is due next."""
    live = 0
    for signal in tail.signals:
        if signal.ends > horizon:
            live |= 1 << signal.kind
            if signal.ends <= LAST_INSTANT:
                due = min(due, signal.ends)
    risks += [reason for bit, reason in _SIGNALS if live & bit]
    if not lapsed:
        held = tail.held & ~live
        risks += [f"{Reason.HELD}:{reason}" for bit, reason in _SIGNALS if held & bit]
    return due


def _standing(tail: Tail, stretch: Stretch) -> list[str]:
    consolidated = tail.purchase_days >= stretch.rules.loyal_days
    standing = [_CONSOLIDATED if consolidated else _NOT_CONSOLIDATED]
    return [_WON_BACK, *standing] if tail.won_back_counter else standing
