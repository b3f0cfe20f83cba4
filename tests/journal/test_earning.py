"""Earning on PostgreSQL: in any batches, beside others, it is what a plain replay gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from domain.earning.decisions import EARNING_ID, Earner, project_earner
from domain.earning.earning import Earning
from domain.earning.store import EarningStore
from domain.ledger.account import Account
from domain.ledger.projecting import project_account
from domain.programmes.earn_rules import Cap, EarnRule, PerAmount
from domain.programmes.format import Burn, Enrolment, PointsCurrency, ProgrammeVersion
from journal.decisions import open_decisions
from journal.earning.writing import Come, EarningLedger, EarningOvertakenError
from journal.ledger.states import decode_account
from journal.reading import FactReader, rows_after
from tests.domain.earning_case import OneProgramme
from tests.engine import DEMO_SOURCES, Engine, simulated

CLUB = ProgrammeVersion(
    programme="own", version="v1", effective_from=datetime(2020, 1, 1, tzinfo=UTC),
    currencies=(PointsCurrency(code="points", claw_back="within_balance", burn=Burn()),),
    enrolment=Enrolment(namespaces=("crm", "card")),
    rules=(
        EarnRule(
            code="base", currency="points", touchpoints=("purchase_made",),
            earn=PerAmount(points=1, per=100, currency="EUR"),
            caps=(Cap(points=150, period="month"),),
        ),
    ),
)  # fmt: skip
_encode = msgspec.msgpack.Encoder().encode


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant that has heard all of a small simulated business."""
    engine = Engine(database_url, DEMO_SOURCES)
    engine.take_in([one.payload for one in simulated(60) if one.outcome != "rejected"])
    yield engine
    engine.close()


def _replayed(engine: Engine) -> dict[bytes, bytes]:
    """Return every account after all facts were judged in memory, one after the other."""
    reader, earning, store = FactReader(), Earning(OneProgramme(CLUB)), EarningStore()
    for row in rows_after(engine.connection, engine.logs.facts, 0, 1_000_000):
        earning.judge(store, reader.stated(row), reader.naming(row))
    return {
        desk.account.id: _encode(desk.account)
        for desk in store.desks.values()
        if desk.account.programme
    }


def _stored(engine: Engine) -> dict[bytes, bytes]:
    rows = engine.connection.execute(
        "SELECT account_id, version, state FROM ledger.account WHERE log_id = %s",
        (engine.logs.decisions,),
    )
    return {
        account_id.bytes: _encode(decode_account(account_id.bytes, version, state))
        for account_id, version, state in rows
    }


def _catch_up(engine: Engine, seed: int) -> Come:
    chance = random.Random(seed)
    ledger = EarningLedger(engine.logs, Earning(OneProgramme(CLUB)))
    come = ledger.come(engine.connection)
    while (further := ledger.judge(engine.connection, come, chance.randint(1, 700))) != come:
        come = further
    return come


@pytest.mark.parametrize("seed", range(3))
def test_any_batches_give_what_a_replay_in_memory_gives(engine: Engine, seed: int) -> None:
    come = _catch_up(engine, seed)
    expected, stored = _replayed(engine), _stored(engine)
    assert len(expected) > 20
    assert expected == stored
    assert come.judged > 500


def test_streams_say_the_same_as_the_rows(engine: Engine) -> None:
    come = _catch_up(engine, 7)
    with open_decisions(engine.conninfo, engine.logs.decisions) as decisions:
        earner = decisions.repository.get(EARNING_ID, projector_func=project_earner)
        assert isinstance(earner, Earner)
        assert (come.version, come.judged) == (earner.version, earner.judged)
        for account_id, state in _stored(engine).items():
            account = decisions.repository.get(
                UUID(bytes=account_id), projector_func=project_account
            )
            assert isinstance(account, Account)
            account.redemptions = {}
            assert state == _encode(account)


def test_of_two_workers_the_slower_one_writes_nothing(engine: Engine) -> None:
    one = EarningLedger(engine.logs, Earning(OneProgramme(CLUB)))
    other = EarningLedger(engine.logs, Earning(OneProgramme(CLUB)))
    come = one.come(engine.connection)
    assert come == other.come(engine.connection)
    one.judge(engine.connection, come, 500)
    before = _stored(engine)
    with pytest.raises(EarningOvertakenError, match="another worker"):
        other.judge(engine.connection, come, 500)
    assert before == _stored(engine)
