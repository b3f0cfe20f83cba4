"""What the rules set: renewal windows, dated versions, degenerate values; computed by hand.

Days count from 2024-01-01; things happen at noon in Madrid unless an hour is given. With the
published rules one purchase gives g = 54/2 = 27 days: over the risk from day 130 on
(48·54/20 = 129.6), over the lapse from day 230 on (85·54/20 = 229.5).
"""

from domain.lifecycle.rules import LifecycleRules
from tests.domain.lifecycle_histories import (
    FOUR_DAYS,
    START,
    at,
    bought,
    cancelling,
    entry,
    judged,
    moves,
    opened,
)


def test_a_renewal_window_opens_around_last_and_cadence_and_passes() -> None:
    # One purchase, g = 27: the window is [22, 32].
    rules = LifecycleRules(renewal_window_days=5)

    assert [
        (0, "development", ""),
        (22, "renewal", "renewal_opens"),
        (33, "development", "renewal_passes"),
    ] == moves(bought(0), 100, rules)
    assert START + 27 == judged(bought(0), 0, rules).renewal_due_on
    assert None is judged(bought(0), 0).renewal_due_on


def test_a_renewal_window_around_a_fraction_holds_whole_days_only() -> None:
    # g = 16.8: |d − 16.8| ≤ 5 holds from 12 to 21 days after day 30.
    rules = LifecycleRules(renewal_window_days=5)

    assert [(42, "renewal", "renewal_opens"), (52, "loyalty", "renewal_passes")] == moves(
        bought(*FOUR_DAYS), 100, rules
    )[2:]


def test_what_a_signal_holds_gives_way_to_the_renewal_window() -> None:
    rules = LifecycleRules(renewal_window_days=5)
    before = [*bought(0), cancelling(5, life=10)]
    within = [*bought(0), cancelling(5, life=20)]

    assert [(22, "renewal", "renewal_opens"), (33, "development", "renewal_passes")] == moves(
        before, 100, rules
    )[2:]
    assert [(25, "renewal", "signal"), (33, "development", "renewal_passes")] == moves(
        within, 100, rules
    )[2:]


def later(day: int, **changes: int) -> LifecycleRules:
    return LifecycleRules(version="later", effective_from=START + day, **changes)


def test_a_move_made_by_new_rules_is_labelled_so_and_dated_with_their_first_instant() -> None:
    stricter = later(60, risk_tenths=20)  # over 54 days instead of 129
    prevention = judged(bought(0), 100, LifecycleRules(), stricter).transitions[1]

    assert (at(60, 0), "prevention", "rules", "later", entry(0)) == (
        prevention.at,
        prevention.to_stage,
        prevention.timer,
        prevention.rules,
        prevention.cause,
    )


def test_a_move_that_the_old_rules_would_have_made_too_keeps_its_timer() -> None:
    same_day = later(130, loyal_days=9)

    assert [(130, "prevention", "silence_risk")] == moves(
        bought(0), 140, LifecycleRules(), same_day
    )[1:]


def test_new_rules_judge_anew_what_the_old_ones_held_against_a_party() -> None:
    milder = later(140, risk_tenths=80)
    severe = later(15, incident_severity=3)

    assert [(130, "prevention", "silence_risk"), (140, "development", "rules")] == moves(
        bought(0), 150, LifecycleRules(), milder
    )[1:]
    assert [(8, "prevention", "incident"), (15, "development", "rules")] == moves(
        [*bought(0), opened(5)], 20, LifecycleRules(), severe
    )[1:]


def test_an_incident_that_new_rules_hold_against_a_party_is_named_as_the_cause() -> None:
    stricter = later(15, incident_severity=1)
    judgement = judged([*bought(0), opened(5, 1)], 20, LifecycleRules(), stricter)

    assert ("prevention", "rules", entry(5)) == (
        judgement.stage,
        judgement.timer,
        judgement.cause,
    )


def test_a_purchase_is_judged_by_the_rules_of_its_day() -> None:
    # Lapsed by the old rules on day 230; the new ones would lapse only after 270 days.
    milder = later(240, lapse_tenths=100, risk_tenths=95)

    assert [(230, "lapsed", "silence_lapse"), (240, "development", "rules")] == moves(
        bought(0, 250), 251, LifecycleRules(), milder
    )[2:]
    assert 0 == judged(bought(0, 250), 251, LifecycleRules(), milder).won_back_counter


def test_a_purchase_on_the_first_day_of_new_rules_is_judged_by_them() -> None:
    stricter = later(10, loyal_days=2)

    assert [(0, "development", ""), (10, "loyalty", "")] == moves(
        bought(0, 10), 11, LifecycleRules(), stricter
    )
    assert ("loyalty", "later") == (
        judged(bought(0, 10), 11, LifecycleRules(), stricter).stage,
        judged(bought(0, 10), 11, LifecycleRules(), stricter).rules,
    )


def test_new_rules_judge_from_their_first_instant_on() -> None:
    stricter = later(60, risk_tenths=20)

    assert "prevention" == judged(bought(0), 60, LifecycleRules(), stricter, hours=0).stage
    assert at(60, 0) == judged(bought(0), 59, LifecycleRules(), stricter).next_due


def test_without_a_prior_one_purchase_has_no_cadence_and_sets_no_timer() -> None:
    bare = LifecycleRules(
        prior_weight=0, renewal_window_days=3, falling_window_days=9, falling_percent=99
    )
    judgement = judged(bought(0), 5_000, bare)

    assert ("development", None, 0, None) == (
        judgement.stage,
        judgement.next_due,
        judgement.cadence_intervals,
        judgement.expected_next_purchase_on,
    )
    # Days 0 and 10: g = 10; over the risk after 48, over the lapse after 85 days.
    assert [(59, "silence_risk"), (96, "silence_lapse")] == [
        (day, timer) for day, _, timer in moves(bought(0, 10), 200, LifecycleRules(prior_weight=0))
    ][1:]


def test_a_timer_past_the_year_9999_is_never_due() -> None:
    endless = LifecycleRules(population_gap_days=10**9, signal_days=10**9)

    assert None is judged([*bought(0), cancelling(5)], 100, endless).next_due
    assert None is judged(bought(0), 100, endless).next_due
