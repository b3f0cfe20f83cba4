"""Replaying: timers of the accounts that are named, and asking again for what others asked."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.decisions.base import Decision
from domain.earning.earning import Earning
from domain.earning.replaying import Replay
from domain.instants import DAY
from domain.ledger.account import Account
from domain.ledger.decisions import Balance, RedemptionMade
from domain.ledger.lots import Allocation
from domain.ledger.projecting import account_id
from domain.programmes.earn_rules import EarnRule, PerAmount
from domain.programmes.format import Burn, PointsCurrency, ProgrammeVersion
from domain.programmes.lifetimes import ExpiresAfterDays
from tests.domain.earning_case import ANA, BEN, START, Case, OneProgramme

CLUB = ProgrammeVersion(
    programme="club", version="v1", effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    currencies=(PointsCurrency(code="points", burn=Burn(), expiry=ExpiresAfterDays(days=5)),),
    rules=(
        EarnRule(
            code="base", currency="points", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=100, currency="EUR"),
        ),
    ),
)  # fmt: skip


class _Heard:
    def __init__(self) -> None:
        self.topics: list[str] = []
        self.cuts: list[tuple[str, int]] = []

    def posted(self, account: Account, decision: Decision) -> None:  # noqa: ARG002
        self.topics.append(decision.topic.split(".")[1])

    def cut(self, account: Account, currency: str, at: int, points: int) -> None:  # noqa: ARG002
        self.cuts.append((currency, points))


def _replay() -> tuple[Replay, _Heard]:
    heard = _Heard()
    return Replay(Earning(OneProgramme(CLUB)), heard), heard


def _account(replay: Replay, who: bytes) -> Account:
    return replay.store.desk(account_id("club", who)).account


def _bought() -> tuple[Replay, _Heard]:
    replay, heard = _replay()
    case = Case(CLUB)
    replay.fact(case.buy("t1", 1_000, who=ANA))
    replay.fact(case.buy("t2", 1_000, who=BEN))
    return replay, heard


def test_timers_run_of_the_accounts_that_are_named_alone() -> None:
    replay, _ = _bought()
    ana = account_id("club", ANA.persona_id)
    replay.sweep(START + 9 * DAY, (ana, bytes(16)))
    held = [_account(replay, who.persona_id).book("points").available for who in (ANA, BEN)]
    assert [0, 10] == held
    replay.sweep(START + 9 * DAY)
    assert 0 == _account(replay, BEN.persona_id).book("points").available


def test_a_redemption_that_cannot_be_paid_is_cut_to_what_there_is() -> None:
    replay, heard = _bought()
    asked = RedemptionMade(
        currency="points", at=START + DAY, before=Balance(30), after=Balance(5),
        redemption_id=bytes(16), points=25, allocations=(Allocation(1, 25, START, 0),),
    )  # fmt: skip
    replay.decision(account_id("club", ANA.persona_id), asked, START + DAY)
    assert [("points", 15)] == heard.cuts
    assert 10 == _account(replay, ANA.persona_id).book("points").redeemed


def test_a_redemption_of_an_account_that_never_was_is_cut_whole() -> None:
    replay, heard = _replay()
    asked = RedemptionMade(
        currency="points", at=START, before=Balance(30), after=Balance(5), elsewhere=True,
        redemption_id=bytes(16), points=25, allocations=(Allocation(1, 25, START, 0),),
    )  # fmt: skip
    replay.decision(account_id("club", ANA.persona_id), asked, START)
    assert [("points", 25)] == heard.cuts
    assert [] == heard.topics


def test_a_fact_that_nothing_asks_about_again_leaves_its_points_and_no_memory() -> None:
    replay, _ = _replay()
    replay.fact(Case(CLUB).buy("t1", 1_000, who=ANA), keep=False)
    knowledge = replay.store.knowledge
    kept = knowledge.stated, knowledge.purchases, knowledge.of_persona, replay.store.records
    assert ({}, {}, {}, {}) == kept
    assert 10 == _account(replay, ANA.persona_id).book("points").available
