"""What must not be read on is stopped with an alarm, and nothing else is."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from consumers.kafka.parked import drop_parked
from consumers.kafka.publisher import publish
from consumers.kafka.worker import IntakeWorker
from journal.connecting import connect
from journal.intake.claims import (
    list_partitions,
    pause_topic,
    read_topic_anew,
    resume_topic,
)
from tests.consumers import business
from tests.servers import Topics

LOG_ID = 1


def conditions(worker: IntakeWorker) -> Counter[str]:
    return Counter(one.condition for one in worker.metrics().partitions)


def reasons(url: str, topic: str) -> set[str]:
    """Codes for which partitions of a topic are paused, empty for one that is not."""
    with connect(url, name="test") as connection:
        states = list_partitions(connection, LOG_ID)
    return {one.paused_because.partition(":")[0] for one in states if one.topic == topic}


def test_a_topic_full_of_rejects_is_paused_while_the_other_goes_on(
    kafka_broker: str, topic: Topics, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = topic(partitions=2), topic(partitions=2)
    changes: dict[str, Any] = {"rejects_count": 20, "rejects_share": 0.5, "batch_messages_max": 10}
    publish(business.broken(bad, 40), kafka_broker)
    publish(business.structured(bad, range(10)), kafka_broker)
    with business.running(kafka_broker, database_url, bad, good, **changes) as worker:
        business.wait_until(lambda: reasons(database_url, bad) == {"repeated_rejects"}, "a pause")
        business.wait_until(lambda: conditions(worker)["paused"] == 2, "its metrics")
        publish(business.structured(bad, range(10, 20)), kafka_broker)
        publish(business.structured(good, range(500)), kafka_broker)
        business.wait_for_facts(database_url, 500)
        assert {""} == reasons(database_url, good)
        with connect(database_url, name="test") as connection:

            def resumed() -> bool:
                resume_topic(connection, LOG_ID, bad)
                return worker.metrics().received == 560

            business.wait_until(resumed, "every message of the resumed topic")
    assert Counter(stored=520, rejected=40) == business.accounts(database_url)
    assert "intake_topic_paused" in capsys.readouterr().out


def test_a_paused_topic_is_tried_again_after_the_set_time(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    bad = topic(partitions=1)
    publish(business.broken(bad, 20), kafka_broker)
    with business.running(
        kafka_broker, database_url, bad, rejects_count=20, rejects_pause_seconds=1
    ) as worker:
        business.wait_until(lambda: reasons(database_url, bad) == {"repeated_rejects"}, "a pause")
        publish(business.structured(bad, range(10)), kafka_broker)
        business.wait_for_facts(database_url, 10)
        business.wait_until(lambda: conditions(worker)["reading"] == 1, "its metrics")


def test_a_pause_by_an_operator_holds_over_a_restart(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=1)
    publish(business.structured(name, range(10)), kafka_broker)
    with business.running(kafka_broker, database_url, name):
        business.wait_for_facts(database_url, 10)
    publish(business.structured(name, range(10, 20)), kafka_broker)
    with connect(database_url, name="test") as connection:
        assert 1 == pause_topic(connection, LOG_ID, name, "operator", "maintenance of the till")
        with business.running(kafka_broker, database_url, name) as worker:
            business.wait_until(lambda: conditions(worker)["paused"] == 1, "the pause")
            assert 10 == business.facts(database_url)
            resume_topic(connection, LOG_ID, name)
            business.wait_for_facts(database_url, 20)


def test_a_topic_made_anew_is_refused_at_the_claim_until_it_is_accepted(
    kafka_broker: str, topic: Topics, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = topic(partitions=1)
    publish(business.structured(name, range(10)), kafka_broker)
    with business.running(kafka_broker, database_url, name):
        business.wait_for_facts(database_url, 10)
    topic.delete(name)
    topic(partitions=1, name=name)
    publish(business.structured(name, range(100, 130)), kafka_broker)
    with business.running(kafka_broker, database_url, name) as worker:
        business.wait_until(lambda: conditions(worker)["refused"] == 1, "the refusal")
        assert {"topic_recreated"} == reasons(database_url, name)
        assert 10 == business.facts(database_url)
        with connect(database_url, name="test") as connection:
            assert 1 == read_topic_anew(connection, LOG_ID, name)
        business.wait_for_facts(database_url, 40)
    assert Counter(stored=40) == business.accounts(database_url)
    assert 1 == capsys.readouterr().out.count("intake_partition_refused")


def test_a_topic_made_anew_under_a_running_worker_is_refused(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=1)
    publish(business.structured(name, range(10)), kafka_broker)
    with business.running(kafka_broker, database_url, name) as worker:
        business.wait_for_facts(database_url, 10)
        topic.delete(name)
        topic(partitions=1, name=name)
        business.wait_until(lambda: conditions(worker)["refused"] == 1, "the refusal")
        publish(business.structured(name, range(100, 130)), kafka_broker)
        assert {"topic_recreated"} == reasons(database_url, name)
        with connect(database_url, name="test") as connection:
            read_topic_anew(connection, LOG_ID, name)
        business.wait_for_facts(database_url, 40)
    assert Counter(stored=40) == business.accounts(database_url)


@pytest.mark.parametrize("lost_at", ["beginning", "end"])
def test_offsets_that_the_broker_no_longer_has_are_refused_and_not_skipped(
    lost_at: str, kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name = topic(partitions=1)
    publish(business.structured(name, range(10)), kafka_broker)
    with business.running(kafka_broker, database_url, name):
        business.wait_for_facts(database_url, 10)
    publish(business.structured(name, range(10, 30)), kafka_broker)
    if lost_at == "beginning":
        admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
        admin.delete_records({TopicPartition(name, 0): 15})
        admin.close()
    else:
        with psycopg.connect(database_url) as connection:
            connection.execute("update journal.intake_partition set next_offset = 31")
    with business.running(kafka_broker, database_url, name) as worker:
        business.wait_until(lambda: conditions(worker)["refused"] == 1, "the refusal")
        assert {"offset_out_of_range"} == reasons(database_url, name)
        assert 10 == business.facts(database_url)
        with connect(database_url, name="test") as connection:
            read_topic_anew(connection, LOG_ID, name)
        business.wait_for_facts(database_url, 25 if lost_at == "beginning" else 30)


def test_retention_that_overtakes_a_paused_worker_is_refused_while_it_runs(
    kafka_broker: str, topic: Topics, database_url: str
) -> None:
    name, other = topic(partitions=1), topic(partitions=1)
    with business.running(kafka_broker, database_url, name, other) as worker:
        publish(business.structured(name, range(10)), kafka_broker)
        business.wait_for_facts(database_url, 10)
        with connect(database_url, name="test") as connection:
            pause_topic(connection, LOG_ID, name, "operator", "maintenance")
            business.wait_until(lambda: conditions(worker)["paused"] == 1, "the pause")
            business.let_pass(1)  # a fetch that was under way would bring what comes next
            publish(business.structured(name, range(10, 30)), kafka_broker)
            admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
            admin.delete_records({TopicPartition(name, 0): 20})
            admin.close()
            resume_topic(connection, LOG_ID, name)
        business.wait_until(lambda: conditions(worker)["refused"] == 1, "the refusal")
        publish(business.structured(other, range(50)), kafka_broker)
        business.wait_for_facts(database_url, 60)
    assert {"offset_out_of_range"} == reasons(database_url, name)


def leave_parked(_consumer: KafkaConsumer, _partition: TopicPartition) -> None:
    """The client as it is, without our repair."""


@pytest.mark.parametrize(
    ("repair", "expected"), [(drop_parked, set(range(30))), (leave_parked, set(range(10)))]
)
def test_a_partition_paused_amidst_a_fetch_is_read_on_when_resumed(
    repair: Callable[[KafkaConsumer, TopicPartition], None],
    expected: set[int],
    kafka_broker: str,
    topic: Topics,
) -> None:
    """The second case is the control: where it fails, the client was mended, and so can we be."""
    paused, other = TopicPartition(topic(), 0), TopicPartition(topic(), 0)
    publish(business.structured(paused.topic, range(30)), kafka_broker)
    consumer = KafkaConsumer(bootstrap_servers=kafka_broker, auto_offset_reset="earliest")
    consumer.assign([paused, other])
    seen = {one.offset for one in consumer.poll(timeout_ms=5_000, max_records=10)[paused]}
    consumer.pause(paused)
    publish(business.structured(other.topic, range(10)), kafka_broker)
    assert {other} == consumer.poll(timeout_ms=5_000).keys()
    repair(consumer, paused)
    consumer.resume(paused)
    for _ in range(4):
        for one in consumer.poll(timeout_ms=500).get(paused, ()):
            seen.add(one.offset)
    consumer.close()
    assert expected == seen
