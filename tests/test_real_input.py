"""The main job on real input: CSV → Kafka → two workers, one killed midway → journal → 360.

Every customer's figures equal an independent recomputation straight from the CSV files; where the
data are absent, the simulated business does the same against the simulator's own truth.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from consumers.kafka.process import run_intake_process
from consumers.kafka.publisher import KafkaMessage, publish
from consumers.kafka.settings import KafkaIntakeSettings
from domain.calendar import Calendar
from domain.identifiers import parse_identifier
from domain.instants import day_of
from domain.lifecycle.judgement import history
from domain.lifecycle.rules import LifecycleRulebook
from journal.intake.pipeline import Intake
from journal.reading import head_of
from journal.sources import Source, SourceRegister
from projections.customer.fold import State
from projections.customer.part import Context
from projections.customer.verifying import verify
from tests.engine import DEMO_SOURCES, SECRET, Engine
from tests.oracle import cdnow, complete_journey, online_retail
from tests.oracle.figures import Figures, Recomputation
from tests.oracle.sources import data_folder, missing
from tests.servers import Topics
from vinculo.importers import DATA_SETS, ImportReport
from vinculo.simulator import simulate

WAIT_SECONDS = 240
SETS = {
    "online-retail": online_retail, "complete-journey": complete_journey, "cdnow": cdnow,
}  # fmt: skip


class Factory:
    """Makes the pipeline in a worker process."""

    def __init__(self, log_id: int, sources: SourceRegister) -> None:
        self.log_id = log_id
        self.sources = sources

    def __call__(self) -> Intake:
        return Intake(self.log_id, self.sources, SECRET)


@contextmanager
def two_workers(
    engine: Engine, sources: SourceRegister, broker: str
) -> Iterator[Callable[[], None]]:
    """Two intake processes of one group; yields a function that kills the first with SIGKILL."""
    spawn = multiprocessing.get_context("spawn")
    settings = KafkaIntakeSettings(
        bootstrap_servers=broker, topics=sources.topics, group=f"real-{engine.logs.facts}",
        session_seconds=6, batch_messages_max=1_000,
    )  # fmt: skip
    arguments = (settings, engine.conninfo, Factory(engine.logs.facts, sources))
    workers = [spawn.Process(target=run_intake_process, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    try:
        yield workers[0].kill
    finally:
        for worker in workers:
            if worker.is_alive() and worker.pid is not None:
                os.kill(worker.pid, signal.SIGTERM)
            worker.join(30)
        assert all(worker.exitcode is not None for worker in workers), "a worker did not stop"


def run_through_kafka(
    engine: Engine,
    sources: SourceRegister,
    messages: list[KafkaMessage],
    expected: int,
    broker: str,
) -> None:
    """Publish, consume with two workers of which one is killed midway, and project."""
    with two_workers(engine, sources, broker) as kill_one:
        publish(messages[: len(messages) // 2], broker)
        wait_for(engine, expected // 4)
        kill_one()
        publish(messages[len(messages) // 2 :], broker)
        wait_for(engine, expected)
        time.sleep(1)
    assert expected == head_of(engine.connection, engine.logs.facts)
    assert expected == engine.project()


def wait_for(engine: Engine, facts: int) -> None:
    """Wait until there are so many facts."""
    deadline = time.monotonic() + WAIT_SECONDS
    while (found := head_of(engine.connection, engine.logs.facts)) < facts:
        assert time.monotonic() < deadline, f"expected {facts} facts, found {found}"
        time.sleep(0.1)


def states_by_subject(engine: Engine) -> dict[str, State]:
    """The decoded states of the live view by customer_id, in hexadecimal."""
    assert engine.projection.generation is not None
    rows = engine.connection.execute(
        "SELECT replace(customer_id::text, '-', ''), state FROM view.customer"
        " WHERE log_id = %s AND generation = %s",
        (engine.logs.facts, engine.projection.generation.number),
    ).fetchall()
    decode = engine.projection.fold.decode
    return {customer_id: decode(state) for customer_id, state in rows}


def persona_of(engine: Engine, subject: str) -> str:
    """The persona of a subject, in hexadecimal."""
    return engine.intake.personas.name(parse_identifier(subject)).persona_id.hex()


@pytest.mark.parametrize("name", list(SETS))
def test_every_customers_figures_equal_the_recomputation_from_the_csv(
    name: str, kafka_broker: str, topic: Topics, database_url: str
) -> None:
    oracle: Any = SETS[name]
    if reason := missing(oracle.FILES):
        pytest.skip(reason)
    data = DATA_SETS[name]
    report = ImportReport()
    stream = topic(partitions=4)
    messages = [
        KafkaMessage(stream, one.payload, one.key) for one in data.messages(data_folder(), report)
    ]
    sources = SourceRegister((
        Source(name=data.profile.source, topics=(stream,), zone=data.profile.zone,
               namespaces=tuple(data.profile.namespaces), stable_time=data.profile.stable_time),
    ))  # fmt: skip
    context = Context(Calendar.in_zone(data.profile.zone), LifecycleRulebook())
    engine = Engine(database_url, sources, context=context)
    expected: Recomputation = oracle.recomputed()
    run_through_kafka(engine, sources, messages, sum(expected.touchpoints.values()), kafka_broker)
    found = states_by_subject(engine)
    assert len(expected.figures) == len(found)
    stages = expected.stages(oracle.STAGE_DAYS)
    wrong = []
    for subject, figures in expected.figures.items():
        state = found[persona_of(engine, subject)]
        wanted = (_figures_of(figures), stages.get(subject))
        told = (
            _told(state, figures.currency, context),
            None if figures.anonymous else _stages(state, context, oracle.STAGE_DAYS),
        )
        if wanted != told:
            wrong.append((subject, wanted, told))
    assert [] == wrong[:3]
    assert verify(database_url, engine.logs, context).same
    engine.close()


def _figures_of(figures: Figures) -> tuple[object, ...]:
    return (
        figures.purchases, figures.gross, figures.returns, figures.returned, figures.net,
        figures.first_purchase_on, figures.last_purchase_on, figures.campaigns, figures.responses,
    )  # fmt: skip


def _told(state: State, currency: str, context: Context) -> tuple[object, ...]:
    book = state.commercial.books.get(currency)
    purchases, gross, returns, returned = (
        (book.purchases, book.gross, book.returns, book.returned) if book else (0, 0, 0, 0)
    )
    days = [
        None if at is None else date.fromordinal(
            context.calendar.day(at) + date(1970, 1, 1).toordinal()
        )
        for at in (state.commercial.first_at, state.commercial.last_at)
    ]  # fmt: skip
    flows = state.marketing.flows.values()
    return (
        purchases, gross, returns, returned, gross - returned, *days,
        sum(_count(flow.sent) for flow in flows), sum(_count(flow.responded) for flow in flows),
    )  # fmt: skip


def _count(tally: Any) -> int:
    return 0 if tally is None else tally.count


def _stages(state: State, context: Context, days: tuple[date, ...]) -> dict[date, str | None]:
    """The stage at the end of each day: the last transition that came before the next day."""
    horizon = context.calendar.end(day_of(max(days)))
    moves = history(state.lifecycle.inputs, context.lifecycle, context.calendar, horizon)
    stages: dict[date, str | None] = {}
    for day in days:
        before = [move for move in moves if move.at <= context.calendar.end(day_of(day))]
        stages[day] = before[-1].to_stage if before else None
    return stages


def test_simulated_business_equals_the_simulators_own_truth(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    """Runs on every machine: several sources, late, repeated, corrected and broken messages."""
    simulation = simulate(customers=150, seed=7, until=date(2025, 12, 31), days=500)
    names = {profile: topic(partitions=2) for profile in DEMO_SOURCES.topics}
    sources = SourceRegister(
        tuple(
            Source(
                name=source.name, topics=tuple(names[one] for one in source.topics),
                namespaces=source.namespaces, zone=source.zone, stable_time=source.stable_time,
            )
            for source in DEMO_SOURCES.by_name.values()
        )
    )  # fmt: skip
    messages = [KafkaMessage(names[one.topic], one.payload, one.key) for one in simulation.messages]
    stored = sum(one.outcome == "stored" for one in simulation.messages)
    engine = Engine(database_url, sources)
    run_through_kafka(engine, sources, messages, stored, kafka_broker)
    found = states_by_subject(engine)
    customers: dict[str, str] = dict(
        engine.connection.execute(
            "SELECT replace(persona_id::text, '-', ''), replace(customer_id::text, '-', '')"
            " FROM view.membership WHERE log_id = %s",
            (engine.logs.facts,),
        ).fetchall()
    )
    wrong = []
    for truth in simulation.truth.customers:
        persona = persona_of(engine, truth.subject)
        state = found[customers.get(persona, persona)]
        book = state.commercial.books.get("EUR")
        told = (book.purchases, book.gross, book.returns, book.returned) if book else (0, 0, 0, 0)
        sales = truth.sales
        wanted = (sales.purchases, sales.gross, sales.returns, sales.returned)
        if wanted != told:
            wrong.append((truth.subject, wanted, told))
    assert [] == wrong[:3]
    engine.close()


def test_the_comparison_would_notice_a_single_lost_message(database_url: str) -> None:
    """Positive control: one touchpoint less, and truth and view part."""
    simulation = simulate(customers=20, seed=7, until=date(2025, 12, 31), days=300)
    lost = next(
        number for number, one in enumerate(simulation.messages)
        if one.outcome == "stored" and b"vinculo.purchase_made.v1" in one.payload
    )  # fmt: skip
    kept = [one.payload for number, one in enumerate(simulation.messages) if number != lost]
    engine = Engine(database_url, DEMO_SOURCES)
    engine.take_in(kept)
    engine.project()
    total = sum(
        book.purchases
        for state in states_by_subject(engine).values()
        for book in state.commercial.books.values()
    )
    sold = sum(one.sales.purchases + one.unclaimed.purchases for one in simulation.truth.customers)
    assert sold - 1 == total
    engine.close()
