"""Instants and business days as integers.

An *instant* is a count of microseconds since 1970-01-01T00:00Z; a *day* is a count of days since
1970-01-01 in the business zone. Integers compare and sort the same on every machine.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

MICROSECOND = 1
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_ONE_MICROSECOND = timedelta(microseconds=1)


def instant_of(moment: datetime) -> int:
    """Return the instant of an aware datetime, in microseconds since 1970-01-01T00:00Z."""
    return (moment - EPOCH) // _ONE_MICROSECOND


def moment_of(instant: int) -> datetime:
    """Return the UTC datetime of an instant."""
    return EPOCH + timedelta(microseconds=instant)


def day_of(when: date) -> int:
    """Return the number of a calendar date, in days since 1970-01-01."""
    return when.toordinal() - _EPOCH_ORDINAL


def date_of(day: int) -> date:
    """Return the calendar date of a day number."""
    return date.fromordinal(day + _EPOCH_ORDINAL)


# Beyond these a calendar may fail; nothing between a company and a customer lies there.
OCCURRED_MIN = instant_of(datetime(1900, 1, 1, tzinfo=UTC))
OCCURRED_MAX = instant_of(datetime(2200, 1, 1, tzinfo=UTC))
STATED_MAX = instant_of(datetime(3000, 1, 1, tzinfo=UTC))
