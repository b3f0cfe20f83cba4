"""When points expire, and when a tier that was earned ends: the forms a manager may choose from."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from domain.programmes.kinds import DayCount, MonthCount, TypeCode, Written

Until = Literal["day", "month"]
"""To the end of that day, or to the end of the month in which it lies."""


class NeverExpires(Written, frozen=True, kw_only=True, tag_field="kind", tag="never"):
    """Points stay until they are spent."""


class ExpiresOnDate(Written, frozen=True, kw_only=True, tag_field="kind", tag="fixed_date"):
    """Points expire at the end of a day of the year, the first that lies late enough.

    Args:
        month_day: MM-DD; not 02-29, which most years lack.
        after_months: how many months the points have at least.

    """

    month_day: Annotated[str, Meta(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$(?!\n)")]
    after_months: Annotated[int, Meta(ge=0, le=600)] = 0


class ExpiresAfterDays(Written, frozen=True, kw_only=True, tag_field="kind", tag="days"):
    """Points expire a number of days after they were earned, at the end of the day.

    Args:
        days: 0 is the day on which they were earned.

    """

    days: DayCount


class ExpiresAfterMonths(Written, frozen=True, kw_only=True, tag_field="kind", tag="months"):
    """Points expire a number of months after they were earned (rolling).

    Args:
        months: from the day of earning; where the month is shorter, its last day.
        until: to the end of that day, or of its month.

    """

    months: MonthCount
    until: Until = "day"


class ExpiresWithoutActivity(Written, frozen=True, kw_only=True, tag_field="kind", tag="activity"):
    """All points expire a number of months after the last activity; each activity extends them.

    Args:
        months: from the day of the last activity.
        until: to the end of that day, or of its month.
        earning: whether points that come in are an activity.
        redeeming: whether spending points is an activity.
        touchpoints: types that are an activity whether or not they earn points.

    """

    months: MonthCount
    until: Until = "day"
    earning: bool = True
    redeeming: bool = True
    touchpoints: Annotated[tuple[TypeCode, ...], Meta(max_length=100)] = ()


Expiry = (
    NeverExpires | ExpiresOnDate | ExpiresAfterDays | ExpiresAfterMonths | ExpiresWithoutActivity
)
"""Every form of expiry; written out, for exhaustive matching."""
