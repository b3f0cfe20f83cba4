"""The earning worker: new rules are heard before the next batch, and time is run first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from consumers.earning import EarningSettings, EarningWorker
from domain.calendar import UTC_CALENDAR
from domain.identifiers import Identifier
from domain.instants import instant_of
from domain.ledger.projecting import account_id
from domain.programmes.format import ProgrammeVersion
from domain.programmes.rulebook import ProgrammeRulebook
from domain.touchpoints import PurchaseMade
from journal.earning.writing import Come
from journal.ledger.reading import read_account
from tests.engine import Engine
from tests.events import event, lines
from tests.journal.test_earning import CLUB

NOON = instant_of(datetime(2026, 5, 1, 12, tzinfo=UTC))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant."""
    engine = Engine(database_url)
    yield engine
    engine.close()


class Approved:
    """Rules that may be approved while the worker works."""

    def __init__(self) -> None:
        self._heard = ProgrammeRulebook((), UTC_CALENDAR), 0

    def approve(self, version: ProgrammeVersion) -> None:
        """Let a version be in force from now on."""
        self._heard = ProgrammeRulebook((version,), UTC_CALENDAR), self._heard[1] + 1

    def __call__(self, _connection: psycopg.Connection) -> tuple[ProgrammeRulebook, int]:
        """Return what is in force."""
        return self._heard


def _buy(engine: Engine, number: str) -> None:
    bought = event(
        PurchaseMade, "crm:ana", "2026-05-01", number=number, currency="EUR", lines=lines(2_000)
    )
    engine.take_in([bought])


def _points(engine: Engine) -> int:
    persona = engine.intake.personas.persona_id(Identifier("crm", "ana"))
    row = read_account(engine.connection, engine.logs.decisions, account_id("own", persona))
    return 0 if row is None else row.account.book("points").available


def test_what_was_just_approved_judges_the_next_facts(engine: Engine) -> None:
    approved = Approved()
    worker = EarningWorker(engine.conninfo, engine.logs, approved)
    _buy(engine, "t1")
    worker.catch_up(engine.connection)
    assert 0 == _points(engine)
    approved.approve(CLUB)
    _buy(engine, "t2")
    worker.catch_up(engine.connection)
    assert 20 == _points(engine)


def test_time_is_run_and_told_and_not_run_twice(engine: Engine) -> None:
    approved = Approved()
    approved.approve(CLUB)
    worker = EarningWorker(engine.conninfo, engine.logs, approved)
    _buy(engine, "t1")
    engine.advance_time(NOON)
    come = worker.catch_up(engine.connection)
    assert Come(2, 1, NOON) == come
    assert come == worker.catch_up(engine.connection)


def test_a_running_worker_earns_by_itself_and_stops(engine: Engine) -> None:
    approved = Approved()
    approved.approve(CLUB)
    settings = EarningSettings(poll_seconds=0.05)
    worker = EarningWorker(engine.conninfo, engine.logs, approved, settings)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        _buy(engine, "t1")
        for _ in range(600):
            if worker.judged:
                break
            threading.Event().wait(0.1)
    finally:
        worker.stop()
        thread.join(30)
    assert not thread.is_alive()
    assert 20 == _points(engine)
