"""Liability by month of expiry, now and as of a day; statements of accounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec
import pytest

from domain.accounting.estimates import EstimateError
from domain.accounting.liability import LiabilityLine
from domain.accounting.months import month_named
from domain.accounting.statement import Statement, StatementError
from domain.instants import day_of
from domain.ledger.commands import Adjust, CloseAccount, Reserve
from domain.programmes.lifetimes import ExpiresAfterMonths
from journal.ledger import request_id_of
from projections.ledger.liability import Liability, liability_as_of, liability_now
from projections.ledger.statements import (
    BalanceName,
    StatementAsked,
    UnknownAccountError,
    read_statements,
)
from tests.projections.club_business import CLUB, OWN, ClubBusiness, at

ANA, BEN = "crm:ana", "crm:ben"


def day(text: str) -> int:
    return day_of(date.fromisoformat(text))


@pytest.fixture
def club(database_url: str) -> Iterator[ClubBusiness]:
    """Points live twelve months; three are set aside, some are spent."""
    currency = msgspec.structs.replace(CLUB.currencies[0], expiry=ExpiresAfterMonths(months=12))
    rules = msgspec.structs.replace(CLUB, currencies=(currency,))
    with ClubBusiness(database_url, rules=rules) as made:
        made.estimate("2026-01-01", 5_000)
        made.estimate("2026-11-01", 8_000)
        made.buy(ANA, 1_000, "2026-08-05T10:00")
        made.buy(BEN, 2_000, "2026-10-05T10:00")
        made.redeem(ANA, 30, "2026-11-05T10:00")
        command = Reserve(
            redemption_id=request_id_of("till", "1"), currency="points", points=3,
            until=at("2027-01-01T00:00"), reference="basket 4",
        )  # fmt: skip
        made.ask(ANA, command, "2026-11-06T10:00")
        yield made


def told(found: Liability) -> list[tuple[str, int, int]]:
    return [(str(one.month), one.points, one.amount) for one in found.lines]


def statements(
    club: ClubBusiness,
    account: bytes,
    period: tuple[str, str] = ("2026-11-01", "2026-11-30"),
    currency: str | None = None,
    balance: BalanceName = "available",
) -> tuple[Statement, ...]:
    asked = StatementAsked(
        account_id=account, first=day(period[0]), last=day(period[1]), currency=currency,
        balance=balance,
    )  # fmt: skip
    return read_statements(club.connection, club.logs.decisions, club.calendar, asked)


def test_open_points_by_month_of_expiry_are_valued_by_the_estimate_of_the_day(
    club: ClubBusiness,
) -> None:
    found = liability_now(club.connection, club.logs.decisions, club.calendar, day("2026-11-22"))
    assert (
        LiabilityLine(OWN, month_named("2027-08"), 70, "EUR", 56),
        LiabilityLine(OWN, month_named("2027-10"), 200, "EUR", 160),
    ) == found.lines


def test_as_of_today_it_is_the_same_out_of_the_log(club: ClubBusiness) -> None:
    asked = (club.connection, club.logs.decisions, club.calendar, day("2026-11-22"))
    assert liability_now(*asked) == liability_as_of(*asked)


def test_as_of_a_past_day_later_things_have_not_happened(club: ClubBusiness) -> None:
    asked = (club.connection, club.logs.decisions, club.calendar)
    august, october = str(month_named("2027-08")), str(month_named("2027-10"))
    assert [(august, 100, 50)] == told(liability_as_of(*asked, day("2026-10-04")))
    assert [(august, 100, 50), (october, 200, 100)] == told(
        liability_as_of(*asked, day("2026-10-31"))
    )
    assert [(august, 100, 80), (october, 200, 160)] == told(
        liability_as_of(*asked, day("2026-11-04"))
    )
    assert [] == told(liability_as_of(*asked, day("2026-08-04")))


def test_points_that_never_expire_are_told_last_and_points_without_estimate_refused(
    club: ClubBusiness,
) -> None:
    kind = msgspec.structs.replace(OWN, kind="promotional")
    gift = Adjust(
        adjustment_id=b"a" * 16, currency="points", points=25, reason="sorry", by="ann",
        approved_by="bob",
    )  # fmt: skip
    club.ask(BEN, gift, "2026-11-06T10:00")
    asked = (club.connection, club.logs.decisions, club.calendar, day("2026-11-22"))
    for ask in (liability_now, liability_as_of):
        with pytest.raises(EstimateError, match="promotional"):
            ask(*asked)
    club.estimate("2026-01-01", 10_000, portfolio=kind)
    assert LiabilityLine(kind, None, 25, "EUR", 25) == liability_now(*asked).lines[-1]


def test_the_statement_of_an_account_is_by_value_date_and_continues(club: ClubBusiness) -> None:
    account = club.account(ANA)
    [before] = statements(club, account)
    assert (100, 67) == (before.opening, before.closing)
    assert [("redemption_made", -30, 70, ""), ("redemption_reserved", -3, 67, "basket 4")] == [
        (one.code, one.points, one.balance, one.reference) for one in before.lines
    ]
    club.buy(ANA, 500, "2026-11-02T10:00")
    [after] = statements(club, account)
    assert ["points_accrued", "redemption_made", "redemption_reserved"] == [
        one.code for one in after.lines
    ]
    assert [150, 120, 117] == [one.balance for one in after.lines]
    assert after.version > before.version
    [total] = statements(club, account, currency="points", balance="total")
    assert (100, 120) == (total.opening, total.closing)
    [reserved] = statements(club, account, balance="reserved")
    assert (0, 3) == (reserved.opening, reserved.closing)


def test_an_account_that_was_closed_ends_at_nothing(club: ClubBusiness) -> None:
    club.ask(ANA, CloseAccount(reason="asked"), "2026-11-10T10:00")
    [found] = statements(club, club.account(ANA), ("2026-01-01", "2026-12-31"))
    assert 0 == found.closing == found.lines[-1].balance


def test_what_is_not_there_is_told(club: ClubBusiness) -> None:
    with pytest.raises(UnknownAccountError, match="found none"):
        statements(club, b"?" * 16)
    with pytest.raises(UnknownAccountError, match="points"):
        statements(club, club.account(ANA), currency="miles")
    with pytest.raises(StatementError, match="swap them"):
        statements(club, club.account(ANA), ("2026-11-30", "2026-11-01"))
