"""Months as integers: a count of months since 1970-01 in the business zone."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from domain.errors import VinculoError
from domain.instants import date_of, day_of

_MONTHS = 12
_EPOCH_YEAR = 1970
_NAMED = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_DAYS_CACHED_MAX = 50_000


class MonthError(VinculoError):
    """A text that names no month."""


@lru_cache(maxsize=_DAYS_CACHED_MAX)
def month_of(day: int) -> int:
    """Return the month (months since 1970-01) of a day (days since 1970-01-01)."""
    when = date_of(day)
    return (when.year - _EPOCH_YEAR) * _MONTHS + when.month - 1


def first_day(month: int) -> int:
    """Return the first day of a month."""
    years, months = divmod(month, _MONTHS)
    return day_of(date(_EPOCH_YEAR + years, months + 1, 1))


def last_day(month: int) -> int:
    """Return the last day of a month."""
    return first_day(month + 1) - 1


def month_text(month: int) -> str:
    """Return a month as people write it: ``2026-11``."""
    years, months = divmod(month, _MONTHS)
    return f"{_EPOCH_YEAR + years:04d}-{months + 1:02d}"


def month_named(text: str) -> int:
    """Return the month that a text such as ``2026-11`` names.

    Raises:
        MonthError: if it names none.

    """
    found = _NAMED.fullmatch(text)
    if found is None:
        message = f"expected a month such as 2026-11, found {text[:40]!r}"
        raise MonthError(message)
    return (int(found[1]) - _EPOCH_YEAR) * _MONTHS + int(found[2]) - 1
