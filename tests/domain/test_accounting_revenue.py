"""IFRS 15: a sale divided, revenue as points are redeemed, a changed estimate, breakage."""

from fractions import Fraction

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.accounting.movements import Activity
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import (
    AllocatedSale,
    Option,
    Pool,
    RevenueError,
    advance,
    allocate_sale,
    begin,
    estimate_anew,
    expected_points,
    recognised,
    stand_alone,
)
from domain.accounting.rounding import AllocationError, allocate, half_up
from tests.domain.accounting_samples import EARNED, NOVEMBER, PAID, PARTNER, PROMOTIONAL, estimate

POINTS = st.integers(0, 10**9)
RATES = st.integers(0, 10_000)
PRICES = st.integers(0, 10**11)
ACTIVITIES = st.builds(
    Activity,
    issued=POINTS,
    redeemed=POINTS.map(lambda points: -points),
    expired=POINTS.map(lambda points: -points),
    clawed_back=POINTS.map(lambda points: -points),
    adjusted=st.integers(-(10**6), 10**6),
    transferred=st.integers(-(10**6), 10**6),
    price=PRICES,
)
STEPS = st.lists(st.tuples(ACTIVITIES, RATES), max_size=8)
MIXED_STEPS = st.lists(st.tuples(ACTIVITIES, RATES, st.integers(0, 10**6)), max_size=8)


def pool(portfolio: Portfolio = EARNED, redemption: int = 9_500, price: int = 1_000) -> Pool:
    """A pool without points."""
    return begin(portfolio, NOVEMBER, estimate(portfolio, redemption, price))


def test_the_example_of_the_domain_comes_out_to_the_unit() -> None:
    """Sales of 100,000 with 10,000 points of which 9,500, later 9,700, are expected at 1.00."""
    sale = allocate_sale(100_000, 100_000, [Option(points=10_000, price=1_000, redemption=9_500)])
    assert AllocatedSale(goods=91_324, options=(8_676,)) == sale

    issued = advance(pool(), Activity(issued=10_000, price=sale.options[0]))
    assert (0, 8_676) == (issued.released, issued.liability)

    first = advance(issued, Activity(redeemed=-4_500))
    assert (4_110, 4_566) == (first.released, first.liability)

    anew = estimate_anew(first, estimate(EARNED, redemption=9_700))
    second = advance(anew, Activity(redeemed=-4_000))
    assert (3_493, 1_073) == (second.released - first.released, second.liability)


def test_the_example_of_the_domain_holds_in_the_plain_formula() -> None:
    assert 4_110 == recognised(8_676, 4_500, 9_500)
    assert 4_110 + 3_493 == recognised(8_676, 8_500, 9_700)


def test_a_lowered_estimate_is_caught_up_at_once() -> None:
    """9,700 expected and 4,500 redeemed of 9,000; then 9,200: 9,000 × 4,500 / 9,200 less before."""
    before = advance(pool(redemption=9_700), Activity(issued=10_000, price=9_000, redeemed=-4_500))
    anew = estimate_anew(before, estimate(EARNED, redemption=9_200))
    assert (4_175, 4_402) == (before.released, anew.released)


def test_points_of_several_kinds_share_the_price_of_one_sale() -> None:
    options = [Option(1_000, 1_000, 9_000), Option(500, 2_000, 5_000), Option(10, 0, 10_000)]
    assert [Fraction(900), Fraction(500), Fraction(0)] == [stand_alone(one) for one in options]
    assert AllocatedSale(8_772, (789, 439, 0)) == allocate_sale(10_000, 10_000, options)


def test_where_nothing_has_a_price_of_its_own_the_goods_have_all() -> None:
    assert AllocatedSale(70, (0,)) == allocate_sale(70, 0, [Option(10, 1_000, 0)])
    assert AllocatedSale(70, ()) == allocate_sale(70, 70, [])


def test_goods_that_are_free_leave_the_price_to_the_points() -> None:
    assert AllocatedSale(0, (70,)) == allocate_sale(70, 0, [Option(10, 1_000, 9_000)])


def test_a_sale_cannot_have_a_negative_price() -> None:
    with pytest.raises(AllocationError, match="at least 0"):
        allocate_sale(-1, 10, [])


@given(
    price=PRICES,
    goods=PRICES,
    options=st.lists(st.builds(Option, POINTS, st.integers(0, 10**6), RATES), max_size=5),
)
def test_the_parts_of_a_sale_always_sum_up_to_its_price(
    price: int, goods: int, options: list[Option]
) -> None:
    sale = allocate_sale(price, goods, options)
    assert price == sale.goods + sum(sale.options)
    whole = goods + sum(map(stand_alone, options), Fraction(0))
    for option, part in zip(options, sale.options, strict=True):
        if whole:
            assert abs(part - price * stand_alone(option) / whole) < 1


