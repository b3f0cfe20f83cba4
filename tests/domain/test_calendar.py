"""The business calendar: days of a zone, whatever its clocks do, and whatever was asked before."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calendar import UTC_CALENDAR, Calendar, ZonePeriod
from domain.instants import DAY, HOUR, SECOND, date_of, day_of, instant_of, moment_of

MINUTE = 60 * SECOND
ZONES = (
    "UTC", "Europe/Madrid", "Europe/London", "America/New_York", "America/Sao_Paulo",
    "America/Havana", "Asia/Kathmandu", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Beirut",
    "Pacific/Chatham", "Atlantic/Azores", "Africa/Cairo",
)  # fmt: skip
# One calendar each for the whole run: a cache that lied once would be found out.
CALENDARS = {zone: Calendar.in_zone(zone) for zone in ZONES}
FIRST, LAST = (
    instant_of(datetime(1973, 1, 1, tzinfo=UTC)),
    instant_of(datetime(2037, 1, 1, tzinfo=UTC)),
)
CHANGE = instant_of(datetime(2024, 6, 1, 10, 7, tzinfo=UTC))


def at(text: str) -> int:
    """The instant of an RFC 3339 text."""
    return instant_of(datetime.fromisoformat(text))


def day(text: str) -> int:
    """The number of a date."""
    return day_of(date.fromisoformat(text))


def expected_day(zone: str, instant: int) -> int:
    """What the standard library says."""
    return day_of(moment_of(instant).astimezone(ZoneInfo(zone)).date())


def near_midnights(zone: str) -> st.SearchStrategy[int]:
    """Instants within two hours of a midnight, where days change and clocks often do."""
    offsets = st.integers(-2 * HOUR, 2 * HOUR)
    dates = st.dates(date(1973, 1, 2), date(2036, 12, 30))
    midnights = dates.map(lambda one: instant_of(datetime.combine(one, time(), ZoneInfo(zone))))
    return st.builds(int.__add__, midnights, offsets)


@given(data=st.data(), zone=st.sampled_from(ZONES))
def test_a_day_is_what_the_standard_library_says_whatever_was_asked_before(
    data: st.DataObject, zone: str
) -> None:
    instants = st.integers(FIRST, LAST) | near_midnights(zone)
    for instant in data.draw(st.lists(instants, min_size=1, max_size=20)):
        assert expected_day(zone, instant) == CALENDARS[zone].day(instant)


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_of_the_days_on_which_clocks_change_lies_on_the_right_day(zone: str) -> None:
    calendar = Calendar.in_zone(zone)
    for year in range(1974, 2037, 3):
        for month, first in ((3, 8), (3, 25), (4, 1), (10, 1), (10, 25), (11, 1)):
            start = instant_of(datetime(year, month, first, tzinfo=UTC))
            for hour in range(7 * 24 * 2):
                instant = start + hour * (HOUR // 2) - 1
                assert expected_day(zone, instant) == calendar.day(instant)


@pytest.mark.parametrize(
    ("zone", "when", "hours"),
    [
        ("Europe/Madrid", "2024-03-31", 23), ("Europe/Madrid", "2024-10-27", 25),
        ("Europe/Madrid", "2024-10-28", 24), ("America/New_York", "2024-03-10", 23),
        ("America/New_York", "2024-11-03", 25), ("Australia/Lord_Howe", "2024-04-07", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23), ("America/Havana", "2024-11-03", 25),
        ("Asia/Beirut", "2024-03-31", 23), ("UTC", "2024-03-31", 24),
    ],
)  # fmt: skip
def test_a_day_is_as_long_as_its_clocks_make_it(zone: str, when: str, hours: float) -> None:
    calendar = Calendar.in_zone(zone)
    length = calendar.end(day(when)) + 1 - calendar.start(day(when))
    assert hours * HOUR == length


@given(zone=st.sampled_from(ZONES), when=st.dates(date(1973, 1, 2), date(2036, 12, 30)))
def test_days_follow_each_other_without_gap_or_overlap(zone: str, when: date) -> None:
    calendar, number = CALENDARS[zone], day_of(when)
    start, end = calendar.start(number), calendar.end(number)
    assert (number - 1, number, number, number + 1) == tuple(
        calendar.day(one) for one in (start - 1, start, end, end + 1)
    )


def test_a_midnight_that_the_clocks_leap_over_begins_its_day_with_the_next_instant() -> None:
    calendar = Calendar.in_zone("America/Sao_Paulo")
    assert at("2018-11-04T03:00:00+00:00") == calendar.start(day("2018-11-04"))


def test_a_day_that_a_zone_left_out_is_empty() -> None:
    calendar = Calendar.in_zone("Pacific/Apia")
    left_out = day("2011-12-30")
    assert calendar.start(left_out) == calendar.start(left_out + 1)
    assert (left_out - 1, left_out + 1) == (
        calendar.day(calendar.start(left_out) - 1), calendar.day(calendar.start(left_out)),
    )  # fmt: skip


def test_instants_before_1970_have_days_too() -> None:
    assert (-1, -1, 0) == tuple(UTC_CALENDAR.day(one) for one in (-1, -DAY, 0))


def test_a_zone_holds_from_its_first_instant_on_and_the_first_one_before_too() -> None:
    change = at("2024-01-10T00:00:00+00:00")
    calendar = Calendar((ZonePeriod(change, "Asia/Tokyo"), ZonePeriod(change - 40 * DAY, "UTC")))
    assert ["UTC", "UTC", "UTC", "Asia/Tokyo", "Asia/Tokyo"] == [
        calendar.zone_at(one).key
        for one in (change - 99 * DAY, change - 40 * DAY, change - 1, change, change + 9 * DAY)
    ]
    assert (day("2024-01-09"), day("2024-01-10")) == (
        calendar.day(change - 1),
        calendar.day(change),
    )
    evening = at("2024-01-10T16:00:00+00:00")
    assert (day("2024-01-11"), day("2023-12-20")) == (
        calendar.day(evening), calendar.day(evening - 21 * DAY),
    )  # fmt: skip


def test_periods_may_be_named_in_any_order() -> None:
    periods = [ZonePeriod(0, "UTC"), ZonePeriod(DAY, "Asia/Tokyo"), ZonePeriod(2 * DAY, "UTC")]
    assert periods == list(Calendar(tuple(reversed(periods))).periods)


@pytest.mark.parametrize(
    ("before", "after", "when", "start"),
    [
        # Midnight of the first zone lies before the change, that of the second one too.
        ("UTC", "Asia/Tokyo", "2024-06-02", "2024-06-01T15:00:00+00:00"),
        ("UTC", "Asia/Tokyo", "2024-06-01", "2024-06-01T00:00:00+00:00"),
        ("Asia/Tokyo", "UTC", "2024-06-01", "2024-05-31T15:00:00+00:00"),
        ("Asia/Tokyo", "UTC", "2024-06-02", "2024-06-02T00:00:00+00:00"),
        ("Europe/Madrid", "America/New_York", "2024-06-02", "2024-06-02T04:00:00+00:00"),
        ("Europe/Madrid", "America/New_York", "2024-06-01", "2024-05-31T22:00:00+00:00"),
    ],
)
def test_a_day_begins_in_the_zone_that_holds_then(
    before: str, after: str, when: str, start: str
) -> None:
    calendar = Calendar((ZonePeriod(-(2**62), before), ZonePeriod(CHANGE, after)))
    assert at(start) == calendar.start(day(when))


@given(st.lists(st.integers(-3 * DAY // MINUTE, 3 * DAY // MINUTE), max_size=30))
def test_a_zone_that_changes_at_a_full_quarter_gives_days_that_no_question_before_can_alter(
    minutes: list[int],
) -> None:
    change = CHANGE + 8 * MINUTE
    periods = (ZonePeriod(-(2**62), "UTC"), ZonePeriod(change, "Pacific/Auckland"))
    calendar = Calendar(periods)
    for minute in minutes:
        instant = change + minute * MINUTE
        zone = "UTC" if instant < change else "Pacific/Auckland"
        assert expected_day(zone, instant) == calendar.day(instant)


def test_a_zone_that_changes_within_a_quarter_leaves_no_trace_of_what_was_asked_before() -> None:
    change = at("2024-06-01T18:07:00+00:00")
    periods = (ZonePeriod(-(2**62), "UTC"), ZonePeriod(change, "Asia/Tokyo"))
    calendar = Calendar(periods)
    assert day("2024-06-01") == calendar.day(change - 1)
    assert day("2024-06-02") == calendar.day(change)


@pytest.mark.parametrize("zone", ["America/St_Johns", "America/Goose_Bay", "America/Moncton"])
def test_clocks_that_fall_back_a_minute_past_midnight_leave_no_trace_either(zone: str) -> None:
    calendar = Calendar.in_zone(zone)
    change = next(
        instant
        for instant in range(
            at("2006-10-28T20:00:00+00:00"), at("2006-10-30T00:00:00+00:00"), MINUTE
        )
        if expected_day(zone, instant) < expected_day(zone, instant - 1)
    )
    assert expected_day(zone, change - 1) == calendar.day(change - 1)
    assert expected_day(zone, change) == calendar.day(change)


def test_a_change_of_zone_that_leaps_over_midnight_begins_the_next_day() -> None:
    change = at("2024-06-01T18:00:00+00:00")
    calendar = Calendar((ZonePeriod(-(2**62), "UTC"), ZonePeriod(change, "Asia/Tokyo")))
    assert (day("2024-06-01"), day("2024-06-02")) == (
        calendar.day(change - 1), calendar.day(change),
    )  # fmt: skip
    assert change == calendar.start(day("2024-06-02"))


@pytest.mark.parametrize("year", [1900, 1969, 2099, 2199])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Kiritimati"])
def test_every_year_that_intake_lets_in_has_days_in_every_zone(zone: str, year: int) -> None:
    calendar = Calendar.in_zone(zone)
    assert day(f"{year}-07-01") == calendar.day(calendar.start(day(f"{year}-07-01")))


def test_a_zone_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        Calendar.in_zone("Europe/Atlantis")


def test_the_cache_never_grows_beyond_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domain.calendar._CACHE_QUARTERS_MAX", 3)
    calendar = Calendar.in_zone("UTC")
    days = [calendar.day(hour * HOUR) for hour in range(48)]
    assert [0] * 24 + [1] * 24 == days
    assert 3 == len(calendar._days)


def test_quarters_are_remembered_so_that_hot_paths_need_no_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calendar = Calendar.in_zone("Europe/Madrid")
    first = calendar.day(CHANGE)
    monkeypatch.setattr(calendar, "_reckon", lambda _instant: pytest.fail("reckoned again"))
    assert first == calendar.day(CHANGE + 7 * MINUTE)


def test_dates_of_days_are_those_of_the_wall_calendar() -> None:
    calendar = Calendar.in_zone("Europe/Madrid")
    evening = at("2024-02-29T23:30:00+00:00")
    assert date(2024, 3, 1) == date_of(calendar.day(evening))
    assert date(2024, 2, 29) == date_of(calendar.day(evening - timedelta(hours=1).seconds * SECOND))
