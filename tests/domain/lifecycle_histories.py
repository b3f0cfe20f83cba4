"""Histories of one party for the tests of the lifecycle, told to the machine and to the oracle."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
from hypothesis import strategies as st

from domain.calendar import Calendar
from domain.instants import DAY, HOUR, day_of, moment_of
from domain.lifecycle.follow import follow_event, follow_known, follow_purchase
from domain.lifecycle.inputs import Event, Inputs, Kind
from domain.lifecycle.judgement import Judgement, judge, stand
from domain.lifecycle.leap import rest
from domain.lifecycle.machine import refold
from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules, Timetable
from domain.lifecycle.tail import Tail
from tests.oracle import history, lifecycle

SEEN = 0
_SIGNALS: dict[int, history.SignalKind] = {
    Kind.COMPETITOR_OFFER: "competitor_offer",
    Kind.CANCEL_INTENT: "cancel_intent",
}
BOUGHT = -1
CALENDAR = Calendar.in_zone("Europe/Madrid")
START = day_of(date(2024, 1, 1))
FOUR_DAYS = (0, 10, 20, 30)
"""Four purchase days: g = (54 + 30)/5 = 16.8; over the risk 81, over the lapse 143 days later."""


@dataclass(frozen=True, order=True)
class Told:
    """One thing that happened: kind is ``SEEN``, ``BOUGHT`` or one of the machine's kinds."""

    at: int
    kind: int
    entry_id: bytes
    code: str = ""
    number: int = -1


def entry(number: int) -> bytes:
    return number.to_bytes(16, "big")


def at(day: int, hours: int = 12) -> int:
    """Return the instant so many hours after the start of a day; day 0 is 2024-01-01."""
    return CALENDAR.start(START + day) + hours * HOUR


def take(inputs: Inputs, tail: Tail | None, told: Told, timetable: Timetable) -> Tail | None:
    """Tell the machine one thing; return its tail, None if a refold is due."""
    if told.kind == SEEN:
        return follow_known(inputs, tail, told.at, told.entry_id)
    if told.kind == BOUGHT:
        return follow_purchase(inputs, tail, told.at, told.entry_id, timetable)
    event = Event(told.at, Kind(told.kind), told.entry_id, told.code, told.number)
    return follow_event(inputs, tail, event, timetable)


def inputs_of(story: Iterable[Told], timetable: Timetable) -> Inputs:
    """Return the inputs that a story leaves, whatever its order."""
    inputs = Inputs()
    for told in story:
        take(inputs, None, told, timetable)
    return inputs


def told(kind: int, day: int, hours: int = 12, code: str = "", number: int = -1) -> Told:
    """Return something that happened; its entry id is its day."""
    return Told(at(day, hours), kind, entry(day), code, number)


def bought(*days: int) -> list[Told]:
    return [told(BOUGHT, day) for day in days]


def opened(day: int, severity: int = 2, incident: str = "I-1") -> Told:
    return told(Kind.INCIDENT_OPENED, day, code=incident, number=severity)


def reopened(day: int, incident: str = "I-1") -> Told:
    return told(Kind.INCIDENT_REOPENED, day, code=incident)


def resolved(day: int, incident: str = "I-1") -> Told:
    return told(Kind.INCIDENT_ENDED, day, code=incident)


def cancelling(day: int, life: int = -1) -> Told:
    return told(Kind.CANCEL_INTENT, day, number=life)


def ended(day: int, reason: str = "request") -> Told:
    return told(Kind.RELATIONSHIP_ENDED, day, code=reason)


def judged(story: list[Told], until: int, *rules: LifecycleRules, hours: int = 12) -> Judgement:
    """Return how a party stands on a day; the short ways must lead there too."""
    timetable = LifecycleRulebook(rules or (LifecycleRules(),)).timetable(CALENDAR)
    inputs, horizon = inputs_of(story, timetable), at(until, hours)
    judgement = judge(inputs, timetable, horizon)
    assert judgement is not None
    tail = refold(inputs, timetable)
    assert msgspec.structs.replace(judgement, transitions=()) == stand(
        inputs, tail, timetable, horizon
    )
    short = rest(tail, horizon, timetable)
    assert short is None or short[:3] == (judgement.stage, judgement.since, judgement.at_risk)
    return judgement


def moves(story: list[Told], until: int, *rules: LifecycleRules) -> list[tuple[int, str, str]]:
    """Return the transitions as (day, to, timer)."""
    return [
        (CALENDAR.day(one.at) - START, one.to_stage.value, one.timer.value)
        for one in judged(story, until, *rules).transitions
    ]


def oracle_rules(rules: LifecycleRules) -> lifecycle.Rules:
    width = rules.renewal_window_days or None
    falling = rules.falling_on
    return lifecycle.Rules(
        k0=rules.prior_weight,
        median_gap_days=rules.population_gap_days,
        n_loyal=rules.loyal_days,
        back_n=rules.won_back_days,
        u_risk_tenths=rules.risk_tenths,
        u_lapse_tenths=rules.lapse_tenths,
        severity=rules.incident_severity,
        incident_hours=rules.incident_hours,
        signal_days=rules.signal_days,
        falling_window_days=rules.falling_window_days if falling else None,
        falling_percent=rules.falling_percent if falling else None,
        renewal_before_days=width,
        renewal_after_days=width,
    )


