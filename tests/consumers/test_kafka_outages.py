"""Broker, journal and client fail while messages flow; the worker goes on by itself."""

import gc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from kafka import KafkaConsumer
from kafka.errors import CorruptRecordError

from consumers.kafka.publisher import publish
from tests.consumers import business
from tests.servers import KafkaBroker, Topics, with_database

# The goal of five seconds is for a quiet machine, and this one may be busy. The client's own waits
# between two tries are 30 s at the longest, on top of its session: with them it would take 52.
RESUMED_SECONDS = 25.0

# The client leaves sockets to the collector when a broker refuses connections.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(autouse=True)
def _collect_sockets() -> Iterator[None]:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def cut_connections(url: str) -> int:
    """End every connection of the intake, whatever it is doing."""
    with psycopg.connect(url, autocommit=True) as connection:
        ended = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name like 'vinculo intake%'"
        )
        return len(ended.fetchall())


def test_connections_killed_in_mid_batch_lose_and_repeat_nothing(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=3)
    publish(business.structured(name, range(6_000)), kafka_broker)
    with business.running(kafka_broker, database_url, name, batch_messages_max=50) as worker:
        for count in (300, 1_200, 2_400, 3_600):
            business.wait_for_facts(database_url, count)
            # After the last cut the worker may still be about to connect again.
            business.wait_until(lambda: cut_connections(database_url) > 0, "a connection to cut")
        business.wait_for_facts(database_url, 6_000)
    assert Counter(stored=6_000) == business.accounts(database_url)
    assert not worker.metrics().journal_away


def test_a_journal_that_was_away_is_used_again_within_seconds(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=2)
    database = urlsplit(database_url).path[1:]
    elsewhere = with_database(database_url, "postgres")
    with (
        business.running(kafka_broker, database_url, name) as worker,
        psycopg.connect(elsewhere, autocommit=True) as other,
    ):
        publish(business.structured(name, range(100)), kafka_broker)
        business.wait_for_facts(database_url, 100)
        other.execute(f'alter database "{database}" allow_connections false')
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [database]
        )
        publish(business.structured(name, range(100, 200)), kafka_broker)
        business.wait_until(lambda: worker.metrics().journal_away, "the worker to say so")
        # Long enough for the waits between tries to have grown to their longest.
        business.let_pass(4)
        other.execute(f'alter database "{database}" allow_connections true')
        assert RESUMED_SECONDS > business.wait_for_facts(database_url, 200)
    assert Counter(stored=200) == business.accounts(database_url)


def test_a_broker_that_was_away_is_read_again_within_seconds(
    restartable_broker: KafkaBroker, database_url: str
) -> None:
    servers = restartable_broker.bootstrap_servers
    name = Topics(servers)(partitions=2)
    with business.running(servers, database_url, name, advisory_commit_seconds=0.1) as worker:
        publish(business.structured(name, range(500)), servers)
        business.wait_for_facts(database_url, 500)
        restartable_broker.stop()
        restartable_broker.start()
        publish(business.binary(name, range(500, 1_000)), servers)
        assert RESUMED_SECONDS > business.wait_for_facts(database_url, 1_000)
    assert Counter(stored=1_000) == business.accounts(database_url)
    assert 0 == worker.metrics().fenced


def test_a_worker_without_a_broker_waits_for_one(
    restartable_broker: KafkaBroker, database_url: str
) -> None:
    servers = restartable_broker.bootstrap_servers
    name = Topics(servers)(partitions=1)
    publish(business.structured(name, range(10)), servers)
    restartable_broker.kill()
    with business.running(servers, database_url, name) as worker:
        business.wait_until(lambda: worker.metrics().rebuilds >= 2, "two tries")
        restartable_broker.start()
        business.wait_for_facts(database_url, 10)
    assert Counter(stored=10) == business.accounts(database_url)


def failing_poll(when: int) -> Callable[..., Any]:
    """The client's poll, which raises in one call, as it does over a corrupt batch."""
    poll = KafkaConsumer.poll
    calls: list[KafkaConsumer] = []

    def fail(self: KafkaConsumer, *args: Any, **options: Any) -> Any:
        calls.append(self)
        if len(calls) == when:
            raise CorruptRecordError("invented by the test")
        if len(calls) > when:
            assert self is not calls[when - 1], "a client that has failed was polled again"
        return poll(self, *args, **options)

    return fail


def test_a_client_that_failed_is_built_anew_and_not_polled_again(
    kafka_broker: str, topic: Topics, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = topic(partitions=2)
    publish(business.structured(name, range(2_000)), kafka_broker)
    monkeypatch.setattr(KafkaConsumer, "poll", failing_poll(when=4))
    with business.running(kafka_broker, database_url, name, batch_messages_max=100) as worker:
        business.wait_for_facts(database_url, 2_000)
    assert Counter(stored=2_000) == business.accounts(database_url)
    assert 1 == worker.metrics().rebuilds


def test_a_partition_without_progress_while_there_is_lag_is_told(
    kafka_broker: str, topic: Topics, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = topic(partitions=1)
    intake = business.make_intake(database_url, name)
    publish(business.structured(name, range(200)), kafka_broker)
    with (
        psycopg.connect(database_url) as holder,
        business.running(
            kafka_broker, database_url, name, intake=intake, batch_messages_max=10,
            stall_seconds=1,
        ) as worker,
    ):  # fmt: skip
        holder.execute("select * from journal.log_head for update")
        business.wait_until(
            lambda: any(one.stalled for one in worker.metrics().partitions), "a stall"
        )
        assert (worker.metrics().partitions[0].lag or 0) > 0
        holder.rollback()
        business.wait_for_facts(database_url, 200)
        business.wait_until(lambda: worker.metrics().partitions[0].lag == 0, "no lag")
        business.wait_until(lambda: not worker.metrics().partitions[0].stalled, "no stall")
    assert 1 == capsys.readouterr().out.count("intake_partition_stalled")
    assert Counter(stored=200) == business.accounts(database_url)
