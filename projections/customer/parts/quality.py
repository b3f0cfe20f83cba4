"""Quality: incidents with the clock of the service level, and what surveys answered.

Touchpoints of an incident arrive in any order, and a late one may change every figure of it. So
an incident is kept as its own history, compactly: one sorted list of stamps, about 9 bytes a
touchpoint, and all figures are derived when the part is shown: see
:mod:`projections.customer.incidents` for the clock.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from datetime import datetime

import msgspec

from domain.fact import Fact
from domain.instants import SECOND
from domain.touchpoints.quality import (
    IncidentClosed,
    IncidentOpened,
    IncidentPending,
    IncidentReopened,
    IncidentResolved,
    IncidentResponded,
    SurveyAnswered,
)
from projections.customer.incidents import OPENINGS, Clock, Step, stamp, step_of
from projections.customer.last import Mark, is_later
from projections.customer.part import Context, Handler, Part, Reading
from projections.customer.shown import moment

NPS_PROMOTER_MIN = 9
NPS_PASSIVE_MIN = 7


class LastScore(Mark):
    """The last answer to a survey."""

    score: int


class Sum(msgspec.Struct, array_like=True, gc=False):
    """A sum of scores and how many there are."""

    count: int = 0
    total: int = 0


class QualityState(msgspec.Struct, array_like=True, gc=False):
    """State of this part.

    Args:
        incidents: by code: sorted stamps of :mod:`projections.customer.incidents`.
        promoters: NPS answers of 9 and 10.
        passives: NPS answers of 7 and 8.
        detractors: NPS answers of 0 to 6.
        nps: the last of them.
        csat: answers of 1 to 5.
        ces: answers of 1 to 7.

    """

    incidents: dict[str, list[int]] = msgspec.field(default_factory=dict)
    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    nps: LastScore | None = None
    csat: Sum | None = None
    ces: Sum | None = None


class OpenIncidentShown(msgspec.Struct, frozen=True, gc=False):
    """An incident that is neither resolved nor closed.

    Args:
        incident: its code.
        severity: of the last opening, 1 to 4; null if only a reopening is known.
        opened_at: when it was first opened.
        pending: whether work waits for the customer now.
        open_seconds: the clock of the service level, times of waiting left out.
        first_response_seconds: from the opening to the first response; null without one.

    """

    incident: str
    severity: int | None
    opened_at: datetime
    pending: bool
    open_seconds: int
    first_response_seconds: int | None


class IncidentsShown(msgspec.Struct, frozen=True, gc=False):
    """All incidents of the customer; durations in whole seconds, rounded down per incident.

    Args:
        opened: touchpoints of this kind, as the four that follow.
        responded: first and further responses.
        resolved: resolutions.
        reopened: reopenings.
        closed: closings.
        open: the open ones, the gravest first, then the oldest.
        worst_open_severity: null if none is open, or none states its severity.
        ended: incidents that were open and are so no longer.
        resolution_seconds: the clocks of those together.
        answered: incidents with an opening and a first response.
        first_response_seconds: of those together.

    """

    opened: int
    responded: int
    resolved: int
    reopened: int
    closed: int
    open: tuple[OpenIncidentShown, ...]
    worst_open_severity: int | None
    ended: int
    resolution_seconds: int
    answered: int
    first_response_seconds: int


class NpsShown(msgspec.Struct, frozen=True, gc=False):
    """Would the customer recommend us: the last answer (0 to 10), and counts of all."""

    last_score: int | None
    last_at: datetime | None
    promoters: int
    passives: int
    detractors: int


class ScoresShown(msgspec.Struct, frozen=True, gc=False):
    """How many answers there are, and their sum; the average is sum ÷ count."""

    count: int
    sum: int


class Quality(msgspec.Struct, frozen=True, gc=False):
    """How the customer fared with us, and what they said of it."""

    incidents: IncidentsShown
    nps: NpsShown
    csat: ScoresShown
    ces: ScoresShown


def _opened(state: QualityState, fact: Fact, opened: IncidentOpened, _context: Context) -> None:
    _take(state, fact, opened.incident, opened.severity)


def _step(step: Step) -> Handler:
    plain = int(step)

    def handle(
        state: QualityState,
        fact: Fact,
        touchpoint: IncidentResponded
        | IncidentPending
        | IncidentResolved
        | IncidentReopened
        | IncidentClosed,
        _context: Context,
    ) -> None:
        _take(state, fact, touchpoint.incident, plain)

    return handle


def _take(state: QualityState, fact: Fact, incident: str, step: int) -> None:
    insort(state.incidents.setdefault(incident, []), stamp(fact.occurred_at, step))


def _answered(state: QualityState, fact: Fact, answer: SurveyAnswered, _context: Context) -> None:
    score = answer.score
    if answer.survey == "csat":
        state.csat = _summed(state.csat, score)
    elif answer.survey == "ces":
        state.ces = _summed(state.ces, score)
    else:
        _recommended(state, fact, score)


def _summed(known: Sum | None, score: int) -> Sum:
    if known is None:
        return Sum(1, score)
    known.count += 1
    known.total += score
    return known


def _recommended(state: QualityState, fact: Fact, score: int) -> None:
    if score >= NPS_PROMOTER_MIN:
        state.promoters += 1
    elif score >= NPS_PASSIVE_MIN:
        state.passives += 1
    else:
        state.detractors += 1
    if is_later(fact, state.nps):
        state.nps = LastScore(fact.occurred_at, fact.source, fact.sequence, fact.entry_id, score)


def _render(state: QualityState, reading: Reading) -> Quality:
    last = state.nps
    return Quality(
        incidents=_show_incidents(state.incidents, reading.now),
        nps=NpsShown(
            last_score=None if last is None else last.score,
            last_at=None if last is None else moment(last.at),
            promoters=state.promoters,
            passives=state.passives,
            detractors=state.detractors,
        ),
        csat=_show_scores(state.csat),
        ces=_show_scores(state.ces),
    )


def _show_scores(scores: Sum | None) -> ScoresShown:
    return ScoresShown(0, 0) if scores is None else ScoresShown(scores.count, scores.total)


_NO_INCIDENTS = IncidentsShown(0, 0, 0, 0, 0, (), None, 0, 0, 0, 0)


def _show_incidents(incidents: dict[str, list[int]], now: int) -> IncidentsShown:
    if not incidents:
        return _NO_INCIDENTS
    steps = Counter([step_of(each) for stamps in incidents.values() for each in stamps])
    clocks = {code: Clock(stamps) for code, stamps in incidents.items()}
    opened = {code: clock for code, clock in clocks.items() if clock.is_open}
    ended = [one for one in clocks.values() if one.opened_at is not None and not one.is_open]
    responses = [one.first_response for one in clocks.values() if one.first_response is not None]
    return IncidentsShown(
        opened=sum(steps[step] for step in OPENINGS),
        responded=steps[Step.RESPONDED],
        resolved=steps[Step.RESOLVED],
        reopened=steps[Step.REOPENED],
        closed=steps[Step.CLOSED],
        open=_show_open(opened, now),
        worst_open_severity=max((one.severity or 0 for one in opened.values()), default=0) or None,
        ended=len(ended),
        resolution_seconds=sum(one.elapsed(now) // SECOND for one in ended),
        answered=len(responses),
        first_response_seconds=sum(response // SECOND for response in responses),
    )


def _show_open(opened: dict[str, Clock], now: int) -> tuple[OpenIncidentShown, ...]:
    shown = [_show(code, clock, now) for code, clock in opened.items()]
    shown.sort(key=lambda one: (-(one.severity or 0), one.opened_at, one.incident))
    return tuple(shown)


def _show(code: str, clock: Clock, now: int) -> OpenIncidentShown:
    response = clock.first_response
    return OpenIncidentShown(
        incident=code,
        severity=clock.severity,
        opened_at=moment(clock.opened_at or 0),
        pending=clock.is_pending,
        open_seconds=clock.elapsed(now) // SECOND,
        first_response_seconds=None if response is None else response // SECOND,
    )


PART = Part(
    name="quality",
    version=1,
    kind="commutative",
    state=QualityState,
    handlers={
        IncidentOpened: _opened,
        IncidentResponded: _step(Step.RESPONDED),
        IncidentPending: _step(Step.PENDING),
        IncidentResolved: _step(Step.RESOLVED),
        IncidentReopened: _step(Step.REOPENED),
        IncidentClosed: _step(Step.CLOSED),
        SurveyAnswered: _answered,
    },
    render=_render,
)
