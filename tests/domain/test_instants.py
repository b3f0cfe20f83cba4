"""Instants and days: integers, exact to the microsecond, on either side of 1970."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instants import DAY, HOUR, SECOND, date_of, day_of, instant_of, moment_of

ANY_OFFSET = st.integers(-14 * 60, 14 * 60).map(lambda one: timezone(timedelta(minutes=one)))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=ANY_OFFSET)  # noqa: DTZ001 - bounds are naive


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01T00:00:00+00:00", 0),
        ("1969-12-31T23:59:59.999999+00:00", -1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-02T00:00:00.000001+00:00", DAY + 1),
        ("2000-01-01T00:00:00+00:00", 946_684_800 * SECOND),
        ("2024-03-01T12:00:00-05:30", 1_709_314_200 * SECOND),
    ],
)
def test_an_instant_counts_microseconds_since_1970_in_utc(text: str, instant: int) -> None:
    assert instant == instant_of(datetime.fromisoformat(text))


@given(MOMENTS)
def test_a_moment_survives_being_an_instant_exactly(moment: datetime) -> None:
    again = moment_of(instant_of(moment))
    assert moment == again
    assert UTC is again.tzinfo


@given(MOMENTS, MOMENTS)
def test_instants_sort_as_their_moments_do(one: datetime, other: datetime) -> None:
    assert (one < other) == (instant_of(one) < instant_of(other))


@given(st.dates())
def test_a_date_survives_being_a_day(when: date) -> None:
    assert when == date_of(day_of(when))


def test_days_count_from_1970() -> None:
    assert (0, -1, 19_783) == tuple(
        day_of(date(*when)) for when in ((1970, 1, 1), (1969, 12, 31), (2024, 3, 1))
    )


def test_a_day_has_24_hours_of_microseconds() -> None:
    assert (86_400_000_000, 3_600_000_000) == (DAY, HOUR)