def for_the_oracle(story: Sequence[Told], rules: LifecycleRules) -> list[history.Happening]:
    """Tell a story to the oracle, what begins before what ends at equal instants.

    Ends of signals are stated, for the oracle counts a default life in whole days.
    """
    severities: dict[str, int] = {}
    return [_happening(told, rules, severities) for told in sorted(story)]


def _happening(told: Told, rules: LifecycleRules, severities: dict[str, int]) -> history.Happening:
    moment = moment_of(told.at)
    match told.kind:
        case 0:
            return history.Seen(moment)
        case -1:
            return history.Purchased(moment)
        case Kind.REGISTERED:
            return history.Registered(moment)
        case Kind.COMPETITOR_OFFER | Kind.CANCEL_INTENT:
            life = rules.signal_days if told.number < 0 else told.number
            return history.Signalled(moment, _SIGNALS[told.kind], moment + timedelta(days=life))
        case Kind.INCIDENT_OPENED:
            severities[told.code] = told.number
            return history.IncidentOpened(moment, told.code, told.number)
        case Kind.INCIDENT_REOPENED:
            return history.IncidentOpened(moment, told.code, severities.get(told.code, 0))
        case Kind.INCIDENT_ENDED:
            return history.IncidentEnded(moment, told.code)
        case Kind.RELATIONSHIP_ENDED:
            return history.Ended(moment, final=told.code == "death")
        case _:
            raise AssertionError(told.kind)


_KINDS = [SEEN, *[BOUGHT] * 8, *Kind, Kind.INCIDENT_OPENED, Kind.CANCEL_INTENT, Kind.INCIDENT_ENDED]
_INCIDENTS = [*[Kind.INCIDENT_OPENED] * 3, Kind.INCIDENT_REOPENED, *[Kind.INCIDENT_ENDED] * 3]
_PLAIN_KINDS = [
    SEEN, *[BOUGHT] * 12, *_INCIDENTS,
    Kind.REGISTERED, Kind.CANCEL_INTENT, Kind.RELATIONSHIP_ENDED,
]  # fmt: skip
_OFFSETS = st.sampled_from([0, 0, HOUR, 9 * HOUR, 9 * HOUR + 1, 12 * HOUR, DAY - HOUR - 1])


@st.composite
def stories(draw: st.DrawFn, days: int = 90, size: int = 25, *, plain: bool = False) -> list[Told]:
    """Histories in the order of time, dense enough that every rule meets every other.

    Plain ones are mostly purchases and incidents, and reopened now and then.
    """
    told = []
    for number in range(draw(st.integers(1, size))):
        kind = draw(st.sampled_from(_PLAIN_KINDS if plain else _KINDS))
        happened = CALENDAR.start(START + draw(st.integers(0, days))) + draw(_OFFSETS)
        told.append(Told(happened, kind, entry(number), *_details(draw, kind)))
    return sorted(told)


def _details(draw: st.DrawFn, kind: int) -> tuple[str, int]:
    if kind == Kind.RELATIONSHIP_ENDED:
        return draw(st.sampled_from(["request", "request", "company", "death"])), -1
    if kind in {Kind.COMPETITOR_OFFER, Kind.CANCEL_INTENT}:
        return "", draw(st.sampled_from([-1, 0, 1, 3, 10, 30]))
    code = draw(st.sampled_from(["A", "B"]))
    if kind == Kind.INCIDENT_OPENED:
        return code, draw(st.integers(1, 4))
    return (code, -1) if kind in {Kind.INCIDENT_REOPENED, Kind.INCIDENT_ENDED} else ("", -1)


@st.composite
def rule_sets(draw: st.DrawFn, *, falling: bool = True, renewal: bool = True) -> LifecycleRules:
    """Rules with short cadences, so that a season is a life."""
    return LifecycleRules(
        version=f"v{draw(st.integers(1, 99))}",
        prior_weight=draw(st.integers(1, 3)),
        population_gap_days=draw(st.integers(1, 9)),
        loyal_days=draw(st.integers(1, 5)),
        won_back_days=draw(st.integers(0, 3)),
        risk_tenths=draw(st.sampled_from([8, 15, 20, 48])),
        lapse_tenths=draw(st.sampled_from([10, 30, 48, 85])),
        incident_severity=draw(st.integers(1, 4)),
        incident_hours=draw(st.sampled_from([0, 9, 48, 72, 720])),
        falling_window_days=draw(st.sampled_from([0, 0, 7, 30])) if falling else 0,
        falling_percent=draw(st.sampled_from([20, 60, 100])),
        renewal_window_days=draw(st.sampled_from([0, 0, 1, 2, 5])) if renewal else 0,
        signal_days=draw(st.sampled_from([1, 5, 20])),
    )


@st.composite
def rulebooks(draw: st.DrawFn, *, plain: bool = False) -> LifecycleRulebook:
    """One to three versions of the rules, the later ones in force from a day of the season."""
    versions = rule_sets(falling=not plain, renewal=not plain)
    first, *others = draw(st.lists(versions, min_size=1, max_size=3))
    days = sorted(draw(st.lists(st.integers(1, 120), min_size=2, max_size=2, unique=True)))
    dated = [
        _dated(rules, f"later-{index}", START + days[index]) for index, rules in enumerate(others)
    ]
    return LifecycleRulebook((first, *dated))


def _dated(rules: LifecycleRules, version: str, day: int) -> LifecycleRules:
    return msgspec.structs.replace(rules, version=version, effective_from=day)
