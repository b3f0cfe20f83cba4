"""Business days: which day an instant belongs to in the business's time zone.

Instants are aware datetimes in UTC. A business day runs from its first instant, inclusive, to the
first instant of the next day, exclusive, so that midnight belongs to the day that begins.

Readings:
    C1. A wall time that does not exist (clocks go forward) moves one hour on.
    C2. A wall time that exists twice (clocks go back) is the first of the two.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_HOUR = timedelta(hours=1)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC at which clocks in `zone` show `wall` (a naive datetime)."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == wall:
        return instant
    return (wall + _HOUR).replace(tzinfo=zone, fold=0).astimezone(UTC)


def business_day(instant: datetime, zone: ZoneInfo) -> date:
    """The day that clocks in `zone` show at `instant`."""
    return instant.astimezone(zone).date()


@lru_cache(maxsize=100_000)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of `day` in `zone`, in UTC."""
    return instant_of(datetime(day.year, day.month, day.day), zone)  # noqa: DTZ001, wall time
