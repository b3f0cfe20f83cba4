"""What is true of a party at one instant, and the first rule that matches (DOMAIN, section 4)."""

from __future__ import annotations

from typing import NamedTuple

from domain.instants import HOUR, MICROSECOND
from domain.lifecycle.cadence import cadence, falling_day, renewal_window
from domain.lifecycle.inputs import Inputs, Kind
from domain.lifecycle.rules import LifecycleRules, Stretch, Timetable
from domain.lifecycle.stages import Reason, Stage
from domain.lifecycle.tail import Incident, Tail

FINAL_END = "death"
_UNHELD = frozenset({Stage.DEVELOPMENT, Stage.LOYALTY, Stage.WON_BACK})
_SIGNAL_KINDS = (Kind.COMPETITOR_OFFER, Kind.CANCEL_INTENT)
_SIGNAL_REASONS = {
    Kind.COMPETITOR_OFFER: Reason.COMPETITOR_OFFER,
    Kind.CANCEL_INTENT: Reason.CANCEL_INTENT,
}


class Verdict(NamedTuple):
    """How a party was judged at an instant.

    Args:
        stage: the first match.
        reasons: all that is true, in the order of the rules.
        at_risk: a risk is true, or held, whatever the stage.
        held: kinds of signals that prevention now holds (1 << kind, added).

    """

    stage: Stage
    reasons: tuple[str, ...]
    at_risk: bool
    held: int


class Moment(NamedTuple):
    """An instant at which a party is judged.

    Args:
        at: the instant (microseconds since 1970).
        day: its business day.
        stretch: the rules that judge it.
        seen: how many records of the party's purchases have happened.

    """

    at: int
    day: int
    stretch: Stretch
    seen: int


def weigh(tail: Tail, moment: Moment, inputs: Inputs, timetable: Timetable) -> Verdict:
    """Judge a party at an instant by the rules in force."""
    if tail.ended:
        return Verdict(Stage.CLOSED, (f"{Reason.ENDED}:{tail.ended}",), at_risk=False, held=0)
    lapsed, risks = _silences(tail, moment)
    incidents = incident_reasons(tail, moment.at, moment.stretch.rules)
    live = _live_signals(tail, moment.at)
    risks += incidents
    risks += [_SIGNAL_REASONS[kind].value for kind in _SIGNAL_KINDS if live >> kind & 1]
    if _falling(tail, moment, inputs, timetable):
        risks.append(Reason.PURCHASES_FALLING.value)
    window = _in_renewal_window(tail, moment)
    stage = _first_match(tail, moment.stretch.rules, lapsed=lapsed, risky=bool(risks), due=window)
    if tail.held and stage in _UNHELD:
        stage = Stage.PREVENTION
    held = 0
    if stage is Stage.PREVENTION:
        held = tail.held | live
        risks += _held_reasons(tail.held & ~live)
    first = [Reason.SILENCE_OVER_LAPSE.value] if lapsed else []
    reasons = (*first, *risks, *_standing_reasons(tail, moment.stretch.rules, due=window))
    return Verdict(stage, reasons, bool(risks), held)


def incident_due(incident: Incident, rules: LifecycleRules) -> int:
    """Return the first instant at which an incident has been open longer than h hours."""
    return incident.opened_at + rules.incident_hours * HOUR + MICROSECOND


def incident_reasons(tail: Tail, at: int, rules: LifecycleRules) -> list[str]:
    """Return a reason for each incident of severity ≥ s that has been open longer than h."""
    return [
        f"{Reason.INCIDENT_OPEN}:{incident.code}"
        for incident in tail.incidents
        if incident.severity >= rules.incident_severity and at >= incident_due(incident, rules)
    ]


def _silences(tail: Tail, moment: Moment) -> tuple[bool, list[str]]:
    days, intervals = cadence(tail, moment.stretch)
    silence = 10 * (moment.day - tail.silent_since) * intervals
    rules = moment.stretch.rules
    risks = [Reason.SILENCE_OVER_RISK.value] if silence > rules.risk_tenths * days else []
    return silence > rules.lapse_tenths * days, risks


def _live_signals(tail: Tail, at: int) -> int:
    live = 0
    for signal in tail.signals:
        if at < signal.ends:
            live |= 1 << signal.kind
    return live


def _held_reasons(held: int) -> list[str]:
    return [f"{Reason.HELD}:{_SIGNAL_REASONS[kind]}" for kind in _SIGNAL_KINDS if held >> kind & 1]


def _falling(tail: Tail, moment: Moment, inputs: Inputs, timetable: Timetable) -> bool:
    if not moment.stretch.rules.falling_on:
        return False
    since = falling_day(tail, moment.stretch, inputs, moment.seen, timetable.calendar)
    return moment.day >= since


def _in_renewal_window(tail: Tail, moment: Moment) -> bool:
    half_width = moment.stretch.rules.renewal_window_days
    days, intervals = cadence(tail, moment.stretch)
    if half_width == 0 or intervals == 0:
        return False
    opens, closes = renewal_window(tail.last_day, days, intervals, half_width)
    return opens <= moment.day <= closes


def _first_match(
    tail: Tail, rules: LifecycleRules, *, lapsed: bool, risky: bool, due: bool
) -> Stage:
    if tail.purchase_days == 0:
        return Stage.WON_BACK if tail.won_back_counter else Stage.PROSPECT
    if lapsed:
        return Stage.LAPSED
    if risky:
        return Stage.PREVENTION
    if tail.won_back_counter:
        return Stage.WON_BACK
    if due:
        return Stage.RENEWAL
    return Stage.LOYALTY if tail.purchase_days >= rules.loyal_days else Stage.DEVELOPMENT


def _standing_reasons(tail: Tail, rules: LifecycleRules, *, due: bool) -> list[str]:
    reasons: list[str] = []
    if tail.purchase_days == 0:
        reasons.append(Reason.NO_PURCHASE.value)
    if tail.won_back_counter:
        reasons.append(Reason.WON_BACK_COUNTER.value)
    if due:
        reasons.append(Reason.RENEWAL_WINDOW.value)
    if tail.purchase_days >= rules.loyal_days:
        reasons.append(Reason.CONSOLIDATED.value)
    elif tail.purchase_days:
        reasons.append(Reason.NOT_CONSOLIDATED.value)
    return reasons
