"""The loyalty part over histories drawn at random: any order, any tick, one set of bytes."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fact import Fact
from domain.instants import MICROSECOND, instant_of
from projections.customer.parts.loyalty import (
    PART,
    LoyaltyState,
    settle,
)
from tests.projections.loyalty import CONTEXT, about, earned, encode, fact, folded, hour, shown

hours = st.integers(0, 40)
points = st.integers(1, 30)
touchpoints = st.one_of(
    st.builds(
        earned, points, st.none() | hours, st.none() | hours, account=st.sampled_from(["A1", "A2"])
    ),
    st.builds(
        lambda kind, points, account, programme: about(
            kind, points=points, account=account, programme=programme
        ),
        st.sampled_from(["PointsEarned", "PointsRedeemed", "PointsExpired", "PointsAdjusted"]),
        points,
        st.sampled_from(["A1", "A2"]),
        st.sampled_from(["gold", "silver"]),
    ),
    st.builds(lambda points: about("PointsAdjusted", points=-points), points),
    st.builds(about, st.sampled_from(["AccountOpened", "AccountClosed"])),
    st.builds(earned, points, st.none() | hours, st.none() | hours, currency=st.just("miles")),
)
facts_drawn = st.lists(
    st.tuples(hours, touchpoints, st.sampled_from(["till", "crm"]), st.integers(-1, 1)),
    max_size=16,
).map(
    lambda drawn: [
        fact(at, touchpoint, source, sequence, str(index))
        for index, (at, touchpoint, source, sequence) in enumerate(drawn)
    ]
)


def in_order(facts: list[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda one: (one.occurred_at, one.source, one.sequence, one.entry_id))


@settings(max_examples=200, deadline=None)
@given(facts_drawn, st.integers(40, 80), st.randoms(use_true_random=False))
def test_any_order_of_arrival_any_batches_and_any_ticks_give_the_same_bytes(
    facts: list[Fact], horizon: int, disorder: Random
) -> None:
    expected = encode(folded(in_order(facts), horizon))
    state = LoyaltyState()
    for one in disorder.sample(facts, len(facts)):
        PART.handlers[type(one.touchpoint)](state, one, one.touchpoint, CONTEXT)
        if disorder.random() < 0.4:
            settle(state, hour(disorder.randint(0, horizon)), CONTEXT)
            state = msgspec.msgpack.decode(encode(state), type=LoyaltyState)

    settle(state, hour(horizon), CONTEXT)

    assert expected == encode(state)
    assert expected == encode(msgspec.msgpack.decode(expected, type=LoyaltyState))


@settings(max_examples=150, deadline=None)
@given(facts_drawn, st.integers(40, 60), st.integers(0, 20))
def test_what_is_shown_for_a_moment_is_what_a_horizon_at_that_moment_shows(
    facts: list[Fact], horizon: int, more: int
) -> None:
    behind, ahead = folded(facts, horizon), folded(facts, horizon + more)

    assert shown(ahead, horizon + more) == shown(behind, horizon + more)


@settings(max_examples=150, deadline=None)
@given(facts_drawn, st.integers(40, 60))
def test_between_two_timers_every_horizon_gives_the_same_bytes(
    facts: list[Fact], horizon: int
) -> None:
    state = folded(facts, horizon)
    due = settle(state, hour(horizon), CONTEXT)
    before = encode(state)

    last = hour(1_000) if due is None else due - MICROSECOND
    assert due == settle(state, last, CONTEXT)
    assert before == encode(state)
    if due is not None:
        settle(state, due, CONTEXT)
        assert before != encode(state)


@settings(max_examples=150, deadline=None)
@given(facts_drawn, st.integers(40, 60))
def test_balances_shown_equal_totals_shown(facts: list[Fact], now: int) -> None:
    for account in shown(folded(facts, 40), now):
        for balance in account.balances:
            gained = balance.earned + balance.adjusted
            held = balance.available + balance.pending + balance.withheld
            held += balance.awaiting_expiry - balance.overdrawn
            assert gained - balance.redeemed - balance.expired == held
            assert not (balance.overdrawn and balance.available)
            assert balance.next_expiry is None or instant_of(balance.next_expiry.at) > hour(now)


@settings(max_examples=60, deadline=None)
@given(facts_drawn, st.integers(0, 15))
def test_the_state_holds_nothing_that_says_how_facts_arrived(
    facts: list[Fact], position: int
) -> None:
    moved = [msgspec.structs.replace(one, position=one.position + position) for one in facts]

    assert encode(folded(facts, 50)) == encode(folded(moved, 50))
