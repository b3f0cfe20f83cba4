"""Closing months of a real ledger: DOMAIN's example to the unit, late facts, doubts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import psycopg
import pytest

from domain.accounting.books import ClosingError, ReopeningRefusedError, Value
from domain.accounting.estimates import EstimateError
from domain.accounting.months import first_day, month_named, month_text
from domain.accounting.movements import RollForward, RollForwardError
from domain.accounting.portfolios import Portfolio
from domain.accounting.revenue import RevenueError
from domain.ledger.commands import Adjust, CloseAccount, OpeningLot, SetOpeningBalance
from domain.programmes.earn_rules import EarnRule, Fixed
from domain.programmes.format import PointsCurrency
from journal.accounting import close_month, read_books
from journal.decisions import open_decisions
from journal.programmes import ProgrammeOffice
from journal.reading import HoleError
from projections.ledger.closing import NotClosedError, closed_month, prepare_month, prior_period
from projections.ledger.reading import LedgerReader, MissingAccountError, standing
from tests.projections.club_business import CLUB, OWN, ClubBusiness, at

ANA, BEN = "crm:ana", "crm:ben"


@pytest.fixture
def club(database_url: str) -> Iterator[ClubBusiness]:
    with ClubBusiness(database_url) as made:
        yield made


def of_own(closed: object) -> tuple[RollForward, Value]:
    [total] = [one for one in closed.totals if one.portfolio == OWN]  # type: ignore[attr-defined]
    return total.points, total.value


def test_the_worked_example_of_the_domain_through_two_real_closes(club: ClubBusiness) -> None:
    """91,324 / 8,676; 4,110 / 4,566; 3,493 / 1,073."""
    club.estimate("2026-01-01", 9_500)
    club.buy(ANA, 100_000, "2026-11-05T10:00", tax=21_000)
    club.redeem(ANA, 4_500, "2026-11-20T10:00")
    points, value = of_own(club.close("2026-11"))
    assert RollForward(0, 10_000, -4_500, 0, 0, 0, 0, 5_500) == points
    assert Value("EUR", 0, 8_676, 4_110, 4_566, 0) == value
    assert 91_324 == 100_000 - value.added

    club.estimate("2026-12-01", 9_700)
    club.redeem(ANA, 4_000, "2026-12-10T10:00")
    points, value = of_own(club.close("2026-12"))
    assert RollForward(5_500, 0, -4_000, 0, 0, 0, 0, 1_500) == points
    assert (4_566, 0, 3_493, 1_073) == (value.opening, value.added, value.released, value.closing)


def test_a_claw_back_for_a_closed_month_is_a_prior_period_of_the_next_one(
    club: ClubBusiness,
) -> None:
    club.estimate("2026-01-01", 10_000)
    number = club.buy(ANA, 1_000, "2026-11-05T10:00")
    november = club.close("2026-11")
    before = list(prior_period(club.connection, club.logs, november, club.calendar))
    club.give_back(ANA, number, 600, "2026-11-25T10:00")
    club.buy(BEN, 500, "2026-12-02T10:00")
    december = club.close("2026-12")
    points, _ = of_own(december)
    assert RollForward(100, 50, 0, 0, -60, 0, 0, 90) == points
    [total] = december.totals
    assert (-60, -60) == (total.prior.clawed_back, total.prior.closing)
    [late] = prior_period(club.connection, club.logs, december, club.calendar)
    assert ("2026-12", "2026-11", "clawed_back", -60) == (
        month_text(late.month), month_text(late.original), late.movement.kind, late.movement.points
    )  # fmt: skip
    again = closed_month(club.connection, club.logs.decisions, november.month)
    assert november == again
    assert before == list(prior_period(club.connection, club.logs, again, club.calendar)) == []


def test_what_was_known_before_a_close_and_happened_after_its_month_counts_later(
    club: ClubBusiness,
) -> None:
    """Three months are closed at once, long after; then each has what happened in it."""
    club.estimate("2026-01-01", 10_000)
    for month, net in (("10", 1_000), ("11", 2_000), ("12", 4_000)):
        club.buy(ANA, net, f"2026-{month}-05T10:00")
    closings = [of_own(club.close(f"2026-{month}"))[0] for month in ("10", "11", "12")]
    assert [(0, 100, 100), (100, 200, 300), (300, 400, 700)] == [
        (one.opening, one.issued, one.closing) for one in closings
    ]


def test_the_next_close_reads_no_more_than_it_must(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    for day in range(1, 10):
        club.buy(ANA, 1_000, f"2026-11-0{day}T10:00")
    club.buy(ANA, 1_000, "2026-12-01T10:00")
    known = standing(club.connection, club.logs.decisions, club.calendar).position
    november = club.close("2026-11")
    assert known == november.coordinate.decisions
    assert known - 1 == november.ahead, "the last purchase, before FactsJudged"
    # The purchase of December, FactsJudged, and the close itself.
    assert 3 == club.prepare("2026-12").decisions


def test_the_first_close_opens_the_books_with_all_that_was_before(club: ClubBusiness) -> None:
    club.estimate("2020-01-01", 10_000)
    club.buy(ANA, 1_000, "2025-05-05T10:00")
    club.redeem(ANA, 30, "2026-03-05T10:00")
    points, value = of_own(club.close("2026-11"))
    assert RollForward(70, 0, 0, 0, 0, 0, 0, 70) == points
    # 1,000 for goods at 1,000 and 100 points at 100: 91 are the points'; 64 of them are open.
    assert (64, 0, 0, 64) == (value.opening, value.added, value.released, value.closing)


def test_a_month_is_that_of_the_business_zone(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-10-31T22:59")
    club.buy(ANA, 2_000, "2026-10-31T23:00")
    assert 100 == of_own(club.close("2026-10"))[0].issued
    assert 200 == of_own(club.close("2026-11"))[0].issued


def test_every_kind_of_movement_is_in_its_line(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    for kind in ("promotional", "paid"):
        club.estimate("2026-01-01", 10_000, portfolio=Portfolio("club", "points", "", kind))
    number = club.buy(ANA, 1_000, "2026-11-02T10:00")
    club.redeem(ANA, 30, "2026-11-03T10:00")
    club.give_back(ANA, number, 1_000, "2026-11-04T10:00")
    club.buy(BEN, 3_000, "2026-11-05T10:00")
    club.ask(
        BEN,
        Adjust(
            adjustment_id=b"a" * 16, currency="points", points=25, reason="sorry", by="ann",
            approved_by="bob", expires_at=at("2026-11-20T10:00"),
        ),
        "2026-11-06T10:00",
    )  # fmt: skip
    club.ask(BEN, CloseAccount(reason="asked"), "2026-11-30T10:00")
    closed = club.close("2026-11")
    own, promotional = closed.totals
    assert RollForward(0, 400, -30, -300, -100, 0, 0, -30) == own.points
    assert RollForward(0, 0, 0, -25, 0, 25, 0, 0) == promotional.points
    # Clawed back and spent: nothing is left of the first sale but what is owed.
    assert 300 * 3_000 // 3_300 + 1 == own.value.added
    assert own.value.added == own.value.released


def test_opening_balances_are_adjusted_before_their_first_month(club: ClubBusiness) -> None:
    club.estimate("2020-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    club.buy(BEN, 10, "2026-11-02T10:00")
    lots = (OpeningLot(points=7, earned_at=at("2024-02-01T00:00")),)
    command = SetOpeningBalance(currency="miles", lots=lots, reference="statement 9", by="ann")
    miles = Portfolio("club", "miles", "", "earned")
    club.estimate("2020-01-01", 10_000, portfolio=miles)
    club.ask(BEN, command, "2026-11-02T12:00")
    totals = {one.portfolio: one.points for one in club.close("2026-11").totals}
    assert (7, 0, 7) == (totals[miles].opening, totals[miles].adjusted, totals[miles].closing)


def test_a_qualifying_currency_needs_no_estimate(club: ClubBusiness) -> None:
    """Nobody owes what nobody can redeem; the approved programme says which currency that is."""
    status = PointsCurrency(code="status", kind="qualifying")
    version = msgspec.structs.replace(
        CLUB, currencies=(*CLUB.currencies, status), version="v2",
        effective_from=datetime(2027, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    club.estimate("2020-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    lots = (OpeningLot(points=7, earned_at=at("2026-11-01T00:00")),)
    command = SetOpeningBalance(currency="status", lots=lots, reference="statement", by="ann")
    club.ask(ANA, command, "2026-11-02T12:00")
    with pytest.raises(EstimateError, match="club/status"):
        club.prepare("2026-11")
    with open_decisions(club.url, club.logs.decisions) as decisions:
        office = ProgrammeOffice(decisions, now=lambda: at("2026-11-03T00:00"))
        drafted = office.draft(version, by="ann").record
        office.approve("club", "v2", digest=drafted.digest, by="bob")
    assert [OWN] == [one.portfolio for one in club.close("2026-11").totals]


def test_a_ledger_that_says_otherwise_is_not_closed(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    with psycopg.connect(club.url) as owner:
        kept = owner.execute("SELECT version, state FROM ledger.account").fetchone()
        assert kept is not None
        club.buy(ANA, 2_000, "2026-11-03T10:00")
        owner.execute("UPDATE ledger.account SET version = %s, state = %s", kept)
    with pytest.raises(RollForwardError, match=r"expected 300 points .* found 100 in the ledger"):
        club.prepare("2026-11")


def test_an_account_that_lost_its_row_is_not_passed_over(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    with psycopg.connect(club.url) as owner:
        owner.execute("DELETE FROM ledger.account")
    with pytest.raises(MissingAccountError, match=str(UUID(bytes=club.account(ANA)))):
        club.prepare("2026-11")


def test_a_log_with_a_hole_is_not_closed(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    with psycopg.connect(club.url) as owner:
        owner.execute(
            "DELETE FROM journal.entry WHERE log_id = %s AND position = 3", (club.logs.decisions,)
        )
    with pytest.raises(HoleError, match="expected 6 decisions"):
        club.prepare("2026-11")


def test_months_are_closed_in_order_once_and_when_they_are_over(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    prepared = club.prepare("2026-11").preparation
    with open_decisions(club.url, club.logs.decisions) as decisions:
        last = first_day(month_named("2026-12")) - 1
        with pytest.raises(ClosingError, match="over"):
            close_month(decisions, prepared, by="carla", today=last)
        assert close_month(decisions, prepared, by="carla", today=last + 1)
        assert not close_month(decisions, prepared, by="dora", today=last + 1)
    with pytest.raises(ReopeningRefusedError):
        club.prepare("2026-11")
    with pytest.raises(ClosingError, match="2026-12 first"):
        club.prepare("2027-01")
    with pytest.raises(NotClosedError, match="2026-12"):
        closed_month(club.connection, club.logs.decisions, month_named("2026-12"))


def test_of_two_who_close_at_once_one_is_told_to_prepare_again(club: ClubBusiness) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    one = club.prepare("2026-11").preparation
    club.buy(BEN, 1_000, "2026-11-03T10:00")
    other = club.prepare("2026-11").preparation
    today = first_day(month_named("2026-12"))
    with open_decisions(club.url, club.logs.decisions) as decisions:
        assert close_month(decisions, other, by="carla", today=today)
        with pytest.raises(ReopeningRefusedError):
            close_month(decisions, one, by="dora", today=today)
    books = read_books(club.connection, club.logs.decisions)
    assert other.digest == books.digest


def test_points_of_a_sale_in_another_money_are_not_priced_by_guess(database_url: str) -> None:
    rule = EarnRule(
        code="any", currency="points", touchpoints=("purchase_made",), earn=Fixed(points=5)
    )
    rules = msgspec.structs.replace(CLUB, rules=(rule,))
    with ClubBusiness(database_url, rules=rules) as club:
        club.estimate("2026-01-01", 10_000)
        club.buy(ANA, 1_000, "2026-11-02T10:00")
        club.prepare("2026-11")
        line = {"product": "P1", "quantity": 1_000, "amount": 1_000}
        data = {"number": "francs", "currency": "CHF", "lines": [line]}
        club.tell("purchase_made", ANA, "2026-11-02T10:00", data)
        with pytest.raises(RevenueError, match=r"expected sales in EUR.*CHF; convert by a publish"):
            club.prepare("2026-11")


def test_accounts_whose_timers_nobody_ran_and_facts_nobody_judged_are_told(
    club: ClubBusiness,
) -> None:
    club.estimate("2026-01-01", 10_000)
    club.buy(ANA, 1_000, "2026-11-02T10:00")
    club.ask(
        ANA,
        Adjust(
            adjustment_id=b"a" * 16, currency="points", points=5, reason="sorry", by="ann",
            approved_by="bob", expires_at=at("2026-11-30T22:59"), kind="earned",
        ),
        "2026-11-06T10:00",
    )  # fmt: skip
    prepared = club.prepare("2026-11")
    assert (1, 0) == (prepared.accounts_due, prepared.facts_waiting)


@pytest.fixture
def two(database_url: str) -> Iterator[ClubBusiness]:
    """A programme whose sales give points of two currencies, priced together."""
    miles = msgspec.structs.replace(CLUB.currencies[0], code="miles")
    rule = msgspec.structs.replace(CLUB.rules[0], code="miles", currency="miles")
    rules = msgspec.structs.replace(
        CLUB, currencies=(*CLUB.currencies, miles), rules=(*CLUB.rules, rule)
    )
    with ClubBusiness(database_url, rules=rules) as made:
        made.estimate("2026-01-01", 9_500)
        made.estimate("2026-01-01", 4_500, portfolio=Portfolio("club", "miles", "", "earned"))
        yield made


@pytest.mark.parametrize("window", [2, 3, 4, 5, 7, 10_000])
def test_any_window_gives_the_same_movements(two: ClubBusiness, window: int) -> None:
    """No window cuts a sale in two, or its points would be priced apart."""
    for day in range(1, 8):
        number = two.buy(ANA, 1_000 * day, f"2026-11-0{day}T10:00")
        two.redeem(ANA, 10, f"2026-11-0{day}T11:00")
        two.give_back(ANA, number, 100, f"2026-11-0{day}T12:00")
    prepared = prepare_month(two.connection, two.logs, month_named("2026-11"), two.calendar)
    coordinate = prepared.preparation.coordinate

    def read(size: int) -> list[object]:
        reader = LedgerReader.at(two.connection, two.logs, coordinate, two.calendar, size)
        return list(reader.movements(two.connection, 0))

    assert len(read(10_000)) > 30
    assert read(10_000) == read(window)
