"""Each stage and each transition of the lifecycle, computed by hand.

Days count from 2024-01-01; things happen at noon in Madrid unless an hour is given. With the
published rules one purchase gives g = 54/2 = 27 days: over the risk from day 130 on
(48·54/20 = 129.6), over the lapse from day 230 on (85·54/20 = 229.5).
"""

import pytest

from domain.instants import DAY, HOUR, MICROSECOND
from domain.lifecycle.inputs import Kind
from domain.lifecycle.judgement import judge
from domain.lifecycle.rules import LifecycleRulebook, LifecycleRules
from tests.domain.lifecycle_histories import (
    BOUGHT,
    CALENDAR,
    FOUR_DAYS,
    SEEN,
    START,
    Told,
    at,
    bought,
    cancelling,
    ended,
    entry,
    inputs_of,
    judged,
    moves,
    opened,
    told,
)


def test_a_party_that_bought_nothing_is_a_prospect_from_its_first_touchpoint() -> None:
    judgement = judged([told(SEEN, 7), told(SEEN, 3), told(Kind.REGISTERED, 5)], 1_000)

    assert ("prospect", at(3), entry(3)) == (judgement.stage, judgement.since, judgement.cause)
    assert (("no_purchase",), False, None) == (
        judgement.reasons,
        judgement.at_risk,
        judgement.next_due,
    )


def test_the_first_purchase_makes_development_and_the_fourth_day_loyalty() -> None:
    story = [told(SEEN, 0), *bought(1, 2, 3, 4)]

    assert [
        (0, "prospect", ""),
        (1, "development", ""),
        (4, "loyalty", ""),
    ] == moves(story, 5)
    assert ("not_consolidated",) == judged(story[:-1], 3).reasons
    assert ("consolidated",) == judged(story, 5).reasons