@given(whole=POINTS, weights=st.lists(POINTS, min_size=1, max_size=20))
def test_parts_sum_up_to_the_whole_and_are_exact_but_for_rounding(
    whole: int, weights: list[int]
) -> None:
    if not any(weights):
        weights[0] = 1
    parts = allocate(whole, weights)
    assert whole == sum(parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(whole * weight, sum(weights))) < 1


def test_what_is_left_over_goes_to_the_greatest_remainders_then_to_the_earlier_part() -> None:
    assert (34, 33, 33) == allocate(100, [1, 1, 1])
    assert (1, 0) == allocate(1, [1, 1])
    assert (1, 4) == allocate(5, [10, 39])
    assert (17, 17, 66) == allocate(100, [1, 1, 4])
    assert () == allocate(0, [])
    assert (0, 0) == allocate(0, [0, 0])


@pytest.mark.parametrize(("whole", "weights"), [(1, []), (1, [0, 0]), (-1, [1]), (1, [2, -1])])
def test_what_cannot_be_divided_is_refused(whole: int, weights: list[int]) -> None:
    with pytest.raises(AllocationError, match="weights of at least 0"):
        allocate(whole, weights)


@pytest.mark.parametrize(
    ("expected", "numerator", "denominator"),
    [
        (0, 0, 7),
        (1, 1, 2),
        (2, 3, 2),
        (0, -1, 2),
        (-1, -3, 2),
        (3, 10, 3),
        (4, 11, 3),
        (-3, -10, 3),
    ],
)
def test_a_half_goes_up(expected: int, numerator: int, denominator: int) -> None:
    assert expected == half_up(numerator, denominator)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**10))
def test_rounding_is_to_the_nearest(numerator: int, denominator: int) -> None:
    rest = half_up(numerator, denominator) - Fraction(numerator, denominator)
    assert Fraction(-1, 2) < rest <= Fraction(1, 2)


@given(steps=STEPS, portfolio=st.sampled_from([EARNED, PAID, PARTNER]))
def test_revenue_and_liability_make_the_price_at_each_step(
    steps: list[tuple[Activity, int]], portfolio: Portfolio
) -> None:
    state = pool(portfolio)
    for activity, redemption in steps:
        price = state.added
        state = estimate_anew(state, estimate(portfolio, redemption))
        assert price == state.added
        state = advance(state, activity)
        assert state.added == state.released + state.liability
        assert 0 <= state.released <= state.added
        assert 0 <= state.added <= price + activity.price


@given(steps=STEPS, redemption=RATES)
@example(steps=[(Activity(issued=10, price=7, redeemed=-3), 0)], redemption=5_000)
def test_a_catch_up_equals_having_known_from_the_start(
    steps: list[tuple[Activity, int]], redemption: int
) -> None:
    state, oracle = pool(), pool(redemption=redemption)
    for activity, estimated in steps:
        state = advance(estimate_anew(state, estimate(EARNED, estimated)), activity)
        oracle = advance(oracle, activity)
    assert oracle == estimate_anew(state, estimate(EARNED, redemption))


@given(st.lists(ACTIVITIES, min_size=1, max_size=6), st.sampled_from([EARNED, PAID]))
def test_a_month_in_one_step_or_in_several_recognises_the_same(
    activities: list[Activity], portfolio: Portfolio
) -> None:
    """Without claw-backs, that take the average price of what was there before them."""
    whole, state = Activity(), pool(portfolio)
    for activity in activities:
        activity.clawed_back = 0
        whole.include(activity)
        state = advance(state, activity)
    assert advance(pool(portfolio), whole) == state


@given(issued=st.integers(1, 10**9), redemption=RATES, price=PRICES, data=st.data())
def test_when_no_point_is_left_all_is_recognised(
    issued: int, redemption: int, price: int, data: st.DataObject
) -> None:
    """Expired points release the part of the liability that was never redeemed (B44)."""
    redeemed = data.draw(st.integers(0, issued))
    state = advance(
        pool(redemption=redemption),
        Activity(issued=issued, price=price, redeemed=-redeemed, expired=redeemed - issued),
    )
    assert (0, price, 0) == (state.outstanding, state.released, state.liability)


def test_expiry_releases_nothing_before_it_exceeds_the_expected_breakage() -> None:
    state = advance(pool(), Activity(issued=10_000, price=8_676, redeemed=-4_500))
    within = advance(state, Activity(expired=-500))
    assert 4_110 == within.released
    beyond = advance(within, Activity(expired=-500))
    assert half_up(8_676 * 4_500, 9_000) == beyond.released == 4_338


