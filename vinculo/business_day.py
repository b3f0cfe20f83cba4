"""Which day it is for a business; the only place where a command asks the wall clock for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def yesterday(zone: str) -> date:
    """Return the last whole day in a zone."""
    return datetime.now(ZoneInfo(zone)).date() - timedelta(days=1)
