"""Ultimate redemption by the chain-ladder method, and its back-test."""

from fractions import Fraction
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.development import (
    BackTest,
    Cohort,
    CohortDevelopment,
    Development,
    DevelopmentError,
    back_test,
    develop,
)
from tests.domain.accounting_samples import NOVEMBER

FIRST = NOVEMBER - 3


def triangle(*rows: tuple[int, ...], issued: int = 1_000) -> list[Cohort]:
    """Cohorts from August on; each row is what was redeemed at each age."""
    return [Cohort(FIRST + place, issued, row, (0,) * len(row)) for place, row in enumerate(rows)]


WORKED = triangle((100, 100, 50, 10), (120, 100, 54), (80, 100), (110,))


def test_a_worked_triangle() -> None:
    """Cumulated: 100 200 250 260; 120 220 274; 80 180; 110. Factors 600/300, 524/420, 260/250."""
    found = develop(WORKED, NOVEMBER)
    assert ((600, 300), (524, 420), (260, 250)) == found.factors
    third, last = Fraction(524, 420), Fraction(260, 250)
    expected = [Fraction(260), 274 * last, 180 * third * last, 110 * 2 * third * last]
    assert [round(one) for one in expected] == [one.ultimate for one in found.cohorts]
    assert [260, 285, 234, 285] == [one.ultimate for one in found.cohorts]
    assert (1_064, 2_660) == (found.ultimate, found.redemption)
    assert ("chain_ladder", 740, 2_600, 7_400) == (
        found.cohorts[0].method,
        found.cohorts[0].open,
        found.cohorts[0].burn_rate,
        found.cohorts[0].breakage_rate,
    )


def test_the_back_test_of_a_worked_triangle() -> None:
    tests = back_test(WORKED, NOVEMBER)
    august, september, october = tests
    # A single cohort of a single age tells nothing: nothing more is expected.
    assert BackTest(FIRST, 100, 100, 260, -615, -1_000) == august
    # August grew by 2 to its second age; beyond that nothing had been seen.
    assert BackTest(FIRST + 1, 320, 200 + 240, 260 + 274, -176, -439) == september
    # 250 + 220 × 250/200 + 80 × 420/220 × 250/200, each a month or more further on.
    expected = 250 + Fraction(220 * 250, 200) + Fraction(80 * 420, 220)
    assert 678 == round(expected)
    assert BackTest(FIRST + 2, 550, 678, 260 + 274 + 180, -50, -220) == october


STEADY = tuple(
    Cohort(FIRST - age, 10_000 * (age + 1), row, (0,) * (age + 1))
    for age in range(12)
    for row in [
        tuple((age + 1) * step for step in (1_000, 800, 600, 400, 200, *(0,) * 9)[: age + 1])
    ]
)


def test_a_steady_programme_is_foretold_exactly() -> None:
    """Every cohort burns 30 % within five months; the ladder knows as soon as it has seen that."""
    assert 3_000 == develop(STEADY, FIRST).redemption
    tests = back_test(STEADY, FIRST)
    assert [0] * 7 == [one.error for one in tests[4:]]
    assert all(one.error is not None and one.error < 0 for one in tests[:4])


def test_a_habit_that_breaks_shows_in_the_back_test() -> None:
    """The control: customers stop redeeming two months before the end."""
    broken = [
        Cohort(
            one.month,
            one.issued,
            (*one.redeemed[:-2], *(0,) * min(2, len(one.redeemed))),
            one.expired,
        )
        for one in STEADY
    ]
    errors = [one.error_to_come for one in back_test(broken, FIRST)]
    assert errors[-3] is None or errors[-3] > 500
    assert any(error is not None and error > 100 for error in errors[4:])


def test_a_cohort_without_redemptions_takes_the_rate_of_the_others() -> None:
    found = develop(triangle((0, 100, 20), (0, 90), (0,)), FIRST + 2)
    assert ((0, 0), (120, 100)) == found.factors
    assert ["chain_ladder", "chain_ladder", "pooled"] == [one.method for one in found.cohorts]
    assert [120, 108, 114] == [one.ultimate for one in found.cohorts]


def test_a_cohort_without_redemptions_is_back_tested_by_the_rate_and_pattern_of_the_others() -> (
    None
):
    """Known in October: 0 100 120, 0 90, 0. October's 1,000 points develop as the others did.

    By two months later: 120; 90 × 120/100; and 1,000 × (120 + 108)/2,000, all of the pattern.
    """
    rows = (0, 100, 20, 0, 0), (0, 90, 10, 10), (0, 80, 4)
    found = back_test(triangle(*rows, (0, 0), (0,)), FIRST + 4)
    assert BackTest(FIRST + 2, 210, 120 + 108 + 114, 120 + 110 + 84, 89, 269) == found[2]
    # In September only August's first redemptions were known: nobody's pattern but its own.
    assert (100, 100 + 100) == (found[1].redeemed, found[1].estimated)


