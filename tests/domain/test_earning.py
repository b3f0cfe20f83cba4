"""Earning: whatever happens to a purchase later, the account holds what it should have earned."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ledger.decisions import PointsAccrued, PointsClawedBack
from domain.programmes.earn_rules import Cap, EarnRule, PerAmount
from domain.programmes.format import Burn, PointsCurrency, ProgrammeVersion
from tests.domain.earning_case import ANA, BEN, TICKET, Case

BASE = EarnRule(
    code="base", currency="points", touchpoints=("purchase_made",),
    earn=PerAmount(points=1, per=100, currency="EUR"),
)  # fmt: skip


def _club(*rules: EarnRule, claw_back: str = "unlimited") -> ProgrammeVersion:
    return ProgrammeVersion(
        programme="club", version="v1", effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        currencies=(PointsCurrency(code="points", claw_back=claw_back, burn=Burn()),),  # type: ignore[arg-type]
        rules=rules or (BASE,),
    )  # fmt: skip


@pytest.fixture
def case() -> Case:
    return Case(_club())


def test_a_purchase_opens_the_account_and_earns(case: Case) -> None:
    bought = case.buy("t1", 1_050, 2_000)
    assert 30 == case.points()
    [accrued] = [
        one for one in case.store.decisions()[case.account().id] if isinstance(one, PointsAccrued)
    ]
    assert (bought.entry_id, "v1", "base") == (
        accrued.touchpoint, accrued.version, accrued.shares[0].rule
    )  # fmt: skip


def test_a_fact_judged_twice_earns_once(case: Case) -> None:
    bought = case.buy("t1", 1_000)
    case.earning.judge(case.store, bought)
    assert 10 == case.points()


def test_partial_returns_never_take_points_twice(case: Case) -> None:
    case.buy("t1", 199, 199)  # 3 points together, one each
    case.give_back("t1", 199)
    assert 1 == case.points()
    case.give_back("t1", 0, 100)
    assert 0 == case.points()
    case.give_back("t1", 199, 199)
    assert 0 == case.points()


def test_a_return_that_comes_before_its_purchase_counts(case: Case) -> None:
    case.give_back("t1", 1_000)
    case.buy("t1", 1_000, 500)
    assert 5 == case.points()


def test_a_return_by_somebody_else_takes_from_the_purchases_account(case: Case) -> None:
    case.buy("t1", 1_000)
    case.give_back("t1", 1_000, who=BEN)
    assert (0, 0) == (case.points(ANA), case.points(BEN))


def test_a_voided_return_gives_the_points_again(case: Case) -> None:
    case.buy("t1", 1_000)
    returned = case.give_back("t1", 1_000)
    assert 0 == case.points()
    case.void(returned)
    assert 10 == case.points()


def test_a_void_takes_all_and_a_voided_correction_restores(case: Case) -> None:
    bought = case.buy("t1", 1_000)
    line = {"product": "p0", "quantity": 1_000, "amount": 5_000}
    correction = case.correct(bought, lines=[line])
    assert 50 == case.points()
    case.void(correction)
    assert 10 == case.points()
    case.void(bought)
    assert 0 == case.points()


def test_the_wrong_card_scanned_moves_the_points(case: Case) -> None:
    bought = case.buy("t1", 1_000, who=ANA)
    case.correct(bought, subject=BEN)
    assert (0, 10) == (case.points(ANA), case.points(BEN))


def test_a_receipt_earns_nothing_until_somebody_claims_it_and_an_unlink_undoes_that() -> None:
    case = Case(_club())
    case.buy("t1", 1_000, who=TICKET)
    assert (0, 0) == (case.points(ANA), case.points(TICKET))
    linked = case.link(ANA, TICKET)
    assert 10 == case.points(ANA)
    accrued = case.store.decisions()[case.account(ANA).id][-1]
    assert isinstance(accrued, PointsAccrued)
    assert linked.entry_id == accrued.cause
    case.unlink(ANA, TICKET)
    assert 0 == case.points(ANA)


def test_a_claim_comes_too_late_after_the_window() -> None:
    case = Case(_club())
    case.buy("t1", 1_000, who=TICKET)
    case.link(ANA, TICKET, day=31)
    assert 0 == case.points(ANA)


def test_buying_and_giving_back_a_thousand_times_never_grows_a_balance(case: Case) -> None:
    for number in range(1_000):
        case.buy(f"t{number}", 333, 501)
        case.give_back(f"t{number}", 333)
        case.give_back(f"t{number}", 0, 501)
    assert 0 == case.points()
    assert not case.account().book("points").lots


def test_a_cap_holds_even_where_a_correction_raises_what_was_capped() -> None:
    capped = EarnRule(
        code="base", currency="points", touchpoints=("purchase_made",),
        earn=PerAmount(points=1, per=100, currency="EUR"), caps=(Cap(points=15, period="month"),),
    )  # fmt: skip
    case = Case(_club(capped))
    first = case.buy("t1", 500)
    case.buy("t2", 2_000)
    assert 15 == case.points()
    case.correct(first, lines=[{"product": "p0", "quantity": 1_000, "amount": 1_500}])
    assert 15 == case.points()


@pytest.mark.parametrize(("policy", "left"), [("only_pending", 10), ("within_balance", 0)])
def test_what_the_policy_forgives_is_not_asked_for_again(policy: str, left: int) -> None:
    case = Case(_club(claw_back=policy))
    case.buy("t1", 1_000)
    for _ in range(3):
        case.give_back("t1", 1_000)
    assert left == case.points()
    claws = [
        one
        for one in case.store.decisions()[case.account().id]
        if isinstance(one, PointsClawedBack)
    ]
    assert 1 == len(claws)


@given(
    bought=st.lists(st.integers(0, 5_000), min_size=1, max_size=4),
    back=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3_000)), max_size=6),
)
def test_returns_in_any_parts_leave_what_was_kept(
    bought: list[int], back: list[tuple[int, int]]
) -> None:
    case = Case(_club())
    case.buy("t1", *bought)
    left = list(bought)
    for place, amount in back:
        if place < len(bought):
            case.give_back("t1", *([0] * place), amount)
            for other in (place, *(one for one in range(len(left)) if one != place)):
                part = min(left[other], amount)
                left[other] -= part
                amount -= part  # noqa: PLW2901 - what is still to be taken off
    assert sum(left) // 100 == case.points()
