"""The lifecycle part: from facts to canonical bytes and to what is shown."""

from itertools import pairwise
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import Calendar
from domain.fact import Fact
from domain.instants import DAY, MICROSECOND, day_of, moment_of
from domain.lifecycle.judgement import judge
from domain.lifecycle.machine import refold
from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules, Timetable
from domain.touchpoints import (
    CATALOGUE,
    CampaignSent,
    CancelIntentDeclared,
    CompetitorOfferSeen,
    CustomerRegistered,
    IncidentClosed,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    Line,
    PurchaseMade,
    PurchaseReturned,
    RelationshipEnded,
    Touchpoint,
    TouchpointCorrected,
    TouchpointVoided,
)
from projections.customer.part import Context, Reading
from projections.customer.parts.lifecycle import PART, LifecycleState, render, settle
from tests.domain.lifecycle_histories import CALENDAR, Told, at, rulebooks, stories, take
from tests.folding import CANONICAL, CONTEXT, fact, fold, instant, numbers_in, show
from tests.strategies import histories, instants

T = TypeVar("T")
LINES = (Line(product="tea", quantity=1_000, amount=500),)
PURCHASE = PurchaseMade(number="1", currency="EUR", lines=LINES)
RETURN = PurchaseReturned(number="2", currency="EUR", lines=LINES)
MOVING = (
    PurchaseMade,
    PurchaseReturned,
    CustomerRegistered,
    CampaignSent,
    CancelIntentDeclared,
    CompetitorOfferSeen,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentClosed,
    RelationshipEnded,
)
TWO_RULEBOOKS = Context(
    Calendar.in_zone("America/New_York"),
    LifecycleRulebook(
        (
            LifecycleRules(population_gap_days=2, incident_hours=20, signal_days=3),
            LifecycleRules(
                version="lifecycle-2",
                effective_from=day_of(moment_of(instant("2024-03-05")).date()),
                population_gap_days=1,
                risk_tenths=10,
                lapse_tenths=20,
                renewal_window_days=1,
            ),
        )
    ),
)


def settled(facts: list[Fact], horizon: str) -> LifecycleState:
    state: LifecycleState = fold(PART, facts)
    settle(state, instant(horizon), CONTEXT)
    return state


def test_a_loyal_customer_is_shown_as_computed_by_hand() -> None:
    # g = (54 + 30)/5 = 16.8; over the risk 81 days after 2024-01-31, that is on 2024-04-21.
    days = ("2024-01-01", "2024-01-11", "2024-01-21", "2024-01-31")
    facts = [fact(PURCHASE, day, entry=index) for index, day in enumerate(days)]

    assert {
        "stage": "loyalty",
        "since": "2024-01-31T12:00:00Z",
        "reasons": ["consolidated"],
        "at_risk": False,
        "cause": "00000000-0000-0000-0000-000000000003",
        "timer": None,
        "renewal_due_on": None,
        "cadence_days": "16.8",
        "expected_next_purchase_on": "2024-02-17",
        "won_back_counter": 0,
        "next_transition_on": "2024-04-21",
        "rules": "lifecycle-1",
    } == show(PART, settled(facts, "2024-02-01"), "2024-02-01")


def test_showing_a_later_moment_runs_the_timers_and_leaves_the_state_as_it_is() -> None:
    state = settled([fact(PURCHASE, "2024-01-01", entry=7)], "2024-01-02")
    before = CANONICAL.encode(state)

    # One purchase: prevention 130 and lapsed 230 days later, at midnight of Madrid's summer time.
    assert {
        "stage": "lapsed",
        "since": "2024-08-17T22:00:00Z",
        "reasons": ["silence_over_lapse", "silence_over_risk", "not_consolidated"],
        "at_risk": True,
        "cause": "00000000-0000-0000-0000-000000000007",
        "timer": "silence_lapse",
        "renewal_due_on": None,
        "cadence_days": "27.0",
        "expected_next_purchase_on": "2024-01-28",
        "won_back_counter": 0,
        "next_transition_on": None,
        "rules": "lifecycle-1",
    } == show(PART, state, "2024-08-18")
    assert ("prevention", "2024-08-18") == tuple(
        show(PART, state, "2024-05-10")[key] for key in ("stage", "next_transition_on")
    )
    assert before == CANONICAL.encode(state)


def test_a_state_that_is_not_settled_is_shown_as_if_it_were() -> None:
    facts = [fact(PURCHASE, "2024-01-01"), fact(PURCHASE, "2024-01-09")]

    assert show(PART, settled(facts, "2024-01-09")) == show(PART, fold(PART, facts))


def test_of_nobody_nothing_is_shown() -> None:
    state = LifecycleState()

    assert None is settle(state, instant("2024-01-01"), CONTEXT)
    assert (None, None, False) == (state.stage, state.since, state.at_risk)
    assert None is render(state, Reading(CONTEXT, 0))