def test_without_any_redemption_nothing_is_foretold() -> None:
    found = develop(triangle((0, 0), (0,)), FIRST + 1)
    assert ["observed", "observed"] == [one.method for one in found.cohorts]
    assert 0 == found.redemption
    assert [None] == [one.error for one in back_test(triangle((0, 0), (0,)), FIRST + 1)]


def test_an_empty_history_is_an_empty_estimate() -> None:
    assert Development(NOVEMBER, (), ()) == develop([], NOVEMBER)
    assert 0 == develop([], NOVEMBER).redemption
    assert () == back_test([], NOVEMBER)


def test_no_more_is_foretold_than_has_not_expired() -> None:
    cohorts = [
        Cohort(FIRST, 100, (10, 80), (0, 0)),
        Cohort(FIRST + 1, 100, (50,), (30,)),
    ]
    found = develop(cohorts, FIRST + 1)
    assert CohortDevelopment(FIRST + 1, 100, 50, 30, 20, 70, "chain_ladder") == found.cohorts[1]


@pytest.mark.parametrize(
    ("cohorts", "said"),
    [
        ([Cohort(NOVEMBER, 1, (1, 0), (0, 0))], "expected 1 months .* found 2 and 2"),
        ([Cohort(NOVEMBER, 1, (1,), ())], "found 1 and 0"),
        ([Cohort(NOVEMBER + 1, 1, (), ())], "expected 0 months"),
        ([Cohort(NOVEMBER, 1, (1,), (0,))] * 2, "found one twice"),
    ],
)
def test_a_history_with_holes_or_repetitions_is_refused(cohorts: list[Cohort], said: str) -> None:
    with pytest.raises(DevelopmentError, match=said):
        develop(cohorts, NOVEMBER)


@st.composite
def triangles(draw: st.DrawFn) -> list[Cohort]:
    """Histories of up to seven months, redemptions never beyond what was issued."""
    cohorts = []
    months = draw(st.integers(1, 7))
    for place in range(months):
        ages = months - place
        issued = draw(st.integers(0, 10_000))
        redeemed, expired, left = [], [], issued
        for _ in range(ages):
            redeemed.append(draw(st.integers(0, left)))
            left -= redeemed[-1]
            expired.append(draw(st.integers(0, left)))
            left -= expired[-1]
        cohorts.append(Cohort(FIRST + place, issued, tuple(redeemed), tuple(expired)))
    return cohorts


@given(triangles())
def test_estimates_lie_between_what_was_and_what_can_be(cohorts: list[Cohort]) -> None:
    known = FIRST + len(cohorts) - 1
    found = develop(list(reversed(cohorts)), known)
    assert [one.month for one in cohorts] == [one.month for one in found.cohorts]
    for one in found.cohorts:
        assert one.issued == one.redeemed + one.expired + one.open
        assert one.redeemed <= one.ultimate <= one.redeemed + one.open
        assert 0 <= one.breakage_rate <= 10_000
    assert 0 <= found.redemption <= 10_000


@given(triangles())
def test_a_back_test_uses_no_later_knowledge(cohorts: list[Cohort]) -> None:
    """Other redemptions after a month change what came, never what was estimated then."""
    known = FIRST + len(cohorts) - 1
    for one in back_test(cohorts, known):
        later = [
            Cohort(
                cohort.month,
                cohort.issued,
                tuple(
                    points if cohort.month + age <= one.month else 0
                    for age, points in enumerate(cohort.redeemed)
                ),
                cohort.expired,
            )
            for cohort in cohorts
        ]
        again = back_test(later, known)[one.month - FIRST]
        assert (one.redeemed, one.estimated) == (again.redeemed, again.estimated)
        assert again.came == again.redeemed
        known_then = (cohort for cohort in cohorts if cohort.month <= one.month)
        assert sum(sum(cohort.redeemed) for cohort in known_then) == one.came


@given(triangles())
def test_factors_are_the_plain_definition(cohorts: list[Cohort]) -> None:
    cumulated = [list(accumulate(cohort.redeemed)) for cohort in cohorts]
    for age, (after, before) in enumerate(develop(cohorts, FIRST + len(cohorts) - 1).factors):
        reached = [row for row in cumulated if len(row) > age + 1]
        sums = sum(row[age + 1] for row in reached), sum(row[age] for row in reached)
        assert (sums if min(sums) > 0 else (0, 0)) == (after, before)
