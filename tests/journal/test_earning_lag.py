"""How far earning is behind: nothing before it began, lagging, stuck, current."""

from collections.abc import Iterator

import pytest

from domain.earning.earning import Earning
from domain.instants import SECOND
from domain.touchpoints import PurchaseMade
from journal.earning.lagging import earning_lag
from journal.earning.writing import EarningLedger
from journal.intake.pipeline import clock
from tests.domain.earning_case import OneProgramme
from tests.engine import Engine
from tests.events import event, lines
from tests.journal.test_earning import CLUB


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A tenant."""
    made = Engine(database_url)
    yield made
    made.close()


def buy(engine: Engine, *numbers: str) -> None:
    engine.take_in(
        event(PurchaseMade, "crm:1", "2024-03-01", number=one, currency="EUR", lines=lines(500))
        for one in numbers
    )


def test_lagging_is_told_from_stuck_and_current(engine: Engine) -> None:
    connection, logs = engine.connection, engine.logs
    buy(engine, "1", "2")
    assert earning_lag(connection, logs, clock()) is None
    ledger = EarningLedger(logs, Earning(OneProgramme(CLUB)))
    come = ledger.come(connection)
    lag = earning_lag(connection, logs, clock())
    assert lag is not None
    assert ("lagging", 0, 2, 2, None) == (
        lag.progress, lag.facts_position, lag.facts_head, lag.lag_events, lag.advanced_at,
    )  # fmt: skip
    later = earning_lag(connection, logs, clock() + 31 * SECOND)
    assert later is not None
    assert "stuck" == later.progress
    assert 31 <= later.lag_seconds < 91
    come = ledger.judge(connection, come, 1)
    lag = earning_lag(connection, logs, clock())
    assert lag is not None
    assert ("lagging", 1) == (lag.progress, lag.lag_events)
    assert lag.advanced_at is not None
    ledger.judge(connection, come, 10)
    lag = earning_lag(connection, logs, clock() + 31 * SECOND)
    assert lag is not None
    assert ("current", 0, 0.0) == (lag.progress, lag.lag_events, lag.lag_seconds)