def test_purchases_of_one_business_day_count_once() -> None:
    # 23:30 of a winter's day in Madrid is 22:30 UTC; 00:30 is still the day before in UTC.
    night = Told(at(2, 0) + HOUR // 2, BOUGHT, entry(3))
    evening = Told(at(2, 0) - HOUR // 2, BOUGHT, entry(2))
    story = [*bought(0), told(BOUGHT, 0, 15), told(BOUGHT, 0, 23), evening, night]

    assert [(0, "development", "")] == moves(story, 10)
    assert 2 + 3 - 1 == judged(story, 10).cadence_intervals


def test_silence_leads_to_prevention_and_then_to_lapsed_at_the_first_instant_of_the_day() -> None:
    judgement = judged(bought(0), 230)
    development, prevention, lapsed = judgement.transitions

    assert (at(0), None, "development") == (
        development.at,
        development.from_stage,
        development.to_stage,
    )
    assert (at(130, 0), "development", "prevention", "silence_risk") == (
        prevention.at,
        prevention.from_stage,
        prevention.to_stage,
        prevention.timer,
    )
    assert (at(230, 0), "prevention", "lapsed", "silence_lapse") == (
        lapsed.at,
        lapsed.from_stage,
        lapsed.to_stage,
        lapsed.timer,
    )
    assert ("silence_over_risk", "not_consolidated") == prevention.reasons
    assert ("silence_over_lapse", "silence_over_risk", "not_consolidated") == lapsed.reasons
    assert [entry(0)] * 3 == [one.cause for one in judgement.transitions]
    assert None is judgement.next_due


def test_a_timer_is_due_at_its_instant_and_not_one_microsecond_before() -> None:
    timetable = LifecycleRulebook().timetable(CALENDAR)
    inputs = inputs_of(bought(0), timetable)
    before = judge(inputs, timetable, at(130, 0) - MICROSECOND)
    then = judge(inputs, timetable, at(130, 0))

    assert before is not None
    assert then is not None
    assert ("development", at(130, 0)) == (before.stage, before.next_due)
    assert ("prevention", at(230, 0)) == (then.stage, then.next_due)


def test_silence_of_exactly_u_cadences_is_not_over() -> None:
    # 5.0 · 27 = 135 days to the day: over from day 136 on.
    rules = LifecycleRules(risk_tenths=50, lapse_tenths=100)

    assert [(0, "development", ""), (136, "prevention", "silence_risk")] == moves(
        bought(0), 200, rules
    )


def test_a_day_begins_in_the_business_zone_on_both_sides_of_summer_time() -> None:
    # 2024-05-10 (day 130) begins at 22:00 UTC of the day before, 2024-08-18 (day 230) too.
    prevention, lapsed = judged(bought(0), 300).transitions[1:]

    assert (START + 130) * DAY - 2 * HOUR == prevention.at
    assert (START + 230) * DAY - 2 * HOUR == lapsed.at


def test_the_own_cadence_sets_the_timers_of_a_loyal_customer() -> None:
    assert [
        (0, "development", ""),
        (30, "loyalty", ""),
        (111, "prevention", "silence_risk"),
        (173, "lapsed", "silence_lapse"),
    ] == moves(bought(*FOUR_DAYS), 1_000)
    judgement = judged(bought(*FOUR_DAYS), 31)
    assert (84, 5) == (judgement.cadence_days, judgement.cadence_intervals)
    assert START + 47 == judgement.expected_next_purchase_on  # 30 + 16.8


def test_a_purchase_after_silence_over_the_risk_leads_back() -> None:
    story = bought(*FOUR_DAYS, 172)

    assert [(111, "prevention", "silence_risk"), (172, "loyalty", "")] == moves(story, 173)[-2:]


def test_a_purchase_after_the_lapse_wins_back_for_two_more_purchase_days() -> None:
    story = bought(*FOUR_DAYS, 173, 180, 190)

    assert [
        (173, "lapsed", "silence_lapse"),
        (173, "won_back", ""),
        (190, "loyalty", ""),
    ] == moves(story, 200)[-3:]
    assert [2, 1, 0] == [judged(story[: 5 + more], 200).won_back_counter for more in range(3)]
    assert ("won_back_counter", "consolidated") == judged(story[:5], 174).reasons


def test_a_second_lapse_sets_the_counter_anew() -> None:
    # Days 0 and 400: g = (54 + 400)/3; the lapse of 1,286.33 days is over at 400 + 1,287.
    story = bought(0, 400, 400 + 1_287)

    assert 2 == judged(story, 1_700).won_back_counter
    assert 1 == judged(bought(0, 400, 400 + 1_286), 1_700).won_back_counter


def test_the_end_closes_and_time_changes_nothing_any_more() -> None:
    judgement = judged([*bought(0), cancelling(5), ended(10)], 1_000)

    assert ("closed", at(10), entry(10)) == (judgement.stage, judgement.since, judgement.cause)
    assert (("ended:request",), False, None, None) == (
        judgement.reasons,
        judgement.at_risk,
        judgement.next_due,
        judgement.expected_next_purchase_on,
    )


def test_a_purchase_reopens_as_won_back_for_two_more_purchase_days() -> None:
    story = [*bought(*FOUR_DAYS), ended(31), *bought(40, 41, 42)]

    assert [(31, "closed", ""), (40, "won_back", ""), (42, "loyalty", "")] == moves(story, 50)[2:]


def test_a_purchase_reopens_on_the_very_day_of_the_end() -> None:
    story = [*bought(0), told(BOUGHT, 9, 9), ended(9), told(BOUGHT, 9, 15)]

    assert [(9, "closed", ""), (9, "won_back", "")] == moves(story, 10)[1:]


def test_a_registration_reopens_as_won_back_and_silence_counts_from_then() -> None:
    # Silence since day 0 would be over the lapse on day 400; from day 400 on it is 130 and 230.
    story = [*bought(0), ended(10), told(Kind.REGISTERED, 400)]

    assert [
        (400, "won_back", ""),
        (530, "prevention", "silence_risk"),
        (630, "lapsed", "silence_lapse"),
    ] == moves(story, 1_000)[2:]
    assert entry(400) == judged(story, 1_000).cause


def test_a_registration_reopens_a_lead_as_won_back() -> None:
    story = [told(SEEN, 0), ended(10), told(Kind.REGISTERED, 20), *bought(20, 21, 22)]
    story[3] = told(BOUGHT, 20, 15)

    assert [
        (0, "prospect", ""),
        (10, "closed", ""),
        (20, "won_back", ""),
        (22, "development", ""),
    ] == moves(story, 30)


def test_what_was_signalled_or_opened_before_a_reopening_is_over() -> None:
    story = [*bought(0), cancelling(5), opened(6), ended(10), told(Kind.REGISTERED, 20)]

    assert [(20, "won_back", "")] == moves(story, 60)[3:]


@pytest.mark.parametrize("further", [bought(20), [told(Kind.REGISTERED, 20)], [ended(20)]])
def test_death_closes_for_good(further: list[Told]) -> None:
    judgement = judged([*bought(0), ended(10, "death"), *further, *bought(30)], 1_000)

    assert ("closed", at(10), ("ended:death",)) == (
        judgement.stage,
        judgement.since,
        judgement.reasons,
    )


def test_a_registration_of_an_open_party_changes_nothing() -> None:
    story = [*bought(0), told(Kind.REGISTERED, 20)]

    assert moves(bought(0), 300) == moves(story, 300)


def test_what_begins_comes_before_what_ends_at_one_instant() -> None:
    story = [ended(5), *bought(5), *bought(0)]

    assert [(0, "development", ""), (5, "closed", "")] == moves(story, 300)


def test_what_happens_at_one_instant_is_judged_once() -> None:
    story = [*bought(0), *bought(140), told(Kind.CANCEL_INTENT, 140)]

    assert [(130, "prevention", "silence_risk")] == moves(story, 150)[1:]
    assert at(130, 0) == judged(story, 150).since


def test_a_timer_due_at_the_instant_of_a_touchpoint_is_absorbed_and_still_named() -> None:
    purchase = told(BOUGHT, 230, 0)
    registration = told(Kind.REGISTERED, 230, 0)

    assert [(130, "prevention", "silence_risk"), (230, "won_back", "")] == moves(
        [*bought(0), purchase], 231
    )[1:]
    assert [(130, "prevention", "silence_risk"), (230, "lapsed", "silence_lapse")] == moves(
        [*bought(0), registration], 231
    )[1:]
    assert entry(0) == judged([*bought(0), registration], 231).cause
