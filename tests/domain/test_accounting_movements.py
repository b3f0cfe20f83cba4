"""The roll-forward of a month, and movements that came too late for theirs."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.months import month_of
from domain.accounting.movements import (
    Activity,
    Movement,
    MovementKind,
    Periods,
    PriorPeriod,
    RollForward,
    RollForwardError,
    by_portfolio,
    check_ledger,
    check_roll_forward,
    describe,
    prior_period_list,
    roll,
    tally,
)
from tests.domain.accounting_samples import (
    EARNED,
    NOVEMBER,
    PAID,
    PORTFOLIOS,
    PROMOTIONAL,
    movement,
)

SEPTEMBER, OCTOBER, DECEMBER = NOVEMBER - 2, NOVEMBER - 1, NOVEMBER + 1
CLOSED = Periods(first=SEPTEMBER, positions=(100, 200))  # September and October
KINDS = get_args(MovementKind)
MOVEMENTS = st.lists(
    st.builds(
        movement,
        st.sampled_from(KINDS),
        st.integers(-1_000, 1_000),
        st.integers(SEPTEMBER - 3, DECEMBER),
        st.integers(1, 400),
        st.sampled_from(PORTFOLIOS),
        st.integers(SEPTEMBER - 5, DECEMBER),
    ),
    max_size=60,
)


def test_a_months_movements_roll_its_opening_to_its_closing() -> None:
    activity = Activity()
    for kind, points in [
        ("issued", 1_000), ("issued", 500), ("redeemed", -300), ("redeemed", 20), ("expired", -40),
        ("clawed_back", -50), ("adjusted", -5), ("adjusted", 7), ("transferred", 60),
    ]:  # fmt: skip
        activity.add(movement(kind, points))  # type: ignore[arg-type]  # a literal of the loop
    expected = RollForward(10_000, 1_500, -280, -40, -50, 2, 60, 11_192)
    assert expected == roll(10_000, activity)


@given(MOVEMENTS, st.integers(-(10**6), 10**6))
def test_a_roll_forward_always_closes(movements: list[Movement], opening: int) -> None:
    activity = Activity()
    for one in movements:
        activity.add(one)
    row = roll(opening, activity)
    check_roll_forward(EARNED, row)
    assert opening + sum(one.points for one in movements) == row.closing
    for field in KINDS:
        kept = sum(one.points for one in movements if one.kind == field)
        assert kept == getattr(row, field)


def test_a_roll_forward_that_differs_from_the_ledger_says_both_sides() -> None:
    rows = {EARNED: roll(5, Activity(issued=10)), PAID: roll(0, Activity())}
    check_ledger(rows, {EARNED: 15})
    with pytest.raises(RollForwardError, match=r"expected 15 points .* found 14 in the") as caught:
        check_ledger(rows, {EARNED: 14})
    assert (EARNED, 15, 14) == (caught.value.portfolio, caught.value.expected, caught.value.found)


def test_a_portfolio_that_only_the_ledger_knows_is_a_difference() -> None:
    with pytest.raises(RollForwardError, match=r"promotional: expected 0 points .* found 3 in"):
        check_ledger({}, {PROMOTIONAL: 3})


def test_a_roll_forward_that_contradicts_itself_is_refused() -> None:
    wrong = msgspec.structs.replace(roll(5, Activity(issued=10)), closing=16)
    with pytest.raises(RollForwardError, match=r"expected 15 points .* found 16 as closing"):
        check_ledger({EARNED: wrong}, {EARNED: 16})


@pytest.mark.parametrize(
    ("value_month", "position", "counted", "prior"),
    [
        (NOVEMBER, 250, NOVEMBER, False),
        (DECEMBER, 250, DECEMBER, False),
        (NOVEMBER, 50, NOVEMBER, False),  # entered early for a month to come
        (OCTOBER, 200, OCTOBER, False),  # the close of October looked at it
        (OCTOBER, 201, NOVEMBER, True),  # came after it
        (SEPTEMBER, 100, SEPTEMBER, False),
        (SEPTEMBER, 101, OCTOBER, True),  # after September's close, before October's
        (SEPTEMBER, 201, NOVEMBER, True),
        (SEPTEMBER - 9, 100, SEPTEMBER - 1, False),  # counted in the opening of the first close
        (SEPTEMBER - 9, 101, OCTOBER, True),
        (SEPTEMBER - 1, 300, NOVEMBER, True),
    ],
)
def test_a_movement_counts_in_its_month_or_in_the_first_that_was_open(
    value_month: int, position: int, counted: int, prior: bool
) -> None:
    one = movement("issued", 1, value_month, position)
    assert (counted, prior) == (CLOSED.accounting_month(one), CLOSED.is_prior_period(one))


def test_before_any_close_every_month_is_open() -> None:
    one = movement("issued", 1, SEPTEMBER, 7)
    assert SEPTEMBER == Periods().accounting_month(one)
    assert not Periods().is_prior_period(one)
    assert not Periods().is_closed(SEPTEMBER)
    assert Periods().first_open is None
    assert "no month is closed" == describe(Periods())


def test_what_is_closed_and_what_is_next_is_known() -> None:
    assert [True, True, True, False] == [
        CLOSED.is_closed(month) for month in (SEPTEMBER - 1, SEPTEMBER, OCTOBER, NOVEMBER)
    ]
    assert NOVEMBER == CLOSED.first_open
    assert "closed are 2026-09 to 2026-10" == describe(CLOSED)


def test_the_prior_period_list_names_the_original_month() -> None:
    late, punctual = movement("issued", 5, SEPTEMBER, 201), movement("issued", 6, NOVEMBER, 202)
    found = prior_period_list([punctual, late], CLOSED, NOVEMBER)
    assert [PriorPeriod(NOVEMBER, SEPTEMBER, late)] == list(found)
    assert [] == list(prior_period_list([punctual, late], CLOSED, OCTOBER))


@given(MOVEMENTS)
def test_every_movement_counts_once_whatever_is_closed_when(movements: list[Movement]) -> None:
    """Closing month after month and looking at all movements each time finds each exactly once."""
    periods, found = Periods(), 0
    for month in range(SEPTEMBER, DECEMBER + 1):
        known_at = 100 * (month - SEPTEMBER + 1)
        sums = tally(movements, periods, month, known_at)
        found += sum(one.points for one in (*sums.before.values(), *sums.month.values()))
        periods = Periods(SEPTEMBER, (*periods.positions, known_at))
        known = [
            one for one in movements if one.position <= known_at and month_of(one.day) <= month
        ]
        assert sum(one.points for one in known) == found


@given(MOVEMENTS)
def test_prior_period_sums_are_those_of_the_list(movements: list[Movement]) -> None:
    sums = tally(movements, CLOSED, NOVEMBER, 300)
    listed: dict[object, Activity] = {}
    for row in prior_period_list(movements, CLOSED, NOVEMBER):
        assert row.original < row.month == NOVEMBER
        if row.movement.position <= 300:
            listed.setdefault(row.movement.portfolio, Activity()).add(row.movement)
    assert listed == sums.prior
    assert not sums.before


def test_sums_are_kept_by_portfolio_and_month_of_issue() -> None:
    movements = [
        movement("issued", 5, cohort=NOVEMBER),
        movement("redeemed", -1, cohort=OCTOBER),
        movement("issued", 7, portfolio=PAID, price=3),
        movement("issued", 11, position=301),
    ]
    sums = tally(movements, CLOSED, NOVEMBER, 300)
    assert {
        (EARNED, NOVEMBER): Activity(issued=5, unpriced=5),
        (EARNED, OCTOBER): Activity(redeemed=-1),
        (PAID, NOVEMBER): Activity(issued=7, price=3),
    } == sums.month
    assert Activity(issued=5, redeemed=-1, unpriced=5) == by_portfolio(sums.month)[EARNED]


def test_promotional_points_need_no_price() -> None:
    activity = Activity()
    activity.add(movement("issued", 5, portfolio=PROMOTIONAL))
    assert 0 == activity.unpriced
