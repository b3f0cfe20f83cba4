"""Every decision of an account as movements of points, and histories that end where accounts do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant

from domain.accounting.liability import OpenLot
from domain.accounting.movements import OVERDRAWN, Activity, Movement
from domain.accounting.portfolios import Portfolio
from domain.calendar import UTC_CALENDAR
from domain.decisions.base import Decision
from domain.instants import SECOND
from domain.ledger import decisions as made
from domain.ledger.extending import Activity as Engagement
from domain.ledger.extending import extend
from domain.ledger.lots import Allocation
from domain.ledger.redeeming import RedemptionTerms
from domain.ledger.taking import Transfer, transfer
from domain.ledger.terms import LotTerms, Share
from projections.ledger.lots import AccountLots
from projections.ledger.movements import _MAPPINGS, SharePrice, movements_of
from projections.ledger.outstanding import add_outstanding, lots_of
from projections.ledger.portfolios import AccountContext
from tests.domain.ledger_case import Case
from tests.domain.test_ledger_any_history import Histories

CLUB = AccountContext("club", UTC_CALENDAR)
OWN = Portfolio("club", "points", "", "earned")
PARTNER = Portfolio("club", "points", "Partner S.A.", "earned")
DAY = 86_400_000_000


def movements(case: Case, context: AccountContext = CLUB) -> list[Movement]:
    return [
        movement
        for position, decision in enumerate(case.desk.decisions, 1)
        for movement in movements_of(position, context, decision)
    ]


def sums(found: list[Movement]) -> dict[Portfolio, int]:
    points: dict[Portfolio, int] = {}
    for one in found:
        points[one.portfolio] = points.get(one.portfolio, 0) + one.points
    return {portfolio: held for portfolio, held in points.items() if held}


def by_expiry(lots: Iterable[OpenLot]) -> dict[tuple[Portfolio, int], int]:
    points: dict[tuple[Portfolio, int], int] = {}
    for lot in lots:
        key = (lot.portfolio, lot.expires_at)
        points[key] = points.get(key, 0) + lot.remaining
    return points


def outstanding(case: Case) -> dict[Portfolio, int]:
    points: dict[Portfolio, int] = {}
    add_outstanding(points, case.account, CLUB)
    return {portfolio: held for portfolio, held in points.items() if held}


@pytest.mark.parametrize("kind", get_args(made.AccountDecision))
def test_every_decision_of_an_account_is_accounted_for(kind: type[Decision]) -> None:
    """A type that is added to the union without saying what it moves fails here."""
    assert kind in _MAPPINGS
    assert issubclass(kind, made.Posting) or _MAPPINGS[kind] is None


def test_nothing_else_is_accounted_for() -> None:
    assert set(get_args(made.AccountDecision)) == set(_MAPPINGS)


def test_only_what_moves_no_points_out_of_an_account_has_no_movements() -> None:
    silent = {kind for kind, mapping in _MAPPINGS.items() if mapping is None}
    assert {
        made.LedgerAccountOpened, made.LedgerAccountClosed, made.ExpiryExtended,
        made.RedemptionReserved, made.FirstPurchaseRecognised, made.TierChanged,
    } == silent  # fmt: skip


def test_points_are_issued_with_the_price_of_their_share_on_the_day_of_the_sale() -> None:
    accrued = made.PointsAccrued(
        currency="points", at=40 * DAY, before=made.Balance(), after=made.Balance(30),
        posting_id=b"\x01" * 16, touchpoint=b"t" * 16, cause=b"t" * 16, version="v1", day=40,
        first_lot=1, shares=(
            Share("base", 10, LotTerms(0, 90 * DAY)),
            Share("bonus", 20, LotTerms(0, 90 * DAY, "promotional", "Partner S.A.")),
        ),
    )  # fmt: skip
    promotional = Portfolio("club", "points", "Partner S.A.", "promotional")
    reference = "01" * 16
    assert [
        Movement(OWN, "issued", 10, 40, 7, 1, 95, "EUR", reference),
        Movement(promotional, "issued", 20, 40, 7, 1, 0, "", reference),
    ] == list(movements_of(7, CLUB, accrued, {0: SharePrice(95, "EUR")}))


def test_currencies_that_only_qualify_are_owed_to_nobody() -> None:
    case = Case()
    case.earn(10, currency="status")
    context = AccountContext("club", UTC_CALENDAR, frozenset({"status"}))
    assert [] == movements(case, context)
    points: dict[Portfolio, int] = {}
    add_outstanding(points, case.account, context)
    assert {} == points
    assert [] == list(lots_of(case.account, context))


def test_an_overdraft_is_a_cohort_of_its_own_until_points_pay_it_off() -> None:
    case = Case()
    case.redeem(30, elsewhere=True)
    case.earn(50, at=40 * DAY, issuer="Partner S.A.")
    found = [(one.portfolio, one.kind, one.points, one.cohort) for one in movements(case)]
    assert [
        (OWN, "redeemed", -30, OVERDRAWN),
        (PARTNER, "issued", 50, 1),
        (OWN, "redeemed", 30, OVERDRAWN),
        (PARTNER, "redeemed", -30, 1),
    ] == found
    assert {PARTNER: 20} == sums(movements(case)) == outstanding(case)


def test_points_clawed_back_that_no_lot_holds_are_of_the_month_of_the_sale() -> None:
    clawed_back = made.PointsClawedBack(
        currency="points", at=70 * DAY, before=made.Balance(4), after=made.Balance(-6),
        posting_id=b"y" * 16, touchpoint=b"t" * 16, cause=b"c" * 16, day=35, due=10,
        allocations=(), uncovered=10,
    )  # fmt: skip
    [movement] = movements_of(9, CLUB, clawed_back)
    assert (OWN, "clawed_back", -10, 70, 1) == (
        movement.portfolio, movement.kind, movement.points, movement.day, movement.cohort
    )  # fmt: skip


def test_a_reversal_is_a_redemption_with_the_other_sign_and_what_expired_meanwhile_expires() -> (
    None
):
    case = Case()
    case.earn(10, expires_at=5)
    case.earn(10, expires_at=100)
    case.redeem(15, at=1)
    case.reverse(at=50)
    total = Activity()
    for movement in movements(case):
        total.add(movement)
    assert (20, 0, -10) == (total.issued, total.redeemed, total.expired)
    assert {OWN: 10} == sums(movements(case)) == outstanding(case)


def followed(case: Case) -> dict[tuple[Portfolio, int], int]:
    lots = AccountLots(CLUB, 10**6)
    for decision in case.desk.decisions:
        lots.follow(decision)
    return by_expiry(lots.open())


def expect_agreement(*cases: Case) -> None:
    for case in cases:
        assert outstanding(case) == sums(movements(case))
        assert by_expiry(lots_of(case.account, CLUB)) == followed(case)


def active(case: Case, at: int, expires_at: int, *lost: Allocation) -> None:
    activity = Engagement(
        posting_id=b"a" * 16, cause=b"c" * 16, currency="points", at=at, expires_at=expires_at,
        lost=lost,
    )  # fmt: skip
    extend(case.desk, activity)


def test_points_that_come_back_from_expiry_are_expired_no_more() -> None:
    case = Case()
    case.earn(10, expires_at=5)
    case.pass_time(50)
    assert {} == sums(movements(case))
    [lost] = [one for one in case.desk.decisions if isinstance(one, made.LotsExpired)]
    active(case, 3, 90, *lost.allocations)
    assert {OWN: 10} == sums(movements(case))
    expect_agreement(case)


def test_points_that_come_back_from_expiry_pay_off_a_debt() -> None:
    case = Case()
    case.earn(10, expires_at=5)
    case.pass_time(50)
    case.redeem(4, at=51, elsewhere=True)
    [lost] = [one for one in case.desk.decisions if isinstance(one, made.LotsExpired)]
    active(case, 3, 90, *lost.allocations)
    assert {OWN: 6} == sums(movements(case))
    expect_agreement(case)


def test_points_that_are_received_or_mature_pay_off_a_debt() -> None:
    giver, taker = Case(b"g"), Case(b"t")
    giver.earn(20, expires_at=90, issuer="Partner S.A.")
    taker.redeem(5, elsewhere=True)
    order = Transfer(transfer_id=b"x" * 16, currency="points", points=12)
    transfer(giver.desk, taker.desk, order, 10)
    assert {PARTNER: 8} == sums(movements(giver))
    assert {PARTNER: 7} == sums(movements(taker))
    late = Case(b"l")
    late.earn(9, active_from=20, issuer="Partner S.A.")
    late.redeem(5, elsewhere=True)
    late.pass_time(30)
    assert {PARTNER: 4} == sums(movements(late))
    expect_agreement(giver, taker, late)


def test_activity_moves_what_was_there_and_not_paid_points() -> None:
    case = Case()
    case.earn(1, expires_at=50)
    case.earn(2, expires_at=50, kind="paid")
    case.earn(4, expires_at=50, at=12)
    case.earn(8, expires_at=200)
    active(case, 10, 100)
    paid = Portfolio("club", "points", "", "paid")
    assert {(OWN, 100): 1, (paid, 50): 2, (OWN, 50): 4, (OWN, 200): 8} == followed(case)
    expect_agreement(case)


def test_activity_does_not_move_what_was_spent_and_comes_back_later() -> None:
    case = Case()
    case.earn(10, expires_at=50)
    case.earn(1, expires_at=60)
    case.redeem(10, at=1)
    active(case, 10, 100)
    case.reverse(10, at=20)
    assert {(OWN, 50): 10, (OWN, 100): 1} == followed(case)
    expect_agreement(case)


def test_points_that_expire_while_they_are_set_aside_leave_their_lot() -> None:
    case = Case()
    case.earn(10, expires_at=20)
    case.reserve(6, until=30)
    case.pass_time(25)
    assert {(OWN, 20): 6} == followed(case)
    case.pass_time(40)
    assert {} == followed(case)
    expect_agreement(case)


def test_points_given_back_anew_live_as_long_as_they_are_given_back_for() -> None:
    case = Case()
    case.terms = RedemptionTerms(expired_lots="reissue", reissue_seconds=100)
    case.earn(10, expires_at=20)
    case.redeem(10, at=1)
    case.reverse(4, at=50)
    case.reverse(6, at=60)
    assert {50 + 100 * SECOND, 60 + 100 * SECOND} == {expiry for _, expiry in followed(case)}
    expect_agreement(case)


class AccountedHistories(Histories):
    """Random histories of the ledger's own tests: at every position the sums are the balances."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = [0, 0]
        self.sums: list[dict[Portfolio, int]] = [{}, {}]
        self.open = [AccountLots(CLUB, 10**6), AccountLots(CLUB, 10**6)]

    @invariant()
    def movements_and_lots_add_up_to_accounts(self) -> None:
        self.movements_add_up_to_balances()
        self.lots_followed_by_number_are_those_of_the_account()

    def movements_add_up_to_balances(self) -> None:
        for place, side in enumerate(self.sides):
            points = self.sums[place]
            for decision in side.desk.decisions[self.seen[place] :]:
                before = sum(points.values())
                for one in movements_of(1, CLUB, decision):
                    points[one.portfolio] = points.get(one.portfolio, 0) + one.points
                if isinstance(decision, made.Posting):
                    gained = sum(held(decision.after)) - sum(held(decision.before))
                    assert before + gained == sum(points.values()), decision
                self.open[place].follow(decision)
            self.seen[place] = len(side.desk.decisions)
            expected: dict[Portfolio, int] = {}
            add_outstanding(expected, side.account, CLUB)
            for portfolio in expected.keys() | points.keys():
                assert expected.get(portfolio, 0) == points.get(portfolio, 0)

    def lots_followed_by_number_are_those_of_the_account(self) -> None:
        for place, side in enumerate(self.sides):
            assert by_expiry(lots_of(side.account, CLUB)) == by_expiry(self.open[place].open())


def held(balance: made.Balance) -> tuple[int, int, int]:
    return balance.available, balance.pending, balance.reserved


TestAccountedHistories = AccountedHistories.TestCase
TestAccountedHistories.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
