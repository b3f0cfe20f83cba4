"""The loyalty part: from facts to canonical bytes and to what is shown."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendar import UTC_CALENDAR
from domain.fact import Fact
from domain.identifiers import Persona
from domain.instants import HOUR, MICROSECOND, instant_of, moment_of
from domain.lifecycle.rules import LifecycleRulebook
from domain.loyalty.holdings import UnbalancedBookError
from domain.loyalty.programmes import Programme, ProgrammeRegister
from domain.touchpoints import loyalty as stated
from domain.touchpoints.base import Touchpoint
from projections.customer.part import Context, Reading
from projections.customer.parts.loyalty import (
    PART,
    LoyaltyAccount,
    LoyaltyState,
    NextExpiry,
    render,
    settle,
)

encode = msgspec.msgpack.Encoder(order="deterministic").encode
T = TypeVar("T")
START = 1_700_000_000_000_000
SELF_EXPIRING = Programme(code="gold", upstream_states_expiry=False)
CONTEXT = Context(UTC_CALENDAR, LifecycleRulebook(), ProgrammeRegister((SELF_EXPIRING,)))


def hour(number: int) -> int:
    return START + number * HOUR


def moment(number: int) -> datetime:
    return moment_of(hour(number))


def fact(
    at: int, touchpoint: Touchpoint, source: str = "till", sequence: int = -1, event: str = "e"
) -> Fact:
    name = f"{source}/{event}/{at}/{touchpoint!r}"
    return Fact(
        hashlib.sha256(name.encode()).digest()[:16],
        source,
        name,
        sequence,
        Persona("card", b"\0" * 16),
        hour(at),
        touchpoint,
    )


def about(kind: str, programme: str = "gold", account: str = "A1", **details: Any) -> Any:
    return getattr(stated, kind)(programme=programme, account=account, **details)


def earned(
    points: int, active: int | None = None, expires: int | None = None, **details: Any
) -> Any:
    return about(
        "PointsEarned",
        points=points,
        active_from=None if active is None else moment(active),
        expires_at=None if expires is None else moment(expires),
        **details,
    )


def folded(facts: list[Fact], horizon: int, context: Context = CONTEXT) -> LoyaltyState:
    state = LoyaltyState()
    for one in facts:
        PART.handlers[type(one.touchpoint)](state, one, one.touchpoint, context)
    settle(state, hour(horizon), context)
    return state


def shown(state: LoyaltyState, now: int, context: Context = CONTEXT) -> list[LoyaltyAccount]:
    return render(state, Reading(context, hour(now))).accounts


def only(accounts: Sequence[T]) -> T:
    assert 1 == len(accounts)
    return accounts[0]


def test_a_year_of_an_account_is_shown_as_computed_by_hand() -> None:
    facts = [
        fact(0, about("AccountOpened")),
        fact(1, earned(500, expires=100)),
        fact(2, earned(300, active=50, expires=100)),
        fact(3, about("PointsRedeemed", points=120)),
        fact(4, about("PointsAdjusted", points=40)),
        fact(5, about("PointsAdjusted", points=-100)),
        fact(60, about("PointsRedeemed", points=50)),
    ]

    account = only(shown(folded(facts, 70), 70))
    later = only(shown(folded(facts, 70), 100))

    # 500 - 120 - 100 - 50 of the first lot, 300 of the second, 40 of the adjustment.
    balance = only(account.balances)
    assert (570, 0, 0, 0, 0) == (
        balance.available,
        balance.pending,
        balance.withheld,
        balance.awaiting_expiry,
        balance.overdrawn,
    )
    assert (800, 170, 0, 40, 100, -60) == (
        balance.earned,
        balance.redeemed,
        balance.expired,
        balance.adjusted_up,
        balance.adjusted_down,
        balance.adjusted,
    )
    assert NextExpiry(moment(100), 530) == balance.next_expiry
    assert (40, 530, None) == (
        only(later.balances).available,
        only(later.balances).expired,
        only(later.balances).next_expiry,
    )
    assert ("open", moment(0), None) == (account.status, account.opened_at, account.closed_at)
    assert (7, moment(0), moment(60)) == (
        account.statements,
        account.first_statement_at,
        account.last_statement_at,
    )
    assert [] == account.flags


def test_showing_a_later_moment_runs_the_timers_and_leaves_the_state_as_it_is() -> None:
    state = folded([fact(1, earned(70, active=10, expires=20)), fact(2, earned(5))], 3)
    before = encode(state)

    seen = [
        (balance.available, balance.pending, balance.expired)
        for balance in (only(only(shown(state, now)).balances) for now in (9, 10, 19, 20))
    ]

    assert [(5, 70, 0), (75, 0, 0), (75, 0, 0), (5, 0, 70)] == seen
    assert before == encode(state)


def test_settling_returns_the_earliest_timer_of_all_accounts() -> None:
    facts = [
        fact(1, earned(10, expires=30)),
        fact(1, earned(10, active=20, account="A2")),
        fact(1, earned(10)),
    ]
    state = folded(facts, 1)

    dues = [settle(state, hour(horizon), CONTEXT) for horizon in (1, 20, 30)]

    assert [hour(20), hour(30), None] == dues


def test_what_is_next_to_expire_includes_pending_points_of_the_same_date() -> None:
    facts = [fact(1, earned(10, expires=30)), fact(1, earned(5, active=20, expires=30))]

    balance = only(only(shown(folded(facts, 1), 1)).balances)

    assert NextExpiry(moment(30), 15) == balance.next_expiry


def test_each_currency_has_a_book_of_its_own() -> None:
    facts = [
        fact(1, earned(10)),
        fact(1, earned(70, currency="miles")),
        fact(2, about("PointsRedeemed", points=60, currency="miles")),
    ]

    balances = only(shown(folded(facts, 2), 2)).balances

    assert [("miles", 10), ("points", 10)] == [(b.currency, b.available) for b in balances]


def test_a_closed_account_withholds_what_is_left_until_it_is_opened_again() -> None:
    facts = [
        fact(1, earned(10)),
        fact(2, earned(30, active=50)),
        fact(3, about("AccountClosed")),
    ]

    closed = only(shown(folded(facts, 4), 4))
    opened = only(shown(folded([*facts, fact(5, about("AccountOpened"))], 6), 6))

    balance = only(closed.balances)
    assert ("closed", moment(3)) == (closed.status, closed.closed_at)
    assert (0, 0, 40) == (balance.available, balance.pending, balance.withheld)
    assert (10, 30, 0) == (
        only(opened.balances).available,
        only(opened.balances).pending,
        only(opened.balances).withheld,
    )
    assert ("open", None, moment(5)) == (opened.status, opened.closed_at, opened.opened_at)


def test_of_an_opening_and_a_closing_at_one_instant_the_later_in_sequence_counts() -> None:
    first = fact(1, about("AccountOpened"))
    closed = fact(3, about("AccountClosed"), sequence=7)
    opened = fact(3, about("AccountOpened"), sequence=8)
    again = fact(3, about("AccountClosed"), sequence=9)

    def told(*facts: Fact) -> tuple[str, datetime | None, int]:
        account = only(shown(folded(list(facts), 4), 4))
        return account.status, account.opened_at, account.statements

    assert ("open", moment(1), 3) == told(opened, first, closed)
    assert ("closed", moment(1), 4) == told(again, opened, first, closed)


def test_statements_are_counted_and_dated_over_all_books_and_statuses() -> None:
    facts = [
        fact(5, about("AccountOpened")),
        fact(2, earned(10)),
        fact(9, earned(10, currency="miles")),
        fact(4, earned(10, currency="miles")),
        fact(6, earned(10)),
    ]

    account = only(shown(folded(facts, 9), 9))

    assert (5, moment(2), moment(9)) == (
        account.statements,
        account.first_statement_at,
        account.last_statement_at,
    )


def test_what_moves_on_a_closed_account_is_booked_and_flagged() -> None:
    closing = [fact(1, earned(10)), fact(3, about("AccountClosed"))]
    before = fact(2, about("PointsRedeemed", points=4))
    after = fact(4, about("PointsRedeemed", points=4))

    quiet = only(shown(folded([*closing, before], 9), 9))
    flagged = only(shown(folded([*closing, after], 9), 9))

    assert [] == quiet.flags
    assert ["moved_after_closing"] == flagged.flags
    assert 6 == only(flagged.balances).withheld


def test_two_sources_of_one_account_are_two_accounts_and_both_are_flagged() -> None:
    facts = [
        fact(1, earned(10), source="till"),
        fact(1, earned(90), source="crm"),
        fact(1, earned(1, account="A2"), source="crm"),
        fact(1, earned(1, programme="silver"), source="crm"),
    ]

    accounts = shown(folded(facts, 2), 2)

    assert [
        ("gold", "crm", "A1", 90, ["several_sources"]),
        ("gold", "crm", "A2", 1, []),
        ("gold", "till", "A1", 10, ["several_sources"]),
        ("silver", "crm", "A1", 1, []),
    ] == [(a.programme, a.source, a.account, only(a.balances).available, a.flags) for a in accounts]


def test_an_overdraft_is_flagged_while_it_lasts_and_remembered_when_it_is_paid_off() -> None:
    overdraft = [fact(1, earned(10)), fact(2, about("PointsRedeemed", points=25))]

    during = only(shown(folded(overdraft, 2), 2))
    after = only(shown(folded([*overdraft, fact(3, earned(20))], 3), 3))

    assert (["overdrawn", "was_overdrawn"], 15) == (during.flags, only(during.balances).overdrawn)
    assert (["was_overdrawn"], 5) == (after.flags, only(after.balances).available)


def test_our_own_expiry_applies_only_where_the_programme_says_that_upstream_states_none() -> None:
    facts = [
        fact(1, earned(10, expires=20)),
        fact(1, earned(10, expires=20, programme="silver")),
    ]

    gold, silver = shown(folded(facts, 20), 20)

    assert ("gold", 0, 10, 0, []) == (
        gold.programme,
        only(gold.balances).available,
        only(gold.balances).expired,
        only(gold.balances).awaiting_expiry,
        gold.flags,
    )
    assert ("silver", 0, 0, 10, ["awaiting_expiry"]) == (
        silver.programme,
        only(silver.balances).available,
        only(silver.balances).expired,
        only(silver.balances).awaiting_expiry,
        silver.flags,
    )


def test_an_expiry_stated_where_none_was_expected_is_booked_and_flagged() -> None:
    facts = [fact(1, earned(10)), fact(2, about("PointsExpired", points=4))]

    account = only(shown(folded(facts, 2), 2))

    assert ["expiry_stated_unexpectedly"] == account.flags
    assert (6, 4) == (only(account.balances).available, only(account.balances).expired)


def test_a_customer_without_an_account_shows_none() -> None:
    assert [] == shown(LoyaltyState(), 1)
    assert settle(LoyaltyState(), hour(1), CONTEXT) is None


def test_a_state_that_was_tampered_with_is_not_shown() -> None:
    state = folded([fact(1, earned(10))], 1)
    state.accounts[0].books[0].holdings.available = 1_000

    with pytest.raises(UnbalancedBookError):
        shown(state, 1)


def test_a_document_is_plain_json() -> None:
    document = msgspec.json.decode(
        msgspec.json.encode(
            render(folded([fact(1, earned(10, expires=9))], 1), Reading(CONTEXT, hour(2)))
        )
    )

    expected = {"at": "2023-11-15T07:13:20Z", "points": 10}
    assert expected == document["accounts"][0]["balances"][0]["next_expiry"]


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
