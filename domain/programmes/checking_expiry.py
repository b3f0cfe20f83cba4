"""Whether a lifetime of points makes sense."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.programmes.faults import Fault, listed, repeated
from domain.programmes.lifetimes import (
    ExpiresAfterDays,
    ExpiresAfterMonths,
    ExpiresOnDate,
    ExpiresWithoutActivity,
    Expiry,
    NeverExpires,
)
from domain.programmes.rule_types import NEVER_EARN, TYPES

_COMMON_YEAR = 2023
_MONTH_DAYS_MIN = 28


def expiry_faults(field: str, expiry: Expiry) -> Iterator[Fault]:
    """Yield the faults of an expiry by itself."""
    if isinstance(expiry, ExpiresOnDate) and not _is_yearly(expiry.month_day):
        message = f"expected a day that every year has, found {expiry.month_day}; for the last "
        yield Fault(f"{field}.month_day", message + "day of February write 02-28")
    if isinstance(expiry, ExpiresWithoutActivity):
        yield from _activities(field, expiry)


def too_short(field: str, expiry: Expiry, pending_days: int) -> Iterator[Fault]:
    """Yield a fault if points may expire before they can be spent."""
    least = _days_at_least(expiry)
    if least is not None and least < pending_days:
        message = f"expected points to live longer than the {pending_days} days for which they are "
        message += f"pending, found a life of {least} days at the least; lengthen it"
        yield Fault(field, message)


def _is_yearly(month_day: str) -> bool:
    try:
        date(_COMMON_YEAR, int(month_day[:2]), int(month_day[3:]))
    except ValueError:
        return False
    return True


def _activities(field: str, expiry: ExpiresWithoutActivity) -> Iterator[Fault]:
    if not (expiry.earning or expiry.redeeming or expiry.touchpoints):
        message = "expected something that counts as activity, found nothing; switch earning or "
        yield Fault(field, message + "redeeming on, name touchpoints, or write kind: months")
    yield from repeated(f"{field}.touchpoints", expiry.touchpoints, "type")
    odd = [name for name in expiry.touchpoints if name not in TYPES and name not in NEVER_EARN]
    if odd:
        message = f"expected known types of touchpoints, found {listed(odd)}; see schemas/"
        yield Fault(f"{field}.touchpoints", message)


def _days_at_least(expiry: Expiry) -> int | None:
    match expiry:
        case NeverExpires():
            return None
        case ExpiresAfterDays(days=days):
            return days
        case ExpiresOnDate(after_months=months):
            return months * _MONTH_DAYS_MIN
        case ExpiresAfterMonths(months=months) | ExpiresWithoutActivity(months=months):
            return months * _MONTH_DAYS_MIN