def test_breakage_is_recognised_in_proportion_to_the_pattern_of_redemption() -> None:
    """B46: with 5 % never to be redeemed, each redeemed point brings 5 % of itself more."""
    state = advance(pool(), Activity(issued=10_000, price=9_500, redeemed=-2_000))
    assert (2_000, 100) == (state.released, state.breakage)
    assert 475 == advance(state, Activity(redeemed=-7_500)).breakage


def test_a_claw_back_takes_its_share_of_the_price_out_again() -> None:
    state = advance(pool(), Activity(issued=10_000, price=8_676))
    returned = advance(state, Activity(clawed_back=-2_500))
    assert (6_507, 7_500, 0) == (returned.added, returned.granted, returned.released)
    nothing = advance(returned, Activity(clawed_back=-7_500))
    assert (0, 0, 0) == (nothing.added, nothing.released, nothing.liability)


@given(issued=st.integers(1, 10**6), price=PRICES, parts=st.lists(st.integers(1, 1000), max_size=9))
def test_buying_and_returning_in_any_parts_leaves_no_price_behind(
    issued: int, price: int, parts: list[int]
) -> None:
    state = advance(pool(), Activity(issued=issued, price=price))
    for part in allocate(issued, parts) if parts else (issued,):
        state = advance(state, Activity(clawed_back=-part))
    assert (0, 0) == (state.granted, state.added)


def test_a_reversed_redemption_takes_its_revenue_back() -> None:
    state = advance(pool(), Activity(issued=10_000, price=8_676, redeemed=-4_500))
    back = advance(state, Activity(redeemed=4_500))
    assert (0, 8_676) == (back.released, back.liability)


def test_more_redeemed_than_expected_recognises_all_and_no_more() -> None:
    state = advance(pool(redemption=1_000), Activity(issued=100, price=90, redeemed=-50))
    assert (90, 0, 50) == (state.released, state.liability, state.outstanding)


def test_what_nobody_is_expected_to_redeem_is_recognised_at_once() -> None:
    assert 90 == advance(pool(redemption=0), Activity(issued=100, price=90)).released


def test_points_nobody_paid_for_are_a_cost_and_no_contract_liability() -> None:
    """1,000 points at 2.5 minor units each, of which 60 % are expected to be redeemed."""
    given_ = advance(pool(PROMOTIONAL, 6_000, 2_500), Activity(issued=1_000))
    assert (1_500, 0, 1_500) == (given_.added, given_.released, given_.liability)
    used = advance(given_, Activity(redeemed=-200))
    assert (1_500, 500, 1_000) == (used.added, used.released, used.liability)
    anew = estimate_anew(used, estimate(PROMOTIONAL, 5_000, 2_500))
    assert (1_250, 500, 750) == (anew.added, anew.released, anew.liability)
    gone = advance(anew, Activity(expired=-800))
    assert (500, 500, 0) == (gone.added, gone.released, gone.liability)
    assert 0 == gone.breakage


@given(MIXED_STEPS)
def test_a_provision_is_what_was_charged_less_what_was_used_and_never_negative(
    steps: list[tuple[Activity, int, int]],
) -> None:
    state = pool(PROMOTIONAL)
    for activity, redemption, price in steps:
        activity.price = 0
        state = advance(estimate_anew(state, estimate(PROMOTIONAL, redemption, price)), activity)
        assert state.added == state.released + state.liability
        assert 0 <= state.liability


def test_promotional_points_cannot_have_been_paid_for() -> None:
    with pytest.raises(RevenueError, match="of kind `earned`"):
        advance(pool(PROMOTIONAL), Activity(issued=10, price=1))


def test_a_pool_is_valued_by_its_own_estimate_only() -> None:
    with pytest.raises(RevenueError, match="by its own"):
        estimate_anew(pool(), estimate(PAID))
    with pytest.raises(RevenueError, match="in USD"):
        estimate_anew(pool(), estimate(EARNED, money="USD"))


def test_an_overdrawn_pool_owes_nothing() -> None:
    state = advance(pool(), Activity(redeemed=-70))
    assert (-70, 0, 0) == (state.outstanding, state.released, state.liability)
    assert 0 == state.breakage
    assert 0 == advance(state, Activity(clawed_back=-70)).liability


def test_no_fewer_points_are_expected_than_were_redeemed_and_no_more_than_can_be() -> None:
    assert Fraction(9_500) == expected_points(10_000, 4_500, 0, 9_500)
    assert Fraction(9_000) == expected_points(10_000, 4_500, 1_000, 9_500)
    assert Fraction(4_500) == expected_points(10_000, 4_500, 0, 1_000)
    assert Fraction(19, 20) == expected_points(1, 0, 0, 9_500)


def test_a_pool_is_read_back_as_it_was_written() -> None:
    state = advance(pool(), Activity(issued=10_000, price=8_676, redeemed=-4_500))
    assert state == msgspec.json.decode(msgspec.json.encode(state), type=Pool)