def test_settling_returns_the_instant_of_the_next_timer_and_fires_those_that_are_due() -> None:
    state = fold(PART, [fact(PURCHASE, "2024-01-01")])
    prevention, lapsed = instant("2024-05-09T22:00:00Z"), instant("2024-08-17T22:00:00Z")

    assert prevention == settle(state, prevention - MICROSECOND, CONTEXT)
    assert ("development", False) == (state.stage, state.at_risk)
    assert lapsed == settle(state, prevention, CONTEXT)
    assert ("prevention", prevention, True) == (state.stage, state.since, state.at_risk)
    assert None is settle(state, lapsed, CONTEXT)
    assert ("lapsed", lapsed, True) == (state.stage, state.since, state.at_risk)


def test_a_late_purchase_gives_what_a_punctual_one_would_have_given() -> None:
    facts = [fact(PURCHASE, day, entry=n) for n, day in enumerate(("2024-01-01", "2024-04-30"))]
    punctual = settled(facts, "2024-05-20")
    late = settled(facts[:1], "2024-05-20")

    assert "prevention" == late.stage
    settle(fold(PART, facts[1:], late), instant("2024-05-20"), CONTEXT)
    assert "development" == late.stage
    assert CANONICAL.encode(punctual) == CANONICAL.encode(late)


@pytest.mark.parametrize("touchpoint", [CampaignSent(campaign="spring"), PURCHASE])
def test_any_touchpoint_makes_a_party_known(touchpoint: Touchpoint) -> None:
    state = settled([fact(touchpoint, "2024-03-01")], "2024-03-02")

    assert instant("2024-03-01") == state.since


def test_every_touchpoint_is_handled_but_those_that_correct_another() -> None:
    assert {TouchpointCorrected, TouchpointVoided} == set(CATALOGUE.names) - set(PART.handlers)


def test_an_earlier_touchpoint_makes_a_prospect_known_earlier() -> None:
    state = settled([fact(CampaignSent(campaign="spring"), "2024-03-01")], "2024-03-02")
    earlier = fact(CampaignSent(campaign="winter"), "2024-02-01")
    settle(fold(PART, [earlier], state), instant("2024-03-02"), CONTEXT)

    assert ("prospect", instant("2024-02-01")) == (state.stage, state.since)


def test_facts_of_an_incident_may_arrive_in_any_order() -> None:
    facts = [
        fact(PURCHASE, "2024-01-01", entry=0),
        fact(IncidentOpened(incident="I-1", severity=4), "2024-02-01", entry=1),
        fact(IncidentResolved(incident="I-1"), "2024-02-10", entry=2),
        fact(IncidentClosed(incident="I-1"), "2024-02-11", entry=3),
    ]
    state = settled(facts[2:] + facts[:1], "2024-02-20")

    assert ("development", instant("2024-01-01")) == (state.stage, state.since)
    settle(fold(PART, facts[1:2], state), instant("2024-02-20"), CONTEXT)
    assert ("development", instant("2024-02-10")) == (state.stage, state.since)
    assert CANONICAL.encode(settled(facts, "2024-02-20")) == CANONICAL.encode(state)


@pytest.mark.parametrize(
    ("touchpoint", "stage", "reason"),
    [
        (CancelIntentDeclared(), "prevention", "cancel_intent"),
        (CancelIntentDeclared(lives_days=9), "prevention", "held:cancel_intent"),
        (CompetitorOfferSeen(lives_days=11), "prevention", "competitor_offer"),
        (CancelIntentDeclared(lives_days=0), "development", "not_consolidated"),
        (IncidentOpened(incident="I-1", severity=3), "prevention", "incident_open:I-1"),
        (IncidentReopened(incident="I-1"), "development", "not_consolidated"),
        (RelationshipEnded(reason="death"), "closed", "ended:death"),
        (
            PurchaseReturned(number="2", currency="EUR", lines=LINES),
            "development",
            "not_consolidated",
        ),
    ],
)
def test_what_each_touchpoint_makes_of_a_customer_ten_days_later(
    touchpoint: Touchpoint, stage: str, reason: str
) -> None:
    facts = [fact(PURCHASE, "2024-03-01"), fact(touchpoint, "2024-03-05")]
    document = show(PART, settled(facts, "2024-03-15"), "2024-03-15")

    assert (stage, reason) == (document["stage"], document["reasons"][0])


def test_a_registration_reopens_a_closed_relationship() -> None:
    facts = [
        fact(PURCHASE, "2024-03-01"),
        fact(RelationshipEnded(), "2024-03-05"),
        fact(CustomerRegistered(), "2024-03-07"),
    ]

    assert "closed" == settled(facts[:2], "2024-03-20").stage
    assert "won_back" == settled(facts, "2024-03-20").stage


def test_of_touchpoints_at_one_instant_the_least_entry_id_makes_a_party_known() -> None:
    facts = [fact(CampaignSent(campaign="spring"), "2024-03-01", entry=n) for n in (5, 3, 4)]

    assert "00000000-0000-0000-0000-000000000003" == show(PART, fold(PART, facts))["cause"]


