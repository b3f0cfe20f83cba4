"""The same facts give the same view: in any order, any batches, with any repetition."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from domain.fact import Fact
from domain.instants import instant_of
from domain.touchpoints import PurchaseMade, Touchpoint
from journal.decisions import latest_time
from projections.customer.live import ProjectionLimits
from projections.customer.part import Context, Part, Reading
from projections.customer.registry import PARTS
from tests.engine import DEMO_SOURCES, Engine, simulated

END = instant_of(datetime(2026, 3, 1, tzinfo=UTC))


class Arrival(msgspec.Struct, array_like=True, gc=False):
    """State of a part with a defect: it remembers what arrived last."""

    last: str = ""


def _remember(state: Arrival, fact: Fact, _touchpoint: Touchpoint, _context: Context) -> None:
    state.last = fact.event_id


def _show(state: Arrival, _reading: Reading) -> str:
    return state.last


ARRIVAL = Part("arrival", 1, "commutative", Arrival, {PurchaseMade: _remember}, _show)


def test_any_order_any_batches_any_repetition_give_one_digest(database_url: str) -> None:
    """Arrival order, batch sizes, repetitions and the moments of ticks leave no trace."""
    messages = [one.payload for one in simulated(40) if one.outcome != "rejected"]
    assert 1 == len({_digest_of(database_url, messages, seed) for seed in range(12)})


def test_a_part_that_depends_on_arrival_is_caught(database_url: str) -> None:
    """Positive control."""
    messages = [one.payload for one in simulated(10) if one.outcome != "rejected"]
    parts = (*PARTS, ARRIVAL)
    assert 1 < len({_digest_of(database_url, messages, seed, parts) for seed in range(3)})


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_a_thousand_orders_of_arrival_give_one_digest(database_url: str) -> None:
    messages = [one.payload for one in simulated(12) if one.outcome != "rejected"]
    assert 1 == len({_digest_of(database_url, messages, seed) for seed in range(1_000)})


def _digest_of(
    database_url: str, messages: list[bytes], seed: int, parts: Sequence[Part] = PARTS
) -> str:
    chance = random.Random(seed)
    limits = ProjectionLimits(
        batch_events_max=chance.choice((7, 100, 5_000)), cached_customers_max=chance.choice((0, 20))
    )
    engine = Engine(database_url, DEMO_SOURCES, limits=limits, parts=parts)
    shuffled = messages + chance.sample(messages, len(messages) // 10)
    if seed:
        chance.shuffle(shuffled)
    while shuffled:
        size = chance.randrange(1, len(messages) // 2)
        engine.take_in(shuffled[:size])
        shuffled = shuffled[size:]
        if chance.random() < 0.7:
            engine.project()
        if chance.random() < 0.3:
            _tick(engine, chance)
    engine.advance_time(END)
    engine.project()
    digest = engine.digest()
    engine.close()
    return digest


def _tick(engine: Engine, chance: random.Random) -> None:
    _, time = latest_time(engine.connection, engine.logs.decisions)
    low = time or instant_of(datetime(2024, 6, 1, tzinfo=UTC))
    engine.advance_time(chance.randrange(low, END))
