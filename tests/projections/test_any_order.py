"""The same facts give the same view: in any order, any batches, with any repetition."""

import random
from datetime import UTC, datetime

from domain.instants import instant_of
from projections.customer.live import ProjectionLimits
from tests.engine import DEMO_SOURCES, Engine, simulated

END = instant_of(datetime(2026, 3, 1, tzinfo=UTC))
SEEDS = range(12)


def test_any_order_any_batches_any_repetition_give_one_digest(database_url: str) -> None:
    """Arrival order, batch sizes, repetitions and the moments of ticks leave no trace."""
    messages = [one.payload for one in simulated(40) if one.outcome != "rejected"]
    digests = {_digest_of(database_url, messages, seed) for seed in SEEDS}
    assert len(digests) == 1


def _digest_of(database_url: str, messages: list[bytes], seed: int) -> str:
    chance = random.Random(seed)
    limits = ProjectionLimits(
        batch_events_max=chance.choice((7, 100, 5_000)), cached_customers_max=chance.choice((0, 20))
    )
    engine = Engine(database_url, DEMO_SOURCES, limits=limits)
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
    from journal.decisions.times import latest_time

    _, time = latest_time(engine.connection, engine.logs.decisions)
    low = time or instant_of(datetime(2024, 6, 1, tzinfo=UTC))
    engine.advance_time(chance.randrange(low, END))