def stored_after(
    batches: list[list[Fact]], horizons: list[int], context: Context
) -> tuple[bytes, int | None]:
    """Return the bytes, stored and read again between batches, and the next due instant."""
    stored, due, latest = CANONICAL.encode(LifecycleState()), None, 0
    for batch, horizon in zip(batches, horizons, strict=True):
        state = msgspec.msgpack.decode(stored, type=LifecycleState)
        for one in batch:
            PART.handlers[type(one.touchpoint)](state, one, one.touchpoint, context)
            latest = max(latest, one.occurred_at)
        due = settle(state, max(horizon, latest), context)
        stored = CANONICAL.encode(state)
    return stored, due


def cut(facts: list[T], places: set[int]) -> list[list[T]]:
    starts = [0, *sorted(place for place in places if 0 < place < len(facts)), len(facts)]
    return [facts[start:end] for start, end in pairwise(starts)]


@settings(max_examples=80, deadline=None)
@given(data=st.data(), context=st.sampled_from([CONTEXT, TWO_RULEBOOKS]))
def test_any_order_any_batches_and_any_horizons_give_the_same_bytes(
    data: st.DataObject, context: Context
) -> None:
    facts = data.draw(histories(*MOVING))
    batches = cut(data.draw(st.permutations(facts)), data.draw(st.sets(st.integers(0, 20))))
    ticks = st.lists(instants(), min_size=len(batches), max_size=len(batches))
    horizons = sorted(data.draw(ticks))

    at_once = stored_after([facts], horizons[-1:], context)
    assert at_once == stored_after(batches, horizons, context)


@settings(max_examples=80, deadline=None)
@given(
    facts=histories(*MOVING),
    horizon=instants(),
    later=st.integers(0, 400 * DAY),
    context=st.sampled_from([CONTEXT, TWO_RULEBOOKS]),
)
def test_a_state_is_what_its_inputs_say_and_stays_so_until_the_next_due_instant(
    facts: list[Fact], horizon: int, later: int, context: Context
) -> None:
    stored, due = stored_after([facts], [horizon], context)
    state = msgspec.msgpack.decode(stored, type=LifecycleState)
    timetable = context.lifecycle.timetable(context.calendar)
    reach = max([horizon, *(one.occurred_at for one in facts)])
    judgement = judge(state.inputs, timetable, reach)

    if judgement is None:
        assert ([], None, None) == (facts, state.stage, due)
        return
    assert (judgement.stage, judgement.since, judgement.at_risk, judgement.next_due) == (
        state.stage,
        state.since,
        state.at_risk,
        due,
    )
    until = reach + later if due is None else min(due - MICROSECOND, reach + later)
    before = render(state, Reading(context, reach))
    assert due == settle(state, until, context)
    assert stored == CANONICAL.encode(state)
    assert before == render(state, Reading(context, until))


def settled_through(
    batches: list[list[Told]], days: list[int], timetable: Timetable, context: Context
) -> bytes:
    """Return the bytes of a party that was settled to a day after each batch."""
    state, latest = LifecycleState(), 0
    for batch, day in zip(batches, days, strict=True):
        for told in batch:
            state.tail = take(state.inputs, state.tail, told, timetable)
            latest = max(latest, told.at)
        settle(state, max(at(day), latest), context)
        assert refold(state.inputs, timetable) == state.tail
    return CANONICAL.encode(state)


@settings(max_examples=150, deadline=None)
@given(story=stories(), book=rulebooks() | rulebooks(plain=True), data=st.data())
def test_what_timers_did_before_a_touchpoint_came_leaves_no_trace(
    story: list[Told], book: LifecycleRulebook, data: st.DataObject
) -> None:
    context = Context(CALENDAR, book)
    timetable = book.timetable(CALENDAR)
    ordered = data.draw(st.permutations(story) | st.just(story))
    batches = cut(ordered, data.draw(st.sets(st.integers(0, 20))))
    ticks = st.lists(st.integers(0, 200), min_size=len(batches), max_size=len(batches))
    days = sorted(data.draw(ticks))

    at_once = settled_through([story], days[-1:], timetable, context)
    assert at_once == settled_through(batches, days, timetable, context)


@settings(max_examples=60, deadline=None)
@given(facts=histories(*MOVING), now=instants())
def test_what_is_shown_holds_no_float(facts: list[Fact], now: int) -> None:
    document: Any = show(PART, fold(PART, facts), moment_of(now).isoformat())

    assert [] == [one for one in numbers_in(document) if isinstance(one, float)]


def test_a_thousand_purchase_days_take_twenty_four_bytes_each() -> None:
    days = [moment_of(instant("2020-01-01") + day * DAY).isoformat() for day in range(1_000)]
    state = settled([fact(PURCHASE, day) for day in days], days[-1])

    assert 24_000 < len(CANONICAL.encode(state)) < 24_300
