"""Terms of new lots: business days, months of any length, activity."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instants import date_of, day_of, instant_of
from domain.ledger.terms import NEVER, Standing
from domain.programmes.expiring import (
    LotMaker,
    active_from,
    expires_at,
    expiry_day,
    extended_expiry,
    extends_by_redeeming,
    is_activity,
    reissued_expiry,
)
from domain.programmes.format import Burn, PointsCurrency, Reissue
from domain.programmes.judging import judge
from domain.programmes.lifetimes import (
    ExpiresAfterDays,
    ExpiresAfterMonths,
    ExpiresOnDate,
    ExpiresWithoutActivity,
    Expiry,
    NeverExpires,
)
from domain.programmes.periods import cap_periods, first_day, last_day, month_of, months_later
from tests.domain.programme_cases import MADRID, bought, compiled, line, on, rule

ZONE = ZoneInfo("Europe/Madrid")
DAYS = st.dates(date(1990, 1, 1), date(2190, 1, 1)).map(day_of)


def midnight(*day: int) -> int:
    return instant_of(datetime(*day, tzinfo=ZONE))  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("expiry", "earned", "last"),
    [
        (ExpiresAfterDays(days=0), (2026, 3, 28), (2026, 3, 28)),
        (ExpiresAfterDays(days=30), (2026, 3, 28), (2026, 4, 27)),
        (ExpiresAfterMonths(months=1), (2026, 1, 31), (2026, 2, 28)),
        (ExpiresAfterMonths(months=24), (2024, 2, 29), (2026, 2, 28)),
        (ExpiresAfterMonths(months=11), (2026, 1, 15), (2026, 12, 15)),
        (ExpiresAfterMonths(months=12, until="month"), (2026, 1, 15), (2027, 1, 31)),
        (ExpiresOnDate(month_day="12-31"), (2026, 12, 31), (2026, 12, 31)),
        (ExpiresOnDate(month_day="12-31", after_months=1), (2026, 11, 30), (2026, 12, 31)),
        (ExpiresOnDate(month_day="12-31", after_months=1), (2026, 12, 1), (2027, 12, 31)),
        (ExpiresOnDate(month_day="03-31", after_months=12), (2026, 4, 1), (2028, 3, 31)),
        (ExpiresWithoutActivity(months=6), (2026, 8, 31), (2027, 2, 28)),
        (ExpiresWithoutActivity(months=6, until="month"), (2026, 8, 1), (2027, 2, 28)),
    ],
)  # fmt: skip
def test_points_can_be_spent_to_the_end_of_their_last_day(
    expiry: Expiry, earned: Any, last: Any
) -> None:
    day = expiry_day(expiry, day_of(date(*earned)))
    assert date(*last) == date_of(day or 0)
    following = date(*last) + timedelta(days=1)
    gone = midnight(following.year, following.month, following.day)
    assert gone == expires_at(expiry, day_of(date(*earned)), MADRID)


def test_points_that_never_expire_have_no_last_day() -> None:
    assert (None, NEVER) == (expiry_day(NeverExpires(), 0), expires_at(NeverExpires(), 0, MADRID))


def test_pending_points_wait_for_the_first_instant_of_a_day() -> None:
    at = midnight(2026, 3, 20) + 5
    day = day_of(date(2026, 3, 20))
    assert at == active_from(0, day, at, MADRID)
    assert midnight(2026, 4, 3) == active_from(14, day, at, MADRID)


def test_an_own_lifetime_of_a_rule_goes_before_that_of_its_currency() -> None:
    currency = PointsCurrency(
        code="p", burn=Burn(), pending_days=3, expiry=ExpiresAfterMonths(months=12)
    )
    version = compiled(
        rule("plain"), rule("own", pending_days=0, expiry=NeverExpires()), currencies=(currency,)
    )
    occasion = on(date(2026, 2, 1), bought(line(100)))
    (award,) = judge(version, occasion, Standing())
    plain, own = (share.terms for share in award.shares)
    assert (midnight(2026, 2, 4), midnight(2027, 2, 2)) == (plain.active_from, plain.expires_at)
    assert (occasion.occurred_at, NEVER) == (own.active_from, own.expires_at)


@given(DAYS, st.integers(0, 3), st.integers(1, 60), st.sampled_from(["day", "month"]))
def test_terms_do_not_depend_on_what_was_asked_before(
    day: int, pending: int, months: int, until: Any
) -> None:
    expiry = ExpiresAfterMonths(months=months, until=until)
    maker = LotMaker(pending, expiry, "paid", ("issuer", "funder"), MADRID)
    at = MADRID.start(day) + 1
    maker.terms(day, at + 7)
    terms = maker.terms(day, at)
    assert terms == LotMaker(pending, expiry, "paid", ("issuer", "funder"), MADRID).terms(day, at)
    assert active_from(pending, day, at, MADRID) == terms.active_from
    assert expires_at(expiry, day, MADRID) == terms.expires_at
    assert ("paid", "issuer", "funder") == (terms.kind, terms.issuer, terms.funder)
    assert at <= terms.active_from < terms.expires_at


# ------------------------------------------------------------------ activity, reversal


def test_activity_moves_the_end_of_all_lots() -> None:
    activity = ExpiresWithoutActivity(
        months=12, redeeming=False, touchpoints=("interaction_recorded",)
    )
    currency = PointsCurrency(code="p", burn=Burn(), expiry=activity)
    day = day_of(date(2026, 5, 5))
    assert midnight(2027, 5, 6) == extended_expiry(currency, day, MADRID)
    assert is_activity(currency, "purchase_made", earned=True)
    assert not is_activity(currency, "purchase_made", earned=False)
    assert is_activity(currency, "interaction_recorded", earned=False)
    assert not extends_by_redeeming(currency)
    spent = msgspec.structs.replace(activity, redeeming=True, earning=False)
    other = msgspec.structs.replace(currency, expiry=spent)
    assert extends_by_redeeming(other)
    assert not is_activity(other, "purchase_made", earned=True)
    rolling = msgspec.structs.replace(currency, expiry=ExpiresAfterMonths(months=12))
    assert extended_expiry(rolling, day, MADRID) is None
    assert not is_activity(rolling, "interaction_recorded", earned=True)
    assert not extends_by_redeeming(rolling)


def test_points_that_come_back_to_an_expired_lot_are_gone_or_live_a_little() -> None:
    currency = PointsCurrency(code="p", burn=Burn())
    day = day_of(date(2026, 5, 5))
    assert reissued_expiry(currency, day, MADRID) is None
    reissued = msgspec.structs.replace(currency, reversal=Reissue(days=30))
    assert midnight(2026, 6, 5) == reissued_expiry(reissued, day, MADRID)


# ------------------------------------------------------------------ the calendar's arithmetic


@given(DAYS, st.integers(-600, 600))
def test_months_later_is_the_same_day_or_the_last_of_the_month(day: int, months: int) -> None:
    later = months_later(day, months)
    assert month_of(day) + months == month_of(later)
    assert first_day(month_of(later)) <= later <= last_day(month_of(later))
    same = date_of(day).day == date_of(later).day
    assert same or (later == last_day(month_of(later)) and date_of(later).day < date_of(day).day)


def test_keys_of_cap_periods_tell_periods_apart() -> None:
    names = cap_periods(day_of(date(2024, 12, 30)))
    assert {
        "touchpoint": "|touchpoint", "day": "|day|2024-12-30", "week": "|week|2025-W01",
        "month": "|month|2024-12", "year": "|year|2024", "ever": "|ever|",
    } == names  # fmt: skip
