"""Incidents, signals and falling purchases, computed by hand.

Days count from 2024-01-01; things happen at noon in Madrid unless an hour is given. With the
published rules one purchase gives g = 54/2 = 27 days: over the risk from day 130 on
(48·54/20 = 129.6), over the lapse from day 230 on (85·54/20 = 229.5).
"""

import pytest

from domain.instants import DAY, MICROSECOND
from domain.lifecycle.inputs import Kind
from domain.lifecycle.rules import LifecycleRules
from tests.domain.lifecycle_histories import (
    BOUGHT,
    FOUR_DAYS,
    at,
    bought,
    cancelling,
    entry,
    judged,
    moves,
    opened,
    reopened,
    resolved,
    told,
)


def test_a_serious_incident_open_longer_than_72_hours_is_a_risk_until_it_is_resolved() -> None:
    story = [*bought(0), opened(5), resolved(12)]
    prevention, back = judged(story, 20).transitions[1:]

    assert (at(8) + MICROSECOND, "prevention", "incident", entry(5)) == (
        prevention.at,
        prevention.to_stage,
        prevention.timer,
        prevention.cause,
    )
    assert ("incident_open:I-1", "not_consolidated") == prevention.reasons
    assert (at(12), "development", "", entry(12)) == (
        back.at,
        back.to_stage,
        back.timer,
        back.cause,
    )


def test_an_incident_open_for_72_hours_to_the_microsecond_is_no_risk() -> None:
    story = [*bought(0), opened(5), resolved(8)]

    assert [(0, "development", "")] == moves(story, 20)


@pytest.mark.parametrize(
    ("severity", "expected"), [(1, "development"), (2, "prevention"), (4, "prevention")]
)
def test_only_incidents_of_severity_two_and_more_are_serious(severity: int, expected: str) -> None:
    assert expected == judged([*bought(0), opened(5, severity)], 20).stage


def test_a_purchase_does_not_close_an_incident() -> None:
    assert "prevention" == judged([*bought(0), opened(5), *bought(10)], 20).stage


def test_reopening_starts_the_hours_anew_with_the_severity_of_the_opening() -> None:
    story = [*bought(0), opened(5, 3), resolved(6), reopened(9)]

    assert [(12, "prevention", "incident")] == moves(story, 20)[1:]
    assert entry(9) == judged(story, 20).cause


def test_opening_or_reopening_what_is_open_changes_nothing() -> None:
    assert [(8, "prevention", "incident")] == moves(
        [*bought(0), opened(5), opened(6, 4), reopened(7)], 20
    )[1:]


def test_an_incident_whose_opening_nobody_told_is_not_serious() -> None:
    assert "development" == judged([*bought(0), reopened(5), reopened(6)], 20).stage


def test_each_open_incident_is_a_reason_of_its_own() -> None:
    story = [*bought(0), opened(5, incident="B"), opened(6, incident="A"), resolved(12, "B")]

    assert ("incident_open:A", "incident_open:B") == judged(story[:-1], 11).reasons[:2]
    assert [(8, "prevention", "incident")] == moves(story, 20)[1:]


def test_a_cancel_intent_makes_prevention_at_once_and_holds_when_it_runs_out() -> None:
    story = [*bought(*FOUR_DAYS), cancelling(31, life=10)]

    assert [(31, "prevention", "")] == moves(story, 60)[2:]
    assert ("cancel_intent", "consolidated") == judged(story, 40).reasons
    assert ("held:cancel_intent", "consolidated") == judged(story, 42).reasons
    assert True is judged(story, 42).at_risk


def test_prevention_that_is_held_ends_with_the_next_purchase() -> None:
    story = [*bought(*FOUR_DAYS), cancelling(31, life=10), *bought(45)]

    assert [(31, "prevention", ""), (45, "loyalty", "")] == moves(story, 60)[2:]


