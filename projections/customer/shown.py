"""How instants, days and ids are shown: as values that msgspec writes as JSON text.

A ``datetime`` in UTC is written as RFC 3339 with ``Z``, a ``date`` as ``YYYY-MM-DD``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from domain.calendar import Calendar
from domain.instants import EPOCH, SECOND, date_of

_EXACT_MAX = 2**32 * SECOND
"""Up to here (the year 2106) seconds as a float lie within half a microsecond of the instant."""
_datetime_of = datetime.fromtimestamp


def moment(instant: int) -> datetime:
    """Return the UTC datetime of an instant (microseconds since 1970)."""
    # There are two dozen in every document, and this way is a fifth faster than the other one.
    if 0 <= instant < _EXACT_MAX:
        return _datetime_of(instant / SECOND, UTC)
    return EPOCH + timedelta(0, 0, instant)


def moment_or_never(instant: int | None) -> datetime | None:
    """Return the UTC datetime of an instant, None for never."""
    return None if instant is None else moment(instant)


def business_date(instant: int | None, calendar: Calendar) -> date | None:
    """Return the business day of an instant as a date, None for never."""
    return None if instant is None else date_of(calendar.day(instant))


def uuid_text(sixteen: bytes) -> str:
    """Return the 36 characters of a UUID; four times as fast as ``uuid.UUID``."""
    digits = sixteen.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
