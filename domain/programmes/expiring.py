"""When a new lot becomes active and when it expires, in days of the business zone.

A lot that expires *at the end of a day* has that day's successor's first instant as ``expires_at``:
the last instant at which its points can be spent is the last one of the day.
"""

from __future__ import annotations

from datetime import date
from typing import assert_never

from domain.calendar import Calendar
from domain.instants import date_of, day_of
from domain.ledger.terms import NEVER, LotKind, LotTerms
from domain.programmes.format import PointsCurrency, Reissue
from domain.programmes.lifetimes import (
    ExpiresAfterDays,
    ExpiresAfterMonths,
    ExpiresOnDate,
    ExpiresWithoutActivity,
    Expiry,
    NeverExpires,
    Until,
)
from domain.programmes.periods import last_day, month_of, months_later


def expiry_day(expiry: Expiry, day: int) -> int | None:
    """Return the last day on which points earned on a day can be spent; None for no end.

    Args:
        expiry: as written.
        day: of earning, or of the last activity where activity is what counts.

    """
    match expiry:
        case NeverExpires():
            return None
        case ExpiresOnDate(month_day=month_day, after_months=months):
            return _next_date(month_day, months_later(day, months))
        case ExpiresAfterDays(days=days):
            return day + days
        case ExpiresAfterMonths(months=months, until=until):
            return after_months(day, months, until)
        case ExpiresWithoutActivity(months=months, until=until):
            return after_months(day, months, until)
        case _:
            assert_never(expiry)


def after_months(day: int, months: int, until: Until) -> int:
    """Return the day that lies months later, or the last day of its month."""
    later = months_later(day, months)
    return last_day(month_of(later)) if until == "month" else later


def expires_at(expiry: Expiry, day: int, calendar: Calendar) -> int:
    """Return the instant from which points earned on a day are gone, or NEVER."""
    last = expiry_day(expiry, day)
    return NEVER if last is None else calendar.start(last + 1)


def active_from(pending_days: int, day: int, occurred_at: int, calendar: Calendar) -> int:
    """Return the instant from which points may be spent.

    Args:
        pending_days: 0 for at once; 14 means from the first instant of the fourteenth day on.
        day: of earning.
        occurred_at: the instant of earning.
        calendar: of the tenant.

    """
    return calendar.start(day + pending_days) if pending_days else occurred_at


def extended_expiry(currency: PointsCurrency, day: int, calendar: Calendar) -> int | None:
    """Return when the open lots expire after an activity on a day.

    Returns:
        The instant; None if activity does not extend the lots of this currency. An activity learnt
        of late may give an earlier instant than the lots have: the later one holds.

    """
    if not isinstance(currency.expiry, ExpiresWithoutActivity):
        return None
    return expires_at(currency.expiry, day, calendar)


def reissued_expiry(currency: PointsCurrency, day: int, calendar: Calendar) -> int | None:
    """Return when points expire that go back, on a day, to a lot that has expired.

    Returns:
        The instant; None if such points are forfeit.

    """
    if isinstance(currency.reversal, Reissue):
        return calendar.start(day + currency.reversal.days + 1)
    return None


class LotMaker:
    """Makes the terms of the lots of one earn rule.

    Args:
        pending_days: of the rule or its currency.
        expiry: of the rule or its currency.
        kind: of the points.
        parties: issuer and funder, empty for the programme's own and for nobody.
        calendar: of the tenant.

    """

    __slots__ = ("_calendar", "_days", "_expiry", "_kind", "_parties", "_pending_days")

    _DAYS_MAX = 4_096

    def __init__(
        self,
        pending_days: int,
        expiry: Expiry,
        kind: LotKind,
        parties: tuple[str, str],
        calendar: Calendar,
    ) -> None:
        self._pending_days = pending_days
        self._expiry = expiry
        self._kind = kind
        self._parties = parties
        self._calendar = calendar
        # A lot that is active at once differs by its instant; all others of a day are alike.
        self._days: dict[int, LotTerms] = {}

    def terms(self, day: int, occurred_at: int) -> LotTerms:
        """Return the terms of a lot earned on a business day, at an instant of it."""
        alike = self._days.get(day) or self._reckon(day)
        if self._pending_days:
            return alike
        return LotTerms(occurred_at, alike.expires_at, alike.kind, alike.issuer, alike.funder)

    def _reckon(self, day: int) -> LotTerms:
        active = active_from(self._pending_days, day, 0, self._calendar)
        gone = expires_at(self._expiry, day, self._calendar)
        terms = LotTerms(active, gone, self._kind, *self._parties)
        if len(self._days) >= self._DAYS_MAX:
            self._days.clear()
        self._days[day] = terms
        return terms


def is_activity(currency: PointsCurrency, kind: str, *, earned: bool) -> bool:
    """Say whether a touchpoint extends the lots of a currency.

    Args:
        currency: of points.
        kind: type of the touchpoint, such as ``purchase_made``.
        earned: whether it gave points of this currency.

    """
    expiry = currency.expiry
    if not isinstance(expiry, ExpiresWithoutActivity):
        return False
    return (earned and expiry.earning) or kind in expiry.touchpoints


def extends_by_redeeming(currency: PointsCurrency) -> bool:
    """Say whether spending points extends the lots of a currency."""
    return isinstance(currency.expiry, ExpiresWithoutActivity) and currency.expiry.redeeming


def _next_date(month_day: str, day: int) -> int:
    """Return the first day MM-DD that is not before a day."""
    month, number = int(month_day[:2]), int(month_day[3:])
    year = date_of(day).year
    this_year = day_of(date(year, month, number))
    return this_year if this_year >= day else day_of(date(year + 1, month, number))
