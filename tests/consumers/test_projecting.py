"""The projecting worker: fresh by itself, one leads, cut connections and switches are survived."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from consumers.projecting import ProjectingSettings, ProjectionWorker
from consumers.timekeeping import Timekeeper, TimekeepingSettings
from domain.touchpoints import PurchaseMade
from journal.decisions import latest_time, open_decisions
from journal.reading import head_of
from projections.customer.fold import Fold
from projections.customer.live import VIEW
from projections.customer.rebuilding import rebuild
from projections.generations import live_generation
from tests.engine import CONTEXT, Engine
from tests.events import event, lines

SETTINGS = ProjectingSettings(poll_seconds=0.1, standby_seconds=0.1)


@contextmanager
def working(engine: Engine, count: int = 1) -> Iterator[list[ProjectionWorker]]:
    """Workers in threads, stopped at the end."""
    workers = [
        ProjectionWorker(engine.conninfo, engine.logs, Fold(CONTEXT), SETTINGS)
        for _ in range(count)
    ]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()


def purchases(first: int, count: int) -> list[bytes]:
    """Purchases of as many customers."""
    return [
        event(
            PurchaseMade, f"crm:{number}", "2024-01-01", number=f"T{number}", currency="EUR",
            lines=lines(10),
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.02)


def caught_up(engine: Engine) -> bool:
    """Whether the live view has read all there is."""
    live = live_generation(engine.connection, engine.logs.facts, VIEW)
    return live is not None and live.facts == head_of(engine.connection, engine.logs.facts)


def test_two_workers_stand_by_for_each_other_and_lose_nothing(database_url: str) -> None:
    engine = Engine(database_url)
    with working(engine, 2) as workers:
        for start in range(1, 200, 20):
            engine.take_in(purchases(start, 20))
        wait_until(lambda: caught_up(engine))
        assert [0, 200] == sorted(worker.projected for worker in workers)
    engine.close()


def test_a_cut_connection_is_made_anew_and_projecting_goes_on(database_url: str) -> None:
    engine = Engine(database_url)
    with working(engine):
        engine.take_in(purchases(1, 50))
        wait_until(lambda: caught_up(engine))
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name IN"
                " ('vinculo projecting', 'vinculo hints')"
            )
        engine.take_in(purchases(100, 50))
        wait_until(lambda: caught_up(engine))
    engine.close()


def test_after_a_rebuild_the_worker_goes_on_with_the_new_generation(database_url: str) -> None:
    engine = Engine(database_url)
    with working(engine):
        engine.take_in(purchases(1, 50))
        wait_until(lambda: caught_up(engine))
        report = rebuild(database_url, engine.logs, CONTEXT, workers=1)
        engine.take_in(purchases(100, 50))
        wait_until(lambda: caught_up(engine))
        live = live_generation(engine.connection, engine.logs.facts, VIEW)
        assert live is not None
        assert report.generation == live.number
    engine.close()


def test_time_that_advances_moves_stages_without_any_event(database_url: str) -> None:
    engine = Engine(database_url)
    now = [1_704_110_400_000_000]
    timekeeper = Timekeeper(
        database_url,
        engine.logs.decisions,
        TimekeepingSettings(interval_seconds=60),
        lambda: now[0],
    )
    with working(engine), open_decisions(database_url, engine.logs.decisions) as decisions:
        engine.take_in(purchases(1, 3))
        assert timekeeper.tick(decisions) is not None
        assert timekeeper.tick(decisions) is None
        wait_until(lambda: caught_up(engine) and stages(engine) == {"development"})
        now[0] += 400 * 86_400_000_000
        timekeeper.tick(decisions)
        wait_until(lambda: stages(engine) == {"lapsed"})
        assert now[0] == latest_time(engine.connection, engine.logs.decisions)[1]
    engine.close()


def stages(engine: Engine) -> set[str]:
    """The stages of all customers."""
    return {
        stage
        for (stage,) in engine.connection.execute(
            "SELECT stage FROM view.customer WHERE log_id = %s", (engine.logs.facts,)
        )
    }
