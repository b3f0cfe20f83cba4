"""Local times of a data set, with the offset that was in force."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def read_local(text: str, zone: ZoneInfo) -> datetime:
    """Return a local time such as ``2017-03-12 02:30:00`` with its offset from UTC.

    A time that does not exist (the night on which clocks go forward) moves an hour on. One that
    comes twice (clocks go back) is the first of the two: the data do not say which.

    Raises:
        ValueError: the text is no ISO 8601 time without an offset, or lies in year 1 or 9999.

    """
    naive = datetime.fromisoformat(text)
    if naive.tzinfo is not None:
        raise ValueError(f"expected a local time without an offset, found {text[:40]!r}")
    try:
        return naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)
    except OverflowError as error:
        raise ValueError(f"expected a year from 2 to 9998, found {text[:40]!r}") from error
