"""The lifecycle part: stage, since when, why, and what time alone will bring next.

The state holds the inputs, the machine's tail after the last of them, and where the timers that
fired up to the horizon have led; neither horizon nor tick.
"""

from __future__ import annotations

from copy import copy
from datetime import date, datetime

import msgspec

from domain.fact import Fact
from domain.instants import date_of
from domain.lifecycle.follow import follow_event, follow_known, follow_purchase
from domain.lifecycle.inputs import Event, Inputs, Kind, purchase_count
from domain.lifecycle.judgement import Judgement, judge, stand
from domain.lifecycle.leap import rest
from domain.lifecycle.machine import Walk, refold, run
from domain.lifecycle.rules import NEVER, Timetable
from domain.lifecycle.stages import Stage, Timer
from domain.lifecycle.tail import Tail
from domain.lifecycle.verdict import weigh
from domain.touchpoints import (
    CATALOGUE,
    CancelIntentDeclared,
    CompetitorOfferSeen,
    CustomerRegistered,
    IncidentClosed,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    PurchaseMade,
    RelationshipEnded,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from projections.customer.part import Context, Handler, Part, Reading
from projections.customer.shown import business_date, moment, uuid_text


class LifecycleState(msgspec.Struct, array_like=True, gc=False):
    """State of the part.

    Args:
        stage: at the horizon; None before the first touchpoint.
        since: when the party came there (microseconds since 1970); None before.
        at_risk: at the horizon.
        inputs: what is remembered of the facts.
        tail: the machine after the last input; None while a refold is due.

    """

    stage: Stage | None = None
    since: int | None = None
    at_risk: bool = False
    inputs: Inputs = msgspec.field(default_factory=Inputs)
    tail: Tail | None = None


class LifecycleDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a party's lifecycle.

    Args:
        stage: where the party stands.
        since: when it came there, in UTC.
        reasons: all that is true, in the order of the rules.
        at_risk: a risk is among the reasons, whatever the stage.
        cause: id of the entry that moved it there, or that set the timer that did.
        timer: the timer that moved it there; None if a touchpoint did.
        renewal_due_on: day around which the rules set a renewal window.
        cadence_days: the party's own cadence in days, to a tenth, rounded half up.
        expected_next_purchase_on: the last purchase day and one cadence.
        won_back_counter: purchase days that still count as won back.
        next_transition_on: business day on which time alone changes any of this next.
        rules: version of the rules that judge.

    """

    stage: Stage
    since: datetime
    reasons: tuple[str, ...]
    at_risk: bool
    cause: str
    timer: Timer | None
    renewal_due_on: date | None
    cadence_days: str | None
    expected_next_purchase_on: date | None
    won_back_counter: int
    next_transition_on: date | None
    rules: str


def settle(state: LifecycleState, horizon: int, context: Context) -> int | None:
    """Bring a party to a horizon; return the next instant that changes what is shown of it."""
    timetable = context.timetable
    tail = state.tail
    if tail is None:
        if state.inputs.first_at == NEVER:
            return None
        tail = state.tail = refold(state.inputs, timetable)
    plain = rest(tail, horizon, timetable)
    if plain is not None:
        state.stage, state.since, state.at_risk, due = plain
        return due if due < NEVER else None
    return _run(state, tail, horizon, timetable)


def _run(state: LifecycleState, tail: Tail, horizon: int, timetable: Timetable) -> int | None:
    timed = copy(tail)
    walk = Walk(state.inputs, timetable, purchase_count(state.inputs.purchases))
    latest, dues = run(timed, horizon, walk)
    state.stage, state.since = timed.stage, timed.since
    state.at_risk = weigh(timed, latest, state.inputs, timetable).at_risk
    return dues[0].at if dues else None


def render(state: LifecycleState, reading: Reading) -> LifecycleDocument | None:
    """Show a party as of ``reading.now``: timers run up to then, the state stays (ruling 12)."""
    calendar = reading.context.calendar
    timetable = reading.context.timetable
    if state.tail is None:
        judgement = judge(state.inputs, timetable, reading.now)
    else:
        judgement = stand(state.inputs, state.tail, timetable, reading.now)
    if judgement is None:
        return None
    return LifecycleDocument(
        stage=judgement.stage,
        since=moment(judgement.since),
        reasons=judgement.reasons,
        at_risk=judgement.at_risk,
        cause=uuid_text(judgement.cause),
        timer=judgement.timer or None,
        renewal_due_on=_date(judgement.renewal_due_on),
        cadence_days=_tenths(judgement),
        expected_next_purchase_on=_date(judgement.expected_next_purchase_on),
        won_back_counter=judgement.won_back_counter,
        next_transition_on=business_date(judgement.next_due, calendar),
        rules=judgement.rules,
    )


def _date(day: int | None) -> date | None:
    return None if day is None else date_of(day)


def _tenths(judgement: Judgement) -> str | None:
    days, intervals = judgement.cadence_days, judgement.cadence_intervals
    if intervals == 0:
        return None
    whole, tenth = divmod((20 * days + intervals) // (2 * intervals), 10)
    return f"{whole}.{tenth}"


def _known(state: LifecycleState, fact: Fact, _touchpoint: Touchpoint, _context: Context) -> None:
    if fact.occurred_at <= state.inputs.first_at:
        state.tail = follow_known(state.inputs, state.tail, fact.occurred_at, fact.entry_id)


def _purchased(
    state: LifecycleState, fact: Fact, _touchpoint: PurchaseMade, context: Context
) -> None:
    state.tail = follow_purchase(
        state.inputs, state.tail, fact.occurred_at, fact.entry_id, context.timetable
    )


def _take(state: LifecycleState, event: Event, context: Context) -> None:
    state.tail = follow_event(state.inputs, state.tail, event, context.timetable)


def _registered(
    state: LifecycleState, fact: Fact, _touchpoint: CustomerRegistered, context: Context
) -> None:
    _take(state, Event(fact.occurred_at, Kind.REGISTERED, fact.entry_id), context)


def _offer_seen(
    state: LifecycleState, fact: Fact, touchpoint: CompetitorOfferSeen, context: Context
) -> None:
    _take(state, _signal(Kind.COMPETITOR_OFFER, fact, touchpoint.lives_days), context)


def _intent_declared(
    state: LifecycleState, fact: Fact, touchpoint: CancelIntentDeclared, context: Context
) -> None:
    _take(state, _signal(Kind.CANCEL_INTENT, fact, touchpoint.lives_days), context)


def _signal(kind: Kind, fact: Fact, lives_days: int | None) -> Event:
    life = -1 if lives_days is None else lives_days
    return Event(fact.occurred_at, kind, fact.entry_id, "", life)


def _opened(
    state: LifecycleState, fact: Fact, touchpoint: IncidentOpened, context: Context
) -> None:
    event = Event(
        fact.occurred_at,
        Kind.INCIDENT_OPENED,
        fact.entry_id,
        touchpoint.incident,
        touchpoint.severity,
    )
    _take(state, event, context)


def _reopened(
    state: LifecycleState, fact: Fact, touchpoint: IncidentReopened, context: Context
) -> None:
    kind = Kind.INCIDENT_REOPENED
    _take(state, Event(fact.occurred_at, kind, fact.entry_id, touchpoint.incident), context)


def _incident_ended(
    state: LifecycleState,
    fact: Fact,
    touchpoint: IncidentResolved | IncidentClosed,
    context: Context,
) -> None:
    kind = Kind.INCIDENT_ENDED
    _take(state, Event(fact.occurred_at, kind, fact.entry_id, touchpoint.incident), context)


def _ended(
    state: LifecycleState, fact: Fact, touchpoint: RelationshipEnded, context: Context
) -> None:
    kind = Kind.RELATIONSHIP_ENDED
    _take(state, Event(fact.occurred_at, kind, fact.entry_id, touchpoint.reason), context)


# Any touchpoint makes a party known; corrections are part of the touchpoint that they name.
_HANDLERS: dict[type[Touchpoint], Handler] = {
    **dict.fromkeys(CATALOGUE.names, _known),
    PurchaseMade: _purchased,
    CustomerRegistered: _registered,
    CompetitorOfferSeen: _offer_seen,
    CancelIntentDeclared: _intent_declared,
    IncidentOpened: _opened,
    IncidentReopened: _reopened,
    IncidentResolved: _incident_ended,
    IncidentClosed: _incident_ended,
    RelationshipEnded: _ended,
}
del _HANDLERS[TouchpointCorrected], _HANDLERS[TouchpointVoided]

PART = Part(
    name="lifecycle",
    version=1,
    kind="ordered",
    state=LifecycleState,
    handlers=_HANDLERS,
    render=render,
    settle=settle,
)
