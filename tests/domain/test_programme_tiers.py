"""Tiers: reached at once, judged again when they end, extended, downgraded by policy."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instants import day_of
from domain.ledger.terms import NEVER
from domain.programmes.compiling import CompiledVersion
from domain.programmes.tier_rules import (
    BalanceMeasure,
    CalendarYear,
    HoldsForMonths,
    HoldsToNextPeriodEnd,
    Level,
    MembershipYear,
    PeriodMeasure,
    RollingMonths,
    TierRules,
)
from domain.programmes.tiers import Qualification, TierVerdict, judge_tier
from tests.domain.programme_cases import MADRID, compiled, rule

LEVELS = (
    Level(code="bronze", threshold=100),
    Level(code="silver", threshold=200),
    Level(code="gold", threshold=400),
)


def tiers(period: Any = None, **fields: Any) -> CompiledVersion:
    stated: dict[str, Any] = {
        "measure": PeriodMeasure(currency="p", period=period or CalendarYear()),
        "levels": LEVELS,
        "validity": HoldsForMonths(months=12)
        if isinstance(period, RollingMonths)
        else HoldsToNextPeriodEnd(),
    }
    return compiled(rule(), tiers=TierRules(**stated | fields))


def start(*day: int) -> int:
    return MADRID.start(day_of(date(*day)))


def noon(*day: int) -> int:
    return start(*day) + 12 * 3_600_000_000


def days(points: dict[tuple[int, int, int], int]) -> dict[int, int]:
    return {day_of(date(*day)): given_ for day, given_ in points.items()}


def asked(
    version: CompiledVersion,
    points: dict[tuple[int, int, int], int],
    at: tuple[int, int, int],
    held: tuple[str, int] = ("", NEVER),
    opened: tuple[int, int, int] = (2025, 5, 20),
    balance: int = 0,
) -> TierVerdict:
    shown = Qualification(days(points), balance, day_of(date(*opened)))
    return judge_tier(version, *held, shown, noon(*at))


def steps(verdict: TierVerdict) -> list[tuple[str, str, str]]:
    return [(step.was, step.tier, step.reason) for step in verdict.steps]


# ------------------------------------------------------------------ reaching


def test_a_tier_is_reached_at_once_and_holds_to_the_end_of_the_next_year() -> None:
    verdict = asked(tiers(), {(2026, 1, 1): 120, (2026, 6, 1): 80}, (2026, 6, 1))
    assert [("", "silver", "reached")] == steps(verdict)
    (step,) = verdict.steps
    assert (noon(2026, 6, 1), start(2028, 1, 1), 200) == (step.at, step.until, step.points)
    assert ("silver", step.until) == (verdict.tier, verdict.until)
    assert ("gold", 200) == (verdict.next_tier, verdict.missing)
    assert "200 points reach silver" == step.sentence


def test_one_point_less_does_not_reach_it_and_other_years_do_not_count() -> None:
    points = {(2025, 12, 31): 500, (2026, 1, 1): 99, (2026, 6, 2): 500}
    verdict = asked(tiers(), points, (2026, 6, 1))
    assert ([], "", NEVER) == (steps(verdict), verdict.tier, verdict.until)
    assert ("bronze", 1) == (verdict.next_tier, verdict.missing)


def test_what_was_clawed_back_does_not_count_and_takes_no_tier_at_once() -> None:
    held = ("silver", start(2028, 1, 1))
    verdict = asked(tiers(), {(2026, 3, 1): 50, (2026, 4, 1): -20}, (2026, 6, 1), held)
    assert ([], "silver", 30, 370) == (
        steps(verdict), verdict.tier, verdict.points, verdict.missing
    )  # fmt: skip


def test_above_the_highest_tier_there_is_nothing_to_miss() -> None:
    verdict = asked(tiers(), {(2026, 3, 1): 900}, (2026, 6, 1))
    assert ("gold", "", 0) == (verdict.tier, verdict.next_tier, verdict.missing)


@pytest.mark.parametrize(
    ("opened", "day", "first", "until"),
    [
        ((2025, 5, 20), (2026, 5, 19), (2025, 5, 20), (2027, 5, 20)),
        ((2025, 5, 20), (2026, 5, 20), (2026, 5, 20), (2028, 5, 20)),
        ((2024, 2, 29), (2026, 2, 27), (2025, 2, 28), (2027, 2, 28)),
        ((2024, 2, 29), (2026, 2, 28), (2026, 2, 28), (2028, 2, 29)),
    ],
)
def test_a_membership_year_begins_on_the_day_of_opening(
    opened: Any, day: Any, first: Any, until: Any
) -> None:
    version = tiers(MembershipYear())
    verdict = asked(version, {first: 100}, day, opened=opened)
    assert ("bronze", start(*until)) == (verdict.tier, verdict.until)
    before = days({first: 0}).popitem()[0] - 1
    shown = Qualification({before: 100}, 0, day_of(date(*opened)))
    assert "" == judge_tier(version, "", NEVER, shown, noon(*day)).tier


def test_rolling_months_are_the_running_one_and_those_before_it() -> None:
    version = tiers(RollingMonths(months=3))
    points = {(2026, 2, 28): 60, (2026, 3, 1): 60, (2026, 5, 31): 40}
    assert 100 == asked(version, points, (2026, 5, 31)).points
    assert 160 == asked(version, points, (2026, 4, 30)).points + 40
    assert start(2027, 6, 1) == asked(version, points, (2026, 5, 31)).until


def test_a_balance_is_measured_as_it_is() -> None:
    measure = BalanceMeasure(currency="p")
    version = tiers(measure=measure, validity=HoldsForMonths(months=1, until="month"))
    verdict = asked(version, {(2026, 1, 1): 1_000}, (2026, 1, 31), balance=250)
    assert ("silver", start(2026, 3, 1), 250) == (verdict.tier, verdict.until, verdict.points)


# ------------------------------------------------------------------ ending


@pytest.mark.parametrize(
    ("downgrade", "points", "tier", "until", "reason"),
    [
        ("to_earned", 0, "", NEVER, "downgraded"),
        ("to_earned", 100, "bronze", (2028, 1, 1), "downgraded"),
        ("to_earned", 400, "gold", (2028, 1, 1), "kept"),
        ("one_level", 0, "silver", (2028, 1, 1), "downgraded"),
        ("one_level", 399, "silver", (2028, 1, 1), "downgraded"),
        ("never", 0, "gold", NEVER, "kept"),
    ],
)
def test_the_last_day_of_a_tier_decides_what_follows(
    downgrade: Any, points: int, tier: str, until: Any, reason: str
) -> None:
    version = tiers(downgrade=downgrade, extension="at_end")
    end = start(2027, 1, 1)
    verdict = asked(version, {(2026, 12, 31): points}, (2027, 1, 1), ("gold", end))
    assert [("gold", tier, reason)] == steps(verdict)
    assert end == verdict.steps[0].at
    assert until == verdict.until or start(*until) == verdict.until


def test_a_tier_holds_to_the_last_instant_before_its_end() -> None:
    end = start(2027, 1, 1)
    version, shown = tiers(), Qualification({})
    assert () == judge_tier(version, "gold", end, shown, end - 1).steps
    assert "" == judge_tier(version, "gold", end, shown, end).tier


def test_ends_that_were_slept_through_come_one_after_the_other() -> None:
    version = tiers(downgrade="one_level")
    verdict = asked(version, {}, (2030, 6, 1), ("gold", start(2027, 1, 1)))
    assert [
        ("gold", "silver", "downgraded"), ("silver", "bronze", "downgraded"),
        ("bronze", "", "downgraded"),
    ] == steps(verdict)  # fmt: skip
    assert [start(2027, 1, 1), start(2028, 1, 1), start(2029, 1, 1)] == [
        step.at for step in verdict.steps
    ]


def test_after_a_downgrade_points_of_the_day_may_reach_it_again_at_once() -> None:
    verdict = asked(tiers(), {(2027, 1, 1): 400}, (2027, 1, 1), ("gold", start(2027, 1, 1)))
    assert [("gold", "", "downgraded"), ("", "gold", "reached")] == steps(verdict)


def test_a_tier_earned_again_is_extended_at_once_or_at_its_end() -> None:
    points = {(2027, 3, 1): 400}
    held = ("gold", start(2028, 1, 1))
    at_once = asked(tiers(), points, (2027, 3, 1), held)
    assert [("gold", "gold", "kept")] == steps(at_once)
    assert start(2029, 1, 1) == at_once.until
    again = asked(tiers(), points, (2027, 3, 2), ("gold", at_once.until))
    assert [] == steps(again)
    later = asked(tiers(extension="at_end"), points, (2027, 3, 1), held)
    assert ([], start(2028, 1, 1)) == (steps(later), later.until)


# ------------------------------------------------------------------ other rules


def test_a_tier_that_the_rules_no_longer_know_is_judged_anew() -> None:
    held = ("platinum", start(2028, 1, 1))
    verdict = asked(tiers(), {(2026, 3, 1): 250}, (2026, 6, 1), held)
    assert [("platinum", "silver", "rules")] == steps(verdict)
    assert start(2028, 1, 1) == verdict.until
    gone = asked(tiers(), {}, (2026, 6, 1), held)
    assert ([("platinum", "", "rules")], NEVER) == (steps(gone), gone.until)
    none = compiled(rule(), tiers=None)
    assert [("gold", "", "rules")] == steps(asked(none, {}, (2026, 6, 1), ("gold", NEVER)))
    assert () == asked(none, {}, (2026, 6, 1)).steps


@given(
    st.dictionaries(
        st.dates(date(2025, 1, 1), date(2027, 12, 31)).map(day_of),
        st.integers(-50, 300),
        max_size=12,
    ),
    st.sampled_from(["to_earned", "one_level", "never"]),
    st.sampled_from(["at_once", "at_end"]),
    st.sampled_from([CalendarYear(), RollingMonths(months=6), MembershipYear()]),
    st.lists(st.dates(date(2025, 1, 1), date(2028, 12, 31)).map(day_of), max_size=6).map(sorted),
)  # fmt: skip
def test_steps_follow_each_other_and_asking_more_often_changes_nothing_that_has_ended(
    points: dict[int, int], downgrade: Any, extension: Any, period: Any, more: list[int]
) -> None:
    version = tiers(period, downgrade=downgrade, extension=extension)
    tier, until = "", NEVER
    for day in sorted({*points, *more}):
        known = {when: given_ for when, given_ in points.items() if when <= day}
        at = MADRID.start(day) + 1
        verdict = judge_tier(version, tier, until, Qualification(known, 0, 20_100), at)
        place = tier
        for step in verdict.steps:
            assert place == step.was
            assert until <= step.at <= at or step.at == at
            assert step.until > step.at
            place, until = step.tier, step.until
        assert (place, until) == (verdict.tier, verdict.until)
        assert verdict.until > at
        assert () == judge_tier(version, place, until, Qualification(known, 0, 20_100), at).steps
        earned = sum(1 for level in LEVELS if level.threshold <= verdict.points)
        assert version.ranks.get(place, 0) >= earned
        tier = place
