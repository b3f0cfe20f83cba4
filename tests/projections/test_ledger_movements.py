"""Every decision of an account as movements of points, and histories that end where accounts do."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant

from domain.accounting.movements import OVERDRAWN, Activity, Movement
from domain.accounting.portfolios import Portfolio
from domain.calendar import UTC_CALENDAR
from domain.decisions.base import Decision
from domain.ledger import decisions as made
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
            expected: dict[tuple[Portfolio, int], int] = {}
            for lot in lots_of(side.account, CLUB):
                key = (lot.portfolio, lot.expires_at)
                expected[key] = expected.get(key, 0) + lot.remaining
            found: dict[tuple[Portfolio, int], int] = {}
            for lot in self.open[place].open():
                key = (lot.portfolio, lot.expires_at)
                found[key] = found.get(key, 0) + lot.remaining
            assert expected == found


def held(balance: made.Balance) -> tuple[int, int, int]:
    return balance.available, balance.pending, balance.reserved


TestAccountedHistories = AccountedHistories.TestCase
TestAccountedHistories.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
