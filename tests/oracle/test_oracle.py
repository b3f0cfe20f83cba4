"""The naive lifecycle and its calendar, on cases worked out by hand."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.oracle import lifecycle
from tests.oracle.calendar import business_day, day_start, instant_of
from tests.oracle.history import (
    Ended,
    Happening,
    IncidentEnded,
    IncidentOpened,
    Purchased,
    Registered,
    Seen,
    Signalled,
)
from tests.oracle.lifecycle import DEFAULTS, Rules, Stage

UTC_ZONE = ZoneInfo("UTC")
LONDON = ZoneInfo("Europe/London")
NEW_YORK = ZoneInfo("America/New_York")
START = date(2024, 1, 1)
MICROSECOND = timedelta(microseconds=1)


def on(days: int) -> date:
    """The day that many days after the start."""
    return START + timedelta(days=days)


def at(days: int, hour: int = 12) -> datetime:
    """An hour of the day that many days after the start, in UTC."""
    return datetime.combine(on(days), time(hour), UTC)


def bought(*days: int) -> list[Happening]:
    return [Purchased(at(day)) for day in days]


def assert_stages(
    expected: dict[int, Stage | None], history: list[Happening], rules: Rules = DEFAULTS
) -> None:
    """Each day, counted from the start, ends in the stage expected of it (business zone UTC)."""
    found = {day: lifecycle.stage(history, on(day), UTC_ZONE, rules) for day in expected}
    assert expected == found


# The calendar.


def test_a_wall_time_that_the_clocks_skip_moves_an_hour_on() -> None:
    expected = datetime(2017, 3, 12, 7, 30, tzinfo=UTC)
    assert expected == instant_of(datetime.fromisoformat("2017-03-12T02:30"), NEW_YORK)


def test_a_wall_time_that_the_clocks_repeat_is_the_first_of_the_two() -> None:
    expected = datetime(2017, 11, 5, 5, 30, tzinfo=UTC)
    assert expected == instant_of(datetime.fromisoformat("2017-11-05T01:30"), NEW_YORK)


def test_the_last_hour_of_a_summer_day_in_utc_belongs_to_the_next_day_in_london() -> None:
    first_instant, day = datetime(2011, 7, 1, 23, tzinfo=UTC), date(2011, 7, 2)
    assert day == business_day(first_instant, LONDON)
    assert first_instant == day_start(day, LONDON)


def test_purchases_a_microsecond_apart_are_two_purchase_days_where_midnight_lies_between() -> None:
    midnight = datetime(2024, 6, 30, 23, tzinfo=UTC)
    history: list[Happening] = [
        Purchased(midnight - MICROSECOND),
        *(Purchased(midnight + timedelta(days=days)) for days in range(3)),
    ]
    day = date(2024, 7, 4)
    expected = [Stage.LOYALTY, Stage.DEVELOPMENT]
    assert expected == [lifecycle.stage(history, day, zone) for zone in (LONDON, UTC_ZONE)]


# Known, development, loyalty.


def test_nobody_has_a_stage_before_the_first_touchpoint_and_a_return_makes_a_prospect() -> None:
    assert_stages({4: None, 5: Stage.PROSPECT}, [Seen(at(5))])
    assert_stages({5: None}, [])


def test_loyalty_begins_on_the_fourth_purchase_day_and_a_day_counts_once() -> None:
    history = [*bought(0, 10, 20), Purchased(at(20, 15)), *bought(30)]
    assert_stages({29: Stage.DEVELOPMENT, 30: Stage.LOYALTY}, history)


# Silence. One purchase: g = 54/2 = 27 days, 4.8 g = 129.6, 8.5 g = 229.5.


def test_a_single_buyer_is_at_risk_after_130_days_and_lapsed_after_230() -> None:
    expected: dict[int, Stage | None] = {
        129: Stage.DEVELOPMENT,
        130: Stage.PREVENTION,
        229: Stage.PREVENTION,
        230: Stage.LAPSED,
        999: Stage.LAPSED,
    }
    assert_stages(expected, bought(0))


def test_the_own_cadence_shortens_the_silence_that_is_tolerated() -> None:
    """Two days, 10 apart: g = 64/3, so 4.8 g = 102.4 and 8.5 g = 181.3 after the last."""
    expected: dict[int, Stage | None] = {
        112: Stage.DEVELOPMENT,
        113: Stage.PREVENTION,
        191: Stage.PREVENTION,
        192: Stage.LAPSED,
    }
    assert_stages(expected, bought(0, 10))


def test_exactly_u_is_not_over_u() -> None:
    """Two days, 6 apart: g = 60/3 = 20 and 4.8 g = 96 to the day."""
    assert_stages({6 + 96: Stage.DEVELOPMENT, 6 + 97: Stage.PREVENTION}, bought(0, 6))


@pytest.mark.parametrize("seed", range(20))
def test_living_through_the_days_meets_the_closed_form_of_the_next_transition(seed: int) -> None:
    """DOMAIN §4: last + floor(u10·(k0·G0+S) / (10·(k0+n-1))) + 1, at the start of that day."""
    chance = random.Random(seed)
    days = sorted({chance.randrange(200) for _ in range(chance.randint(1, 9))})
    count, gaps = len(days), days[-1] - days[0]
    silence = 48 * (2 * 27 + gaps) // (10 * (2 + count - 1)) + 1
    expected = (at(days[-1] + silence, 0), Stage.PREVENTION)
    found = lifecycle.next_move(bought(*days), on(days[-1]), UTC_ZONE)
    assert found is not None
    assert expected == (found.at, found.after)


# Won back.


def test_a_purchase_after_the_lapse_is_won_back_until_two_more_purchase_days() -> None:
    expected: dict[int, Stage | None] = {
        229: Stage.PREVENTION,
        230: Stage.WON_BACK,
        240: Stage.WON_BACK,
        249: Stage.WON_BACK,
        250: Stage.LOYALTY,
    }
    assert_stages(expected, bought(0, 230, 240, 250))
    assert_stages({230: Stage.LAPSED, 231: Stage.WON_BACK}, bought(0, 231))


def test_a_purchase_on_the_last_day_before_the_lapse_is_no_return() -> None:
    assert_stages({228: Stage.PREVENTION, 229: Stage.DEVELOPMENT}, bought(0, 229))


def test_a_second_purchase_of_the_day_takes_nothing_off_the_counter() -> None:
    history = [*bought(0, 230), Purchased(at(230, 18)), *bought(240), Purchased(at(240, 18))]
    assert_stages({240: Stage.WON_BACK}, history)


def test_a_second_return_from_the_lapse_sets_the_counter_anew() -> None:
    """After 0 and 230 g = 284/3, 8.5 g = 804.7: the return at 1,035 needs two more days again."""
    expected: dict[int, Stage | None] = {
        1034: Stage.PREVENTION,
        1035: Stage.WON_BACK,
        1036: Stage.WON_BACK,
        1037: Stage.LOYALTY,
    }
    assert_stages(expected, bought(0, 230, 1035, 1036, 1037))


# Incidents.


def test_a_serious_incident_makes_prevention_when_open_for_more_than_72_hours() -> None:
    history = [*bought(0), IncidentOpened(at(10, 9), "i", 2), IncidentEnded(at(14), "i")]
    walked = lifecycle.moves(history, on(20), UTC_ZONE)
    expected = [
        (at(0), Stage.DEVELOPMENT, ()),
        (at(13, 9) + MICROSECOND, Stage.PREVENTION, ("incident_open:i",)),
        (at(14), Stage.DEVELOPMENT, ()),
    ]
    assert expected == [(move.at, move.after, move.reasons) for move in walked]


def test_an_incident_opened_at_midnight_is_not_yet_too_old_at_24_of_the_third_day() -> None:
    history = [*bought(0), IncidentOpened(at(10, 0), "i", 4)]
    assert_stages({12: Stage.DEVELOPMENT, 13: Stage.PREVENTION}, history)
    expected = at(13, 0) + MICROSECOND
    assert expected == lifecycle.moves(history, on(13), UTC_ZONE)[-1].at


def test_opening_an_open_incident_again_does_not_put_its_72_hours_back() -> None:
    history = [*bought(0), IncidentOpened(at(10), "i", 2), IncidentOpened(at(12), "i", 2)]
    assert_stages({12: Stage.DEVELOPMENT, 13: Stage.PREVENTION}, history)


def test_the_72_hours_are_elapsed_time_when_clocks_go_forward() -> None:
    """London, 2024-03-29 23:30 and 72 hours later: 2024-04-02 00:30 on the clocks."""
    opened_at = datetime(2024, 3, 29, 23, 30, tzinfo=UTC)
    history = [*bought(80), IncidentOpened(opened_at, "i", 3)]
    expected = [Stage.DEVELOPMENT, Stage.PREVENTION]
    days = [date(2024, 4, 1), date(2024, 4, 2)]
    assert expected == [lifecycle.stage(history, day, LONDON) for day in days]


def test_a_light_incident_is_no_risk_and_a_reopened_one_has_its_72_hours_again() -> None:
    history = [
        *bought(0),
        IncidentOpened(at(1), "light", 1),
        IncidentOpened(at(1), "again", 4),
        IncidentEnded(at(3), "again"),
        IncidentOpened(at(4), "again", 4),
    ]
    assert_stages({6: Stage.DEVELOPMENT, 7: Stage.PREVENTION}, history)
    assert_stages({7: Stage.DEVELOPMENT}, [*history, IncidentEnded(at(6), "again")])


# Signals and the hold of prevention (R20).


def test_a_signal_that_runs_out_by_itself_does_not_end_prevention_and_a_purchase_does() -> None:
    history = [*bought(0), Signalled(at(5), "competitor_offer")]
    held: dict[int, Stage | None] = dict.fromkeys((5, 94, 95, 129), Stage.PREVENTION)
    assert_stages(held, history)
    assert_stages({95: Stage.DEVELOPMENT}, [*history, *bought(95)])


def test_a_purchase_does_not_end_a_signal_that_still_lives() -> None:
    history = [*bought(0), Signalled(at(5), "competitor_offer"), *bought(94)]
    assert_stages({94: Stage.PREVENTION, 95: Stage.PREVENTION}, history)


def test_a_held_prevention_names_what_holds_it() -> None:
    relationship = lifecycle.Relationship(UTC_ZONE, DEFAULTS)
    day = on(5).toordinal()
    relationship.apply(Purchased(at(5)), day)
    relationship.apply(Signalled(at(5), "cancel_intent", ends_at=at(8)), day)
    live, held = ["cancel_intent"], ["held:cancel_intent"]
    assert live == relationship.judge(day, at(5))
    assert held == relationship.judge(day + 3, at(8))
    assert relationship.stage is Stage.PREVENTION


def test_time_carries_a_held_prevention_to_lapsed() -> None:
    history = [*bought(0), Signalled(at(5), "cancel_intent")]
    assert_stages({229: Stage.PREVENTION, 230: Stage.LAPSED}, history)


def test_the_end_of_an_incident_ends_no_cause_but_its_own() -> None:
    signal = Signalled(at(5), "competitor_offer", ends_at=at(8))
    incident: list[Happening] = [IncidentOpened(at(5), "i", 2), IncidentEnded(at(10), "i")]
    assert_stages({9: Stage.PREVENTION, 10: Stage.DEVELOPMENT}, [*bought(0), *incident])
    assert_stages({9: Stage.PREVENTION, 10: Stage.PREVENTION}, [*bought(0), signal, *incident])


def test_a_held_prevention_does_not_turn_into_won_back_by_time() -> None:
    history = [*bought(0, 230), Signalled(at(231), "cancel_intent", ends_at=at(235)), *bought(241)]
    expected: dict[int, Stage | None] = {
        230: Stage.WON_BACK,
        240: Stage.PREVENTION,
        241: Stage.WON_BACK,
    }
    assert_stages(expected, history)


def test_a_prospect_stays_one_under_a_signal_that_the_first_purchase_wakes() -> None:
    signal = Signalled(at(0), "competitor_offer")
    assert_stages({8: Stage.PROSPECT, 9: Stage.PREVENTION}, [signal, *bought(9)])


# The end of the relationship.


def test_a_purchase_or_a_registration_reopens_as_won_back() -> None:
    ended = [*bought(0), Signalled(at(3), "cancel_intent"), Ended(at(5))]
    assert_stages({4: Stage.PREVENTION, 5: Stage.CLOSED, 900: Stage.CLOSED}, ended)
    assert_stages({6: Stage.WON_BACK}, [*ended, *bought(6)])
    assert_stages({400: Stage.WON_BACK}, [*ended, Registered(at(400))])
    never_bought: list[Happening] = [Registered(at(0)), Ended(at(1)), Registered(at(2))]
    assert_stages({0: Stage.PROSPECT, 1: Stage.CLOSED, 2: Stage.WON_BACK}, never_bought)


def test_an_incident_from_before_a_reopening_no_longer_counts() -> None:
    history = [*bought(0), IncidentOpened(at(1), "i", 4), Ended(at(2)), *bought(9)]
    assert_stages({9: Stage.WON_BACK, 20: Stage.WON_BACK}, history)


def test_nothing_reopens_after_death_or_erasure() -> None:
    history = [*bought(0), Ended(at(5)), Ended(at(8), final=True), *bought(9), Registered(at(9))]
    assert_stages({9: Stage.CLOSED, 99: Stage.CLOSED}, history)


def test_a_reopening_counts_like_a_return_from_the_lapse() -> None:
    history = [*bought(0), Ended(at(5)), *bought(10, 20, 30)]
    expected: dict[int, Stage | None] = {
        10: Stage.WON_BACK,
        20: Stage.WON_BACK,
        30: Stage.LOYALTY,
    }
    assert_stages(expected, history)


# Rules that are off by default.


def test_falling_purchases_make_prevention_where_the_rules_ask_for_them() -> None:
    """Weekly, 5 days: g = 82/6 days. In 30 days 2.2 are expected, and one is less than half."""
    rules = Rules(falling_window_days=30, falling_percent=50)
    history = bought(0, 7, 14, 21, 28)
    assert_stages({50: Stage.LOYALTY, 51: Stage.PREVENTION}, history, rules)
    assert_stages({51: Stage.LOYALTY}, history)


def test_the_renewal_window_lies_around_the_last_purchase_and_the_cadence() -> None:
    """One purchase, g = 27: with three days before and two after, days 24 to 29."""
    rules = Rules(renewal_before_days=3, renewal_after_days=2)
    expected: dict[int, Stage | None] = {
        23: Stage.DEVELOPMENT,
        24: Stage.RENEWAL,
        29: Stage.RENEWAL,
        30: Stage.DEVELOPMENT,
    }
    assert_stages(expected, bought(0), rules)


# As of.


def _eventful(chance: random.Random) -> list[Happening]:
    """A customer to whom much happens in 1,500 days."""
    return [
        *bought(*(chance.randrange(1500) for _ in range(12))),
        *(Signalled(at(chance.randrange(1500), 9), "competitor_offer") for _ in range(2)),
        *(IncidentOpened(at(chance.randrange(1500), 8), str(n), 1 + n % 4) for n in range(6)),
        *(IncidentEnded(at(chance.randrange(1500), 7), str(n)) for n in range(6)),
    ]


def test_what_comes_later_tells_an_earlier_day_nothing_and_order_of_arrival_is_no_matter() -> None:
    reached = set[Stage | None]()
    for seed in range(8):
        chance = random.Random(seed)
        history, days = _eventful(chance), [on(day) for day in range(0, 1700, 61)]
        together = lifecycle.stages(history, days, UTC_ZONE)
        chance.shuffle(history)
        for day in days:
            known = [one for one in history if one.at.date() <= day]
            assert together[day] == lifecycle.stage(known, day, UTC_ZONE)
        reached.update(together.values())
    everything_open = {Stage.DEVELOPMENT, Stage.LOYALTY, Stage.PREVENTION, Stage.LAPSED}
    assert everything_open <= reached
