"""The application over the decisions log: commands, composition, time for folds."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    InfrastructureFactory,
    InfrastructureFactoryError,
    NotSupportedError,
    StoredEvent,
)
from eventsourcing.utils import Environment

from domain.decisions import CLOCK_ID, Clock, TimeAdvanced, TimeWentBackError, project_clock
from domain.errors import VinculoError
from journal.connecting import connect
from journal.decisions import (
    Decisions,
    UnreadableDecisionError,
    latest_time,
    open_decisions,
    time_advances,
)
from journal.decisions.factory import DecisionsFactory
from journal.decisions.mapper import DecisionMapper
from journal.decisions.recorder import DecisionRecorder, DecisionStreams
from journal.tenants import create_tenant

DAY = 86_400_000_000
POSTING = StoredEvent(uuid4(), 1, "test.posting.v1", b"{}")


@pytest.fixture
def log_id(database_url: str) -> int:
    with psycopg.connect(database_url, autocommit=True) as owner:
        return create_tenant(owner, "acme").decisions


@pytest.fixture
def decisions(database_url: str, log_id: int) -> Iterator[Decisions]:
    with open_decisions(database_url, log_id) as application:
        yield application


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with connect(database_url, name="vinculo test") as opened:
        yield opened


def post(decisions: Decisions, count: int) -> None:
    """Add decisions of another kind, as the ledger will."""
    decisions.recorder.insert_events(
        [StoredEvent(uuid4(), 1, "test.posting.v1", b"{}") for _ in range(count)]
    )


def test_time_advances_and_stands_in_the_log(decisions: Decisions) -> None:
    assert decisions.clock() == Clock()
    assert decisions.advance_time(DAY) == 1
    assert decisions.advance_time(3 * DAY) == 2
    assert decisions.clock() == Clock(version=2, time=3 * DAY)
    notifications = decisions.notification_log.select(start=1, limit=10)
    read = [decisions.mapper.to_domain_event(one).decision for one in notifications]  # type: ignore[attr-defined]
    assert [TimeAdvanced(to=DAY), TimeAdvanced(to=3 * DAY)] == read


def test_time_that_is_there_already_is_not_recorded_again(decisions: Decisions) -> None:
    decisions.advance_time(DAY)
    assert decisions.advance_time(DAY) is None
    assert decisions.recorder.max_notification_id() == 1


def test_time_never_goes_back(decisions: Decisions) -> None:
    decisions.advance_time(2 * DAY)
    with pytest.raises(TimeWentBackError, match="never goes back"):
        decisions.advance_time(2 * DAY - 1)
    assert decisions.recorder.max_notification_id() == 1


def test_the_librarys_repository_gives_the_same_clock(decisions: Decisions) -> None:
    with pytest.raises(AggregateNotFoundError):
        decisions.repository.get(CLOCK_ID, projector_func=project_clock)
    for day in range(1, 6):
        decisions.advance_time(day * DAY)
    clock = decisions.repository.get(CLOCK_ID, projector_func=project_clock)
    assert decisions.clock() == clock
    past = decisions.repository.get(CLOCK_ID, version=2, projector_func=project_clock)
    assert past == Clock(version=2, time=2 * DAY)


def test_timekeepers_that_race_leave_a_clock_that_only_went_forward(
    database_url: str, log_id: int, decisions: Decisions
) -> None:
    def keep(_keeper: int) -> None:
        with open_decisions(database_url, log_id) as own:
            for day in range(1, 31):
                with contextlib.suppress(TimeWentBackError):  # another one was further
                    own.advance_time(day * DAY)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(keep, range(4)))
    clock = decisions.repository.get(CLOCK_ID, projector_func=project_clock)
    assert clock == Clock(version=30, time=30 * DAY)


def test_the_library_composes_it_from_the_environment(database_url: str, log_id: int) -> None:
    settings = {
        "PERSISTENCE_MODULE": "journal.decisions.factory",
        "DATABASE_URL": database_url,
        "OTHERS_LOG_ID": str(log_id),
    }

    class Others(Application):  # type: ignore[type-arg]
        name = "others"

    with Others(settings) as application:
        kinds = (type(application.factory), type(application.recorder), type(application.mapper))
        assert kinds == (DecisionsFactory, DecisionRecorder, DecisionMapper)
        assert application.recorder.insert_events([POSTING]) == [1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"DATABASE_URL": ""}, "DECISIONS_DATABASE_URL"),
        ({"LOG_ID": ""}, "DECISIONS_LOG_ID"),
        ({"LOG_ID": "two"}, "number"),
        ({"POSTGRES_ENABLE_DB_FUNCTIONS": "yes"}, "losing events"),
        ({"DECISIONS_POSTGRES_ENABLE_DB_FUNCTIONS": "t"}, "losing events"),
    ],
)
def test_settings_that_are_missing_or_dangerous_are_refused(
    changed: dict[str, str], said: str
) -> None:
    settings = {
        "PERSISTENCE_MODULE": "journal.decisions.factory",
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "LOG_ID": "2",
    }
    with pytest.raises(InfrastructureFactoryError, match=said):
        InfrastructureFactory.construct(Environment("decisions", settings | changed))


def test_what_would_lose_or_hide_events_is_refused(database_url: str, log_id: int) -> None:
    settings = {"DATABASE_URL": database_url, "LOG_ID": str(log_id)}
    factory = DecisionsFactory(Environment("decisions", settings))
    try:
        assert type(factory.aggregate_recorder()) is DecisionStreams
        with pytest.raises(NotSupportedError, match="snapshot"):
            factory.aggregate_recorder(purpose="snapshots")
        with pytest.raises(NotSupportedError, match="compare-and-swap"):
            factory.tracking_recorder()
        with pytest.raises(NotSupportedError, match="compare-and-swap"):
            factory.process_recorder()
        factory.env["COMPRESSOR_TOPIC"] = "zlib"
        with pytest.raises(VinculoError, match="neither compressor nor cipher"):
            factory.mapper()
    finally:
        factory.close()


def test_folds_read_how_far_time_has_come(
    decisions: Decisions, connection: psycopg.Connection, log_id: int
) -> None:
    assert latest_time(connection, log_id) == (0, None)
    assert latest_time(connection, log_id, until=10) == (0, None)
    assert time_advances(connection, log_id, 0) == []
    post(decisions, 3)
    decisions.advance_time(DAY)
    post(decisions, 2)
    assert latest_time(connection, log_id) == (4, DAY)
    assert latest_time(connection, log_id, until=3) == (0, None)
    assert time_advances(connection, log_id, 0) == [(4, DAY)]


@pytest.mark.parametrize("ticks", [1, 2, 7, 8, 33])
def test_advances_behind_any_position_are_those_of_a_full_scan(
    decisions: Decisions, connection: psycopg.Connection, log_id: int, ticks: int
) -> None:
    """The halving search against the obvious: decode everything, then compare positions."""
    for day in range(1, ticks + 1):
        post(decisions, day % 3)
        decisions.advance_time(day * DAY)
    post(decisions, 2)
    head = decisions.recorder.max_notification_id() or 0
    every = [
        (one.id, decisions.mapper.to_domain_event(one).decision.to)  # type: ignore[attr-defined]
        for one in decisions.recorder.select_notifications(
            1, 1_000, topics=["vinculo.time_advanced.v1"]
        )
    ]
    assert len(every) == ticks
    for position in range(head + 2):
        behind = [one for one in every if one[0] > position]
        until = [one for one in every if one[0] <= position]
        assert behind == time_advances(connection, log_id, position)
        assert behind[:3] == time_advances(connection, log_id, position, limit=3)
        assert (until[-1] if until else (0, None)) == latest_time(connection, log_id, position)


def test_reading_time_touches_the_clocks_stream_only(
    decisions: Decisions, connection: psycopg.Connection, log_id: int
) -> None:
    """With 1,000 postings behind each tick, three reads fetch some rows, not the log."""
    for day in range(1, 21):
        decisions.advance_time(day * DAY)
        post(decisions, 1_000)
    with connection.transaction():
        assert latest_time(connection, log_id)[1] == 20 * DAY
        assert len(time_advances(connection, log_id, 10_000)) == 10
        assert latest_time(connection, log_id, 10_000)[1] == 10 * DAY
        found = connection.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_all_tables"
            " WHERE schemaname = 'journal' AND relname = 'entry'"
        ).fetchone()
    assert found is not None
    assert 12 <= found[0] <= 60


def test_a_stranger_in_the_clocks_stream_is_refused(
    decisions: Decisions, connection: psycopg.Connection, log_id: int
) -> None:
    decisions.recorder.insert_events([StoredEvent(CLOCK_ID, 1, "vinculo.stranger.v1", b"{}")])
    with pytest.raises(UnreadableDecisionError, match="stranger"):
        latest_time(connection, log_id)
    with pytest.raises(UnreadableDecisionError, match="stranger"):
        decisions.advance_time(DAY)
