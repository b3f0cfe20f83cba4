"""Earning: tiers that begin and end, and points that live on with activity."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest

from domain.earning.earning import Earning
from domain.earning.lost import LostLots
from domain.instants import DAY
from domain.ledger.decisions import (
    Balance,
    LotsExpired,
    PointsReinstated,
    TierChanged,
)
from domain.ledger.lots import Allocation
from domain.programmes.earn_rules import EarnRule, PerAmount
from domain.programmes.format import Burn, PointsCurrency, ProgrammeVersion
from domain.programmes.lifetimes import ExpiresWithoutActivity
from domain.programmes.tier_rules import (
    HoldsForMonths,
    Level,
    PeriodMeasure,
    RollingMonths,
    TierRules,
)
from domain.touchpoints import SurveyAnswered
from tests.domain.earning_case import ANA, BEN, START, Case

_STARS = EarnRule(
    code="stars", currency="stars", touchpoints=("purchase_made",),
    earn=PerAmount(points=1, per=100, currency="EUR"), tiers={"gold": 200},
)  # fmt: skip


def _lasting(late: Literal["reinstate", "leave"] = "reinstate") -> ProgrammeVersion:
    return ProgrammeVersion(
        programme="lasting", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
        currencies=(
            PointsCurrency(
                code="stars", burn=Burn(), late_activity=late,
                expiry=ExpiresWithoutActivity(months=1, touchpoints=("survey_answered",)),
            ),
        ),
        rules=(_STARS,),
        tiers=TierRules(
            measure=PeriodMeasure(currency="stars", period=RollingMonths(months=1)),
            levels=(Level(code="gold", threshold=50),), validity=HoldsForMonths(months=2),
        ),
    )  # fmt: skip


@pytest.fixture
def case() -> Case:
    return Case(_lasting())


def _answer(case: Case, day: int) -> None:
    case.tell(SurveyAnswered(survey="nps", score=9), day=day)


def _through(case: Case, day: int) -> None:
    case.earning.sweep(case.store.desk(case.account().id), START + day * DAY)


def _remembering(case: Case) -> None:
    """Let the store know what has expired so far, as a worker and a replay do."""
    lost = LostLots()
    for account_id, decisions in case.store.decisions().items():
        for decision in decisions:
            lost.hear(account_id, decision)
    case.store.lost = lost


def test_an_activity_that_earns_nothing_lets_points_live_on(case: Case) -> None:
    case.buy("t1", 1_000)
    _answer(case, 25)
    _through(case, 40)
    assert 10 == case.points(currency="stars")
    _through(case, 60)
    assert 0 == case.points(currency="stars")


def test_an_activity_that_earns_nothing_opens_no_account(case: Case) -> None:
    _answer(case, 3)
    assert "" == case.account().programme


def test_an_activity_of_somebody_else_changes_nothing(case: Case) -> None:
    case.buy("t1", 1_000, who=ANA)
    case.buy("t2", 1_000, who=BEN, day=25)
    _through(case, 40)
    assert 0 == case.points(currency="stars")


def test_an_activity_learnt_of_too_late_brings_back_what_it_would_have_kept(case: Case) -> None:
    case.buy("t1", 1_000)
    _through(case, 35)
    assert 0 == case.points(currency="stars")
    _remembering(case)
    _answer(case, 25)
    assert 10 == case.points(currency="stars")
    _remembering(case)
    _answer(case, 24)
    assert 10 == case.points(currency="stars")


def test_a_programme_may_leave_expired_what_has_expired() -> None:
    case = Case(_lasting("leave"))
    case.buy("t1", 1_000)
    _through(case, 35)
    _remembering(case)
    _answer(case, 25)
    assert 0 == case.points(currency="stars")


def test_a_tier_is_reached_gives_more_and_ends(case: Case) -> None:
    case.buy("t1", 6_000)
    assert "gold" == case.account().tier
    case.buy("t2", 1_000, day=2)
    assert 60 + 20 == case.points(currency="stars")
    _through(case, 70)
    steps = [
        one for one in case.store.decisions()[case.account().id] if isinstance(one, TierChanged)
    ]
    assert ["reached", "kept", "downgraded"] == [one.reason for one in steps]
    assert [True, True, False] == [bool(one.cause) for one in steps]
    assert "" == case.account().tier


def test_a_tier_that_ended_before_a_purchase_gives_it_nothing(case: Case) -> None:
    case.buy("t1", 6_000)
    case.buy("t2", 1_000, day=75)
    assert 10 == case.points(currency="stars")


def test_points_reinstated_are_not_lost_any_more() -> None:
    lost, account = LostLots(), bytes(16)
    gone = (Allocation(1, 10, START, 0), Allocation(2, 5, START, 0))
    nothing = Balance()
    lost.hear(
        account,
        LotsExpired(
            currency="stars", at=START, before=Balance(15), after=nothing, allocations=gone
        ),
    )
    assert gone == lost(account, "stars", START - 1)
    assert () == lost(account, "stars", START)
    assert () == lost(account, "other", 0)
    lost.hear(
        account,
        PointsReinstated(
            currency="stars", at=START, before=nothing, after=Balance(8), posting_id=bytes(16),
            cause=bytes(16), allocations=(Allocation(1, 8, START + DAY, 0),),
        ),
    )  # fmt: skip
    assert (Allocation(1, 2, START, 0), gone[1]) == lost(account, "stars", START - 1)


def test_points_set_aside_when_they_expired_are_lost_too(case: Case) -> None:
    lost = LostLots()
    closed = LotsExpired(
        currency="stars", at=START, before=Balance(15), after=Balance(), reason="account_closed",
        allocations=(Allocation(1, 15, START, 0),),
    )  # fmt: skip
    lost.hear(bytes(16), closed)
    assert () == lost(bytes(16), "stars", 0)
    assert isinstance(case.earning, Earning)
