"""Closing months: in order, once, equal to the ledger, valued by approved estimates."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.accounting.books import (
    Books,
    BooksDamagedError,
    ClosingError,
    Coordinate,
    ReopeningRefusedError,
    Value,
    reopen,
)
from domain.accounting.closing import close, evolve, project_books
from domain.accounting.estimates import EstimateError
from domain.accounting.journal import (
    journal_lines,
)
from domain.accounting.months import first_day, month_text
from domain.accounting.movements import (
    Movement,
    MovementKind,
    RollForward,
    RollForwardError,
    prior_period_list,
)
from domain.accounting.revenue import RevenueError
from domain.decisions import record
from domain.decisions.catalogue import DECISIONS
from domain.instants import date_of
from tests.domain.accounting_books import (
    DECEMBER,
    JANUARY,
    LATER,
    closed,
    example,
    ledger,
    prepared,
)
from tests.domain.accounting_samples import (
    EARNED,
    NOVEMBER,
    PAID,
    PARTNER,
    PORTFOLIOS,
    PROMOTIONAL,
    approved,
    estimate,
    movement,
)

GOLDEN = "fcac449a1fdf713895f551ba8bb4cb6d601108710e98dadbe5533c7a6dd55515"


def test_the_example_of_the_domain_goes_through_the_books_to_the_unit() -> None:
    estimates, movements = example()
    books, november = closed(Books(), NOVEMBER, movements, 25, estimates)
    (total,) = november.totals
    assert RollForward(0, 10_000, -4_500, 0, 0, 0, 0, 5_500) == total.points
    assert Value("EUR", 0, 8_676, 4_110, 4_566, 0) == total.value
    books, december = closed(books, DECEMBER, movements, 35, estimates)
    (total,) = december.totals
    assert RollForward(5_500, 0, -4_000, 0, 0, 0, 0, 1_500) == total.points
    # 8,676 × 4,500 / 9,700 = 4,025: the estimate alone takes 85 of the revenue back.
    assert Value("EUR", 4_566, 0, 3_493, 1_073, -85) == total.value
    assert 9_700 == december.estimates[0].estimate.redemption
    assert 1_073 == sum(pool.liability for pool in books.pools.values())


def test_a_late_movement_counts_in_the_first_open_month_and_leaves_the_closed_one_alone() -> None:
    punctual = movement("issued", 1_000, NOVEMBER, position=10, price=950)
    late = movement("issued", 100, NOVEMBER, position=50, price=95)
    books, november = closed(Books(), NOVEMBER, [punctual], 25)
    after, december = closed(books, DECEMBER, [punctual, late], 60)
    (total,) = december.totals
    assert RollForward(1_000, 100, 0, 0, 0, 0, 0, 1_100) == total.points
    assert RollForward(0, 100, 0, 0, 0, 0, 0, 100) == total.prior
    assert november.digest == december.previous == books.digest
    assert (late,) == tuple(
        row.movement for row in prior_period_list([punctual, late], after.periods, DECEMBER)
    )
    # The pool is that of the month of issue: revenue is as if the points had been there in time.
    in_time, _ = closed(Books(), NOVEMBER, [punctual, msgspec.structs.replace(late, position=11)])
    assert in_time.pools == after.pools


def test_paid_and_promotional_points_stand_apart() -> None:
    movements = [
        movement("issued", 1_000, portfolio=PAID, price=2_000),
        movement("redeemed", -95, portfolio=PAID),
        movement("issued", 1_000, portfolio=PROMOTIONAL),
        movement("redeemed", -95, portfolio=PROMOTIONAL),
    ]
    _, november = closed(Books(), NOVEMBER, movements)
    values = {total.portfolio: total.value for total in november.totals}
    assert {
        PAID: Value("EUR", 0, 2_000, 200, 1_800, 0),
        PROMOTIONAL: Value("EUR", 0, 950, 95, 855, 0),
    } == values
    accounts = [(line.account, line.debit, line.credit) for line in journal_lines(november)]
    assert [
        ("1490", 2_000, 0), ("2410", 0, 2_000), ("2410", 200, 0), ("4110", 0, 200),
        ("6100", 950, 0), ("2450", 0, 950), ("2450", 95, 0), ("6190", 0, 95),
    ] == accounts  # fmt: skip


def test_the_first_close_opens_the_books_with_what_happened_before() -> None:
    movements = [
        movement("issued", 10_000, NOVEMBER - 7, position=10, price=8_676),
        movement("redeemed", -4_500, NOVEMBER - 1, position=20, cohort=NOVEMBER - 7),
        movement("redeemed", -4_000, NOVEMBER, position=30, cohort=NOVEMBER - 7),
    ]
    _, november = closed(Books(), NOVEMBER, movements)
    (total,) = november.totals
    assert (5_500, 1_500) == (total.points.opening, total.points.closing)
    assert RollForward(0, 0, 0, 0, 0, 0, 0, 0) == total.prior
    assert Value("EUR", 4_566, 0, 3_653, 913, 0) == total.value
    first = journal_lines(november)[:2]
    assert [("9000", 4_566, 0), ("2400", 0, 4_566)] == [
        (line.account, line.debit, line.credit) for line in first
    ]


def test_months_are_closed_in_order() -> None:
    books, _ = closed(Books(), NOVEMBER, [movement("issued", 5)])
    with pytest.raises(ClosingError, match="close 2026-12 first"):
        prepared(books, JANUARY, [])
    december = prepared(books, DECEMBER, [movement("issued", 5)])
    with pytest.raises(ClosingError, match="a month that is over, found time at 2026-12-31"):
        close(books, december, by="carla", today=first_day(JANUARY) - 1)
    assert close(books, december, by="carla", today=first_day(JANUARY))


def test_a_close_never_knows_less_than_the_one_before() -> None:
    books, _ = closed(Books(), NOVEMBER, [movement("issued", 5)], known_at=70)
    with pytest.raises(ClosingError, match="expected decisions from 70 on, found 69"):
        prepared(books, DECEMBER, [], known_at=69)


def test_a_closed_month_never_changes() -> None:
    movements = [movement("issued", 5)]
    preparation = prepared(Books(), NOVEMBER, movements)
    other = prepared(Books(), NOVEMBER, [*movements, movement("issued", 6)])
    (decision,) = close(Books(), preparation, by="carla", today=LATER)
    books = evolve(Books(), decision)
    assert () == close(books, preparation, by="dora", today=LATER)
    with pytest.raises(ReopeningRefusedError, match="counts in 2026-12 and stands in the prior"):
        close(books, other, by="carla", today=LATER)
    for month in (NOVEMBER, NOVEMBER - 1):
        with pytest.raises(ReopeningRefusedError, match="leave a closed month alone"):
            prepared(books, month, movements)
        with pytest.raises(ReopeningRefusedError, match=month_text(month)):
            reopen(books, month)
    with pytest.raises(ClosingError, match="nothing to reopen"):
        reopen(books, DECEMBER)


def test_a_preparation_from_other_books_is_refused() -> None:
    books, _ = closed(Books(), NOVEMBER, [movement("issued", 5)])
    stale = msgspec.structs.replace(prepared(books, DECEMBER, [movement("issued", 5)]), previous="")
    with pytest.raises(ClosingError, match="prepare again"):
        close(books, stale, by="carla", today=LATER)


def test_a_close_names_the_person_who_did_it() -> None:
    with pytest.raises(ClosingError, match="name of a person"):
        close(Books(), prepared(Books(), NOVEMBER, []), by=" ", today=LATER)


def test_a_month_that_differs_from_the_ledger_is_not_closed() -> None:
    with pytest.raises(RollForwardError) as caught:
        prepared(Books(), NOVEMBER, [movement("issued", 5)], held={EARNED: 6})
    assert (EARNED, 5, 6) == (caught.value.portfolio, caught.value.expected, caught.value.found)


def test_a_month_without_an_approved_estimate_is_not_closed() -> None:
    movements = [movement("issued", 5, portfolio=PARTNER)]
    late = approved(estimate(PARTNER, effective_from="2026-12-01"))
    with pytest.raises(EstimateError, match="2026-11-30"):
        prepared(Books(), NOVEMBER, movements, estimates=late)
    in_time = approved(estimate(PARTNER, effective_from="2026-11-30"))
    assert prepared(Books(), NOVEMBER, movements, estimates=in_time).totals


def test_a_price_in_another_currency_is_refused() -> None:
    dollars = msgspec.structs.replace(movement("issued", 5, price=7), money="USD")
    with pytest.raises(RevenueError, match="expected prices in EUR, found 7 minor units of 'USD'"):
        prepared(Books(), NOVEMBER, [dollars])


def test_earned_points_without_a_sale_are_shown_to_the_controller() -> None:
    movements = [movement("issued", 5), movement("issued", 7, price=3)]
    (total,) = prepared(Books(), NOVEMBER, movements).totals
    assert 5 == total.unpriced


def test_the_digest_binds_everything_and_the_close_before() -> None:
    """Golden: a digest that was published must come out for ever."""
    _, decision = closed(Books(), NOVEMBER, example()[1], 25, example()[0])
    assert GOLDEN == decision.digest
    digests = {
        decision.digest,
        closed(Books(), NOVEMBER, example()[1], 26, example()[0])[1].digest,
        closed(Books(), NOVEMBER, example()[1][:1], 25, example()[0])[1].digest,
        closed(Books(digest="x"), NOVEMBER, example()[1], 25, example()[0])[1].digest,
    }
    assert 4 == len(digests)


def test_a_close_is_read_back_from_the_log() -> None:
    estimates, movements = example()
    books, november = closed(Books(), NOVEMBER, movements, 25, estimates)
    after, december = closed(books, DECEMBER, movements, 35, estimates)
    kind = DECISIONS.types["vinculo.month_closed.v1"]
    stored = [msgspec.json.encode(one, order="deterministic") for one in (november, december)]
    read = [msgspec.json.decode(one, type=kind) for one in stored]
    assert [november, december] == read
    projected = project_books(None, record(Books(), [november, december]))
    assert msgspec.structs.replace(after, version=2) == projected


def test_a_log_with_a_changed_close_is_refused() -> None:
    estimates, movements = example()
    books, november = closed(Books(), NOVEMBER, movements, 25, estimates)
    _, december = closed(books, DECEMBER, movements, 35, estimates)
    replace = msgspec.structs.replace
    (total,) = november.totals
    richer = replace(total, value=replace(total.value, released=4_111))
    more = replace(total, points=replace(total.points, closing=5_501))
    for state, damaged in [
        (Books(), replace(november, totals=(richer,))),
        (Books(), replace(november, totals=(more,))),
        (Books(), replace(november, coordinate=Coordinate(1, 25))),
        (Books(), replace(november, digest="")),
        (books, replace(december, month=JANUARY)),
        (books, november),
        (replace(books, digest="other"), december),
    ]:
        with pytest.raises(BooksDamagedError, match="log is damaged"):
            evolve(state, damaged)


@pytest.mark.parametrize("field", ["opening", "closing", "liability"])
def test_a_close_that_contradicts_itself_is_refused_even_with_its_own_digest(field: str) -> None:
    estimates, movements = example()
    books, _ = closed(Books(), NOVEMBER, movements, 25, estimates)
    fine = prepared(books, DECEMBER, movements, 35, estimates)
    replace, (total,) = msgspec.structs.replace, fine.totals
    points, value, pools = total.points, total.value, fine.pools
    if field == "opening":
        points = replace(points, opening=5_501, closing=1_501)
    elif field == "closing":
        value = replace(value, closing=1_074)
    else:
        pools = (replace(pools[0], released=0),)
    wrong = replace(fine, totals=(replace(total, points=points, value=value),), pools=pools)
    (decision,) = close(books, wrong, by="carla", today=LATER)
    with pytest.raises(BooksDamagedError, match="opening points and liability"):
        evolve(books, decision)


KINDS: st.SearchStrategy[MovementKind] = st.sampled_from(get_args(MovementKind))


@st.composite
def histories(draw: st.DrawFn) -> list[Movement]:
    """Movements of all kinds of four months, in any order of months and positions."""
    movements = []
    for position in range(1, draw(st.integers(1, 40))):
        kind, portfolio = draw(KINDS), draw(st.sampled_from(PORTFOLIOS))
        points = draw(st.integers(0, 1_000))
        sold = kind == "issued" and portfolio != PROMOTIONAL
        movements.append(
            movement(
                kind,
                points if kind in {"issued", "adjusted", "transferred"} else -points,
                draw(st.integers(NOVEMBER - 2, JANUARY)),
                position,
                portfolio,
                draw(st.integers(NOVEMBER - 3, JANUARY)),
                draw(st.integers(0, 10_000)) if sold else 0,
            )
        )
    return movements


REDEMPTIONS = st.lists(st.integers(0, 10_000), min_size=3, max_size=3)


@settings(max_examples=60)
@given(histories(), REDEMPTIONS)
def test_any_history_closes_month_by_month_and_its_journal_balances(
    movements: list[Movement], redemptions: list[int]
) -> None:
    """Late movements, catch-ups, claw-backs: roll-forward = ledger, accounts = liability."""
    estimates = approved(
        *(
            estimate(portfolio, redemption, effective_from=date_of(first_day(month)).isoformat())
            for month, redemption in zip(range(NOVEMBER, JANUARY + 1), redemptions, strict=True)
            for portfolio in PORTFOLIOS
        )
    )
    books, balances = Books(), dict.fromkeys(("2400", "2410", "2450"), 0)
    for month in range(NOVEMBER, JANUARY + 1):
        known_at = 13 * (month - NOVEMBER + 1)
        books, decision = closed(books, month, movements, known_at, estimates)
        lines = journal_lines(decision)
        assert sum(line.debit for line in lines) == sum(line.credit for line in lines)
        for line in lines:
            assert min(line.debit, line.credit) == 0 < max(line.debit, line.credit)
            if line.account in balances:
                balances[line.account] += line.credit - line.debit
        owed = dict.fromkeys(balances, 0)
        for pool in books.pools.values():
            account = {"earned": "2400", "paid": "2410", "promotional": "2450"}
            owed[account[pool.portfolio.kind]] += pool.liability
        assert owed == balances
        held = ledger(movements, month, known_at)
        assert held == {one.portfolio: one.points.closing for one in decision.totals}


@settings(max_examples=30)
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_movements_does_not_matter(movements: list[Movement], random: object) -> None:
    shuffled = list(movements)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random of Hypothesis
    expected = prepared(Books(), NOVEMBER, movements).digest
    assert expected == prepared(Books(), NOVEMBER, shuffled).digest