def test_a_purchase_ends_what_is_held_long_after_the_signal_was_forgotten() -> None:
    story = [*bought(0), cancelling(5, life=3), told(Kind.REGISTERED, 20), *bought(30, 31)]

    assert "prevention" == judged(story[:3], 25).stage
    assert [(5, "prevention", ""), (30, "development", "")] == moves(story, 40)[1:]


def test_a_second_purchase_of_the_day_ends_what_is_held_too() -> None:
    # The signal runs out at noon of day 41: the purchase at 10 still finds it, the one at 15 not.
    story = [*bought(0), cancelling(31, life=10), told(BOUGHT, 41, 10), told(BOUGHT, 41, 15)]

    assert [(31, "prevention", ""), (41, "development", "")] == moves(story, 60)[1:]
    assert at(41, 15) == judged(story, 60).since


def test_a_purchase_does_not_end_a_signal_that_lives() -> None:
    story = [*bought(0), cancelling(5, life=30), *bought(10)]

    assert "prevention" == judged(story, 34).stage
    assert ("held:cancel_intent", "not_consolidated") == judged(story, 35).reasons


def test_a_signal_lives_ninety_days_unless_it_says_otherwise() -> None:
    offer = told(Kind.COMPETITOR_OFFER, 5)
    rules = LifecycleRules(risk_tenths=400, lapse_tenths=850)

    assert at(5) + 90 * DAY == judged([*bought(0), offer], 50, rules).next_due
    assert ("competitor_offer", "not_consolidated") == judged([*bought(0), offer], 94).reasons
    assert ("held:competitor_offer", "not_consolidated") == judged([*bought(0), offer], 96).reasons


def test_of_two_signals_of_a_kind_the_one_that_lives_longest_counts() -> None:
    story = [*bought(0), cancelling(5, life=30), cancelling(6, life=3)]

    assert at(35) == judged(story, 10).next_due


def test_a_signal_of_no_life_never_lives() -> None:
    assert "development" == judged([*bought(0), cancelling(5, life=0)], 6).stage


def test_resolving_an_incident_does_not_end_what_a_signal_that_ran_out_holds() -> None:
    story = [*bought(0), cancelling(5, life=3), opened(5, incident="A"), resolved(20, "A")]

    assert "prevention" == judged(story, 30).stage


def test_time_carries_what_is_held_to_lapsed() -> None:
    story = [*bought(*FOUR_DAYS), cancelling(31, life=10)]

    assert [(31, "prevention", ""), (173, "lapsed", "silence_lapse")] == moves(story, 400)[2:]


def test_signals_of_a_prospect_wait_for_the_first_purchase() -> None:
    story = [cancelling(0, life=30), *bought(10)]

    assert [(0, "prospect", ""), (10, "prevention", "")] == moves(story, 20)
    assert (("cancel_intent", "no_purchase"), True) == (
        judged(story[:1], 5).reasons,
        judged(story[:1], 5).at_risk,
    )
    assert (entry(10), at(30)) == (judged(story, 20).cause, judged(story, 20).next_due)


def test_falling_purchases_are_a_risk_from_the_day_on_which_too_few_are_in_the_window() -> None:
    # g = 84/5: in 60 days 3.57 are expected, half of them is 1.79. Two days are in the window
    # until day 79; from day 80 on only that of day 30.
    rules = LifecycleRules(falling_window_days=60, falling_percent=50)
    story = bought(*FOUR_DAYS)

    assert [(80, "prevention", "falling")] == moves(story, 100, rules)[2:]
    assert ("purchases_falling", "consolidated") == judged(story, 100, rules).reasons
    assert entry(30) == judged(story, 100, rules).cause


def test_purchases_of_a_newcomer_do_not_fall_before_the_window_has_passed() -> None:
    # 90/27 = 3.33 are expected, half of them is 1.67: one is too few, from day 90 on.
    rules = LifecycleRules(falling_window_days=90, falling_percent=50)

    assert [(0, "development", ""), (90, "prevention", "falling")] == moves(bought(0), 100, rules)
